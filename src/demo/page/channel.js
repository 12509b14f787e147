/**
 * The picture at the top: a gate falls when Sluice stops reading that side, the chamber fills with what is buffered.
 */
import { bytes, inside, shower } from './format.js';
import { on, total } from './live.js';

/** Binds the figure to the counters. */
export function channel(/** @type {HTMLElement} */ figure, /** @type {number} */ bufferLimit) {
  const chamber = inside(figure, '#chamber');
  on('counters', () => {
    const paused = { client: 0, upstream: 0 };
    for (const sender of /** @type {const} */ (['client', 'upstream'])) {
      paused[sender] = total('paused_connections', { sender });
      figure.dataset[sender] = paused[sender] > 0 ? 'shut' : 'open';
    }
    const buffered = total('buffered_bytes', {});
    chamber.style.setProperty('--level', String(Math.min(0.9, 0.04 + (0.82 * buffered) / bufferLimit)));
    const open = ['messages', 'files', 'flood'].reduce((sum, route) => sum + total('connections_active', { route }), 0);
    shower(figure, 'open').textContent = paused.client > 0 ? 'paused by its rate' : `${open} open`;
    shower(figure, 'buffered').textContent = buffered > 0 ? `${bytes(buffered)} buffered` : 'buffer empty';
    shower(figure, 'reading').textContent = paused.upstream > 0 ? 'paused: buffer full' : 'free to send';
  });
}
