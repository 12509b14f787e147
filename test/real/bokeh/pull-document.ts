/** A page's client that asks for its whole document, and keeps what comes until it is wanted. */
import { SleepyClient } from '../harness/sleepers.ts';
import { pageToken } from './bokeh-socket.ts';

/** Opens the socket of a page, waits for the server's greeting, which it cannot do without, and asks. */
export async function pullDocument(pageUrl: string, query = ''): Promise<SleepyClient> {
  const session = await pageToken(`${pageUrl}${query}`);
  const client = await SleepyClient.open(`${pageUrl.replace('http', 'ws')}/ws`, ['bokeh', session]);
  for (let part = 0; part < 3; part++) await client.next();
  for (const part of ['{"msgid":"1","msgtype":"PULL-DOC-REQ"}', '{}', '{}']) client.send(part);
  return client;
}
