/** Puts the page together once the backend has said what is configured. */
import { channel } from './channel.js';
import { files } from './files.js';
import { flood } from './flood.js';
import { counters, log } from './instruments.js';
import { on, watch } from './live.js';
import { messages } from './messages.js';

const byId = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));
/** @type {(selector: string) => NodeListOf<HTMLElement>} */
const all = (selector) => document.querySelectorAll(selector);
let bound = false;

on('setup', (setup) => {
  for (const place of all('[data-setup]')) {
    const key = String(place.dataset.setup);
    const text = key === 'metrics' ? `${setup.admin}/metrics` : String(Reflect.get(setup, key));
    place.textContent = text.replace('http://', '');
    if (place instanceof HTMLAnchorElement) place.href = text;
  }
  for (const place of all('[data-yaml]')) place.textContent = setup.yaml[String(place.dataset.yaml)];
  if (bound) return; // The stream came back: only the addresses may have changed.
  bound = true;
  channel(byId('channel'), setup.limits.floodBuffer);
  messages(byId('messages'), setup.limits.message);
  files(byId('files'), setup.limits.chunk);
  flood(byId('flood'), setup.limits.floodPauseMs);
});

counters(/** @type {HTMLTableElement} */ (byId('counters')));
log(byId('log'));
watch(byId('live'));
