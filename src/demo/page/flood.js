/** Experiment 3: shows where the bytes of a flood are, and how it ended. */
import { button, bytes, closeRow, inside, shower, wireRow } from './format.js';
import { on, total } from './live.js';

/** Binds the section; `maxPauseMs` is the route's max_pause. */
export function flood(/** @type {HTMLElement} */ section, /** @type {number} */ maxPauseMs) {
  const list = inside(section, '.wire');
  /** @type {import('./types.d.ts').Events['flood']} */
  let state = { phase: 'idle', asleep: false, total: 1, written: 0, received: 0, server: null, client: null };
  let pausedSince = 0;

  button(section, 'start').addEventListener('click', () => {
    list.replaceChildren();
    fetch('/flood/start', { method: 'POST' });
  });
  button(section, 'wake').addEventListener('click', () => fetch('/flood/wake', { method: 'POST' }));

  function draw() {
    const buffered = state.phase === 'flooding' ? total('buffered_bytes', { route: 'flood', sender: 'upstream' }) : 0;
    const parts = {
      read: state.received,
      sluice: buffered,
      kernel: Math.max(0, state.written - state.received - buffered),
      held: state.total - state.written,
    };
    if (state.phase === 'over') Object.assign(parts, { kernel: 0, sluice: 0 });
    for (const [part, value] of Object.entries(parts)) {
      inside(section, `.stack .s-${part}`).style.flexGrow = String(value / state.total);
      shower(section, part).textContent = bytes(value);
    }
    button(section, 'start').disabled = state.phase === 'flooding';
    button(section, 'wake').disabled = !state.asleep;
  }

  function tick() {
    const left = maxPauseMs - (performance.now() - pausedSince);
    shower(section, 'clock').textContent =
      pausedSince > 0 && state.asleep ? `max_pause ends it in ${Math.max(0, left / 1000).toFixed(1)} s` : '';
    if (pausedSince > 0) requestAnimationFrame(tick);
  }

  on('counters', () => {
    const paused = total('paused_connections', { route: 'flood', sender: 'upstream' }) > 0;
    if (paused && pausedSince === 0) {
      pausedSince = performance.now();
      if (state.asleep) wireRow(list, 'note', 'Sluice’s buffer is full: the server is paused');
      tick();
    }
    if (!paused) pausedSince = 0;
    draw();
  });

  on('flood', (now) => {
    const before = state;
    state = now;
    if (before.phase !== 'flooding' && now.phase === 'over') return draw(); // A flood of before this page.
    if (before.phase !== 'flooding' && now.phase === 'flooding') {
      wireRow(list, 'note', 'the client connected, and sleeps');
    }
    if (before.asleep && !now.asleep && now.phase === 'flooding') wireRow(list, 'in', 'the client reads again');
    if (now.server && !before.server) closeRow(list, 'the server was told', now.server);
    if (now.client && !before.client) closeRow(list, 'the client found', now.client);
    if (now.phase === 'over') {
      const lost = now.written - now.received;
      if (now.received === now.total) wireRow(list, 'good', `all ${bytes(now.total)} arrived`);
      else wireRow(list, 'note', `${bytes(lost)} that had left the server were dropped with the connection`);
    }
    draw();
  });
}
