/**
 * The live feed: server-sent events, read with fetch because EventSource cannot send a token. It comes back by itself,
 * and says when it is lost.
 */
import { askForToken, authorization } from './token.js';

/** The server sends every second; this long without a word and the connection is dead, whatever TCP believes. */
const silenceMs = 5000;
const firstRetryMs = 500;
const longestRetryMs = 4000;

/**
 * @import { FeedEvent, Hello } from './types.d.ts'
 * @typedef {(...event: ['hello', Hello] | ['tick', FeedEvent]) => void} OnEvent
 */

/**
 * Reads the feed for ever.
 * @param {OnEvent} onEvent gets each event
 * @param {(why: string) => void} onLost gets each loss, in words
 */
export async function watch(onEvent, onLost) {
  let retryMs = firstRetryMs;
  for (;;) {
    try {
      const answer = await read((...event) => {
        retryMs = firstRetryMs;
        onEvent(...event);
      });
      if (answer.status === 401) {
        await askForToken();
        continue;
      }
      onLost(await reasonOf(answer));
    } catch {
      onLost('The connection to Sluice is lost');
    }
    await new Promise((resolve) => setTimeout(resolve, retryMs));
    retryMs = Math.min(2 * retryMs, longestRetryMs);
  }
}

/** One connection to the feed, to its end. Returns the answer where it is none. */
async function read(/** @type {OnEvent} */ onEvent) {
  const gone = new AbortController();
  let patience = setTimeout(() => gone.abort(), silenceMs);
  const renew = () => {
    clearTimeout(patience);
    patience = setTimeout(() => gone.abort(), silenceMs);
  };
  try {
    const answer = await fetch('/api/feed', { headers: authorization(), signal: gone.signal, cache: 'no-store' });
    if (!answer.ok) return answer;
    const reader = /** @type {ReadableStream} */ (answer.body).pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    for (;;) {
      const { value, done } = await reader.read();
      if (done) throw new Error('the stream ended');
      renew();
      const events = (text + value).split('\n\n');
      text = events.pop() ?? '';
      for (const event of events) dispatch(event, onEvent);
    }
  } finally {
    clearTimeout(patience);
    gone.abort();
  }
}

function dispatch(/** @type {string} */ event, /** @type {OnEvent} */ onEvent) {
  const fields = Object.fromEntries(
    event.split('\n').map((line) => [line.split(': ', 1)[0], line.slice(line.indexOf(': ') + 2)]),
  );
  if (fields.data) onEvent(/** @type {any} */ (fields.event), JSON.parse(fields.data));
}

async function reasonOf(/** @type {Response} */ answer) {
  const { error } = await answer.json().catch(() => ({}));
  return error?.what ? `Sluice answered: ${error.what}` : `Sluice answered ${answer.status}`;
}
