/**
 * The live feed: server-sent events, read with fetch because EventSource cannot send a token. It comes back by itself,
 * and says when it is lost.
 */
import { askForToken, authorization } from './token.js';

/** The server sends every second; this long without a word and the connection is dead, whatever TCP believes. */
const silenceMs = 5000;
const firstRetryMs = 500;
const longestRetryMs = 4000;

/** Reads the feed for ever. `onEvent(name, data)` gets each event, `onLost(why)` each loss. */
export async function watch(onEvent, onLost) {
  let retryMs = firstRetryMs;
  for (;;) {
    try {
      const answer = await read((name, data) => {
        retryMs = firstRetryMs;
        onEvent(name, data);
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
async function read(onEvent) {
  const gone = new AbortController();
  let patience = setTimeout(() => gone.abort(), silenceMs);
  const renew = () => {
    clearTimeout(patience);
    patience = setTimeout(() => gone.abort(), silenceMs);
  };
  try {
    const answer = await fetch('/api/feed', { headers: authorization(), signal: gone.signal, cache: 'no-store' });
    if (!answer.ok) return answer;
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    for (;;) {
      const { value, done } = await reader.read();
      if (done) throw new Error('the stream ended');
      renew();
      const events = (text + value).split('\n\n');
      text = events.pop();
      for (const event of events) dispatch(event, onEvent);
    }
  } finally {
    clearTimeout(patience);
    gone.abort();
  }
}

function dispatch(event, onEvent) {
  const fields = Object.fromEntries(
    event.split('\n').map((line) => [line.split(': ', 1)[0], line.slice(line.indexOf(': ') + 2)]),
  );
  if (fields.data) onEvent(fields.event, JSON.parse(fields.data));
}

async function reasonOf(answer) {
  const { error } = await answer.json().catch(() => ({}));
  return error?.what ? `Sluice answered: ${error.what}` : `Sluice answered ${answer.status}`;
}
