/** A client that takes nothing of an answer is not waited for without end, also where the upstream's part is over. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { counts } from '../../helpers/counts.ts';
import { fakeUpstream } from '../../helpers/fake-upstream.ts';
import { routeTo, startGateway } from '../../helpers/gateway.ts';
import { scratchFolder } from '../../helpers/scratch-folder.ts';

/** Long enough that a busy machine brings the answer within it. */
const http = { maxBodyBytes: 1e9, inactivityMs: 2000, maxUpstreamConnections: 10 };
/** An empty line before a request brings its connection into the careful lane. */
const lanes = [
  { lane: 'fast', preface: '' },
  { lane: 'careful', preface: '\r\n' },
];
/**
 * Of a unix socket the kernel holds some 200 KB. A little more has come from the upstream as a whole, far more has not.
 */
const answers = [
  { what: 'one that is whole', length: 300_000, sent: 300_000 },
  { what: 'one that goes on', length: 1e9, sent: 3e6 },
];

test.each(lanes.flatMap((lane) => answers.map((answer) => ({ ...lane, ...answer }))))(
  '$lane lane: $what',
  async ({ preface, length, sent }) => {
    await using upstream = await fakeUpstream({ answer: () => null });
    const unix = join(scratchFolder(), 'socket');
    await using sluice = await startGateway({ routes: [routeTo(upstream, { http })], unix });
    const client = connect(unix).pause();
    client.write(`${preface}GET / HTTP/1.1\r\nHost: gateway.test\r\n\r\n`);
    const server = await upstream.next();
    server.sendText(`HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\n\r\n${'x'.repeat(sent)}`);
    expect(await sluice.logged('http_failed')).toMatchObject({ result: 'client_timeout' });
    expect(sluice.log.filter(({ event }) => event === 'http_failed')).toHaveLength(1);
    expect(counts(sluice.gateway.counters.of('test').upstreamErrors)).toEqual({});
    await once(client.resume(), 'close');
  },
);
