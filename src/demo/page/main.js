/** Puts the page together once the backend has said what is configured. */
import { channel } from './channel.js';
import { files } from './files.js';
import { flood } from './flood.js';
import { counters, log } from './instruments.js';
import { on, watch } from './live.js';
import { messages } from './messages.js';

const byId = (id) => document.getElementById(id);
let bound = false;

on('setup', (setup) => {
  for (const place of document.querySelectorAll('[data-setup]')) {
    const text = place.dataset.setup === 'metrics' ? `${setup.admin}/metrics` : setup[place.dataset.setup];
    place.textContent = text.replace('http://', '');
    if (place instanceof HTMLAnchorElement) place.href = text;
  }
  for (const place of document.querySelectorAll('[data-yaml]')) place.textContent = setup.yaml[place.dataset.yaml];
  if (bound) return; // The stream came back: only the addresses may have changed.
  bound = true;
  channel(byId('channel'), setup.limits.floodBuffer);
  messages(byId('messages'), setup.limits.message);
  files(byId('files'), setup.limits.chunk);
  flood(byId('flood'), setup.limits.floodPauseMs);
});

counters(byId('counters'));
log(byId('log'));
watch(byId('live'));
