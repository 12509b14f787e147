/** Connecting with real sockets: names with several addresses, time, TLS, and giving up at every step. */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Address } from '../../../src/upstream/addresses.ts';
import type { Connected, ConnectorParts } from '../../../src/upstream/connect.ts';
import type { ConnectFailure } from '../../../src/upstream/failure.ts';
import { OwnAddresses } from '../../../src/upstream/own-addresses.ts';
import { testConnector } from '../../helpers/connector.ts';
import { hasIpv6 } from '../../helpers/has-ipv6.ts';
import { refusingPort } from '../../helpers/listen.ts';
import { noUpstreamTls } from '../../helpers/relay.ts';
import { deafPort, socketsOn } from '../../helpers/sockets.ts';
import { cert, key } from '../../helpers/test-certificate.ts';

const never = new AbortController().signal;

test('a mistake of ours is told as one, and thrown at nobody', async () => {
  const bug = new Error('a bug');
  const own = new OwnAddresses(() => {
    throw bug;
  });
  const broke: unknown[] = [];
  const target = { protocol: 'http:', host: '127.0.0.1', port: 1, href: '' } as const;
  const ask = { target, tls: noUpstreamTls, timeoutMs: 5000, forwards: true };
  testConnector({ own }).dial(ask, { done: (result) => broke.push(result), broke: (error) => broke.push(error) });
  expect(broke).toEqual([bug]);
  await expect(testConnector({ own }).connect({ ...ask, signal: never })).rejects.toBe(bug);
});

interface Where extends Partial<ConnectorParts> {
  readonly port: number;
  readonly addresses?: readonly string[];
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  readonly protocol?: 'http:' | 'https:';
}

/** Connects to `backend`, which has these addresses. */
function connect({
  port,
  addresses = ['127.0.0.1'],
  timeoutMs = 5000,
  signal = never,
  protocol = 'http:',
  ...parts
}: Where): Promise<Connected | ConnectFailure> {
  const lookup = async () => addresses.map((address): Address => ({ address, family: address.includes(':') ? 6 : 4 }));
  const target = { protocol, host: 'backend', port, href: '' };
  return testConnector({ lookup, ...parts }).connect({ target, tls: noUpstreamTls, timeoutMs, signal });
}

/** The socket of a connection that must have come about; it is destroyed when the test ends. */
function socketOf(result: Connected | ConnectFailure): Socket {
  if ('problem' in result) throw new Error(`${result.problem}: ${result.detail}`);
  onTestFinished(() => {
    result.socket.destroy();
  });
  return result.socket;
}

/** Listens at an address; returns the port. */
async function listenAt(host: string, port = 0, server = createServer((socket) => socket.resume())): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => sockets.add(socket.on('error', () => {})));
  server.listen(port, host);
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as { port: number }).port;
}

describe('a name with several addresses', () => {
  test('is reached at the second where the first refuses, at once', async () => {
    const port = await listenAt('127.0.0.2');
    const connected = await connect({ port, addresses: ['127.0.0.1', '127.0.0.2'] });
    expect(socketOf(connected).remoteAddress).toBe('127.0.0.2');
    await expect.poll(() => socketsOn([port, { host: '127.0.0.2', port }])).toBe(2);
  });

  test('is reached at the second where the first does not answer, and no socket is left of that', async () => {
    await using deaf = await deafPort();
    await listenAt('127.0.0.2', deaf.port);
    const connected = await connect({ port: deaf.port, addresses: ['127.0.0.1', '127.0.0.2'] });
    expect(socketOf(connected).remoteAddress).toBe('127.0.0.2');
    const sockets = () => socketsOn([deaf.port, { host: '127.0.0.2', port: deaf.port }]);
    await expect.poll(sockets).toBe(deaf.sockets + 2);
  });

  test('is reached at the first, which takes a second, where the other refuses', async () => {
    await using deaf = await deafPort();
    let begun = 0;
    const admit = () => {
      // The kernel asks the first again after a second, and then there is room.
      if (++begun === 2) deaf.listen();
      return true;
    };
    const connected = await connect({ port: deaf.port, addresses: ['127.0.0.1', '127.0.0.2'], admit });
    expect(socketOf(connected).remoteAddress).toBe('127.0.0.1');
    expect(begun).toBe(2);
  });

  test.runIf(hasIpv6)('is reached over IPv4 where IPv6 refuses, and the other way round', async () => {
    const port = await listenAt('127.0.0.1');
    expect(socketOf(await connect({ port, addresses: ['::1', '127.0.0.1'] })).remoteAddress).toBe('127.0.0.1');
    const port6 = await listenAt('::1');
    expect(socketOf(await connect({ port: port6, addresses: ['127.0.0.1', '::1'] })).remoteAddress).toBe('::1');
  });

  test('that all refuse is told with each of them', async () => {
    const port = await refusingPort();
    expect(await connect({ port, addresses: ['127.0.0.1', '127.0.0.2'] })).toEqual({
      problem: 'connect_refused',
      detail: `connect ECONNREFUSED 127.0.0.1:${port}; connect ECONNREFUSED 127.0.0.2:${port}`,
    });
  });
});

describe('a dial', () => {
  const ask = { tls: noUpstreamTls, timeoutMs: 5000 };
  const at = (host: string, port: number) =>
    ({ protocol: 'http:', host, port, href: `http://${host}:${port}` }) as const;

  test('that is cancelled has failed when that returns, and leaves no socket', async () => {
    await using deaf = await deafPort();
    const told: unknown[] = [];
    const events = { done: (result: unknown) => told.push(result), broke: (error: unknown) => told.push(error) };
    const dial = testConnector().dial({ ...ask, target: at('127.0.0.1', deaf.port) }, events);
    dial.cancel();
    dial.cancel();
    expect(told).toEqual([{ problem: 'aborted', detail: 'the client left' }]);
    await expect.poll(() => socketsOn([deaf.port])).toBe(deaf.sockets);
  });

  test('asks whether it may where somebody else chose the target', async () => {
    const port = await listenAt('127.0.0.1');
    const told: unknown[] = [];
    const events = { done: (result: unknown) => told.push(result), broke: (error: unknown) => told.push(error) };
    const connector = testConnector({ forbidden: (_target, address) => `${address} is ours` });
    connector.dial({ ...ask, target: at('127.0.0.1', port), guarded: true }, events);
    expect(told).toEqual([{ problem: 'other', detail: '127.0.0.1 is ours' }]);
  });

  test('that breaks for a reason of our own says so, once', async () => {
    const { promise, resolve } = Promise.withResolvers<unknown>();
    const trust = () => Promise.reject(new Error('a bug'));
    const target = { protocol: 'https:', host: '127.0.0.1', port: 1, href: 'https://127.0.0.1:1' } as const;
    testConnector({ trust }).dial({ ...ask, target }, { done: resolve, broke: resolve });
    expect(await promise).toEqual(new Error('a bug'));
  });
});

describe('no connection in time', () => {
  test('is told with what was waited for', async () => {
    await using deaf = await deafPort();
    expect(await connect({ port: deaf.port, addresses: ['127.0.0.2', '127.0.0.1'], timeoutMs: 50 })).toEqual({
      problem: 'connect_timeout',
      detail: `no connection in 50 ms: connect ECONNREFUSED 127.0.0.2:${deaf.port}; 127.0.0.1 does not answer`,
    });
    await expect.poll(() => socketsOn([deaf.port])).toBe(deaf.sockets);
  });

  test('where the name is not resolved', async () => {
    const lookup = () => new Promise<never>(() => {});
    expect(await connect({ port: 1, lookup, timeoutMs: 20 })).toEqual({
      problem: 'connect_timeout',
      detail: 'no connection in 20 ms: backend is not resolved',
    });
  });

  test('where the upstream says nothing to TLS', async () => {
    const port = await listenAt('127.0.0.1');
    expect(await connect({ port, protocol: 'https:', timeoutMs: 50 })).toEqual({
      problem: 'connect_timeout',
      detail: 'no connection in 50 ms: TLS is not agreed',
    });
  });
});

describe('a name', () => {
  test('that does not exist, or that nobody can resolve now, is an error of DNS', async () => {
    const failing = (code: string) => () =>
      Promise.reject(Object.assign(new Error(`getaddrinfo ${code} backend`), { code }));
    for (const code of ['ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL']) {
      expect(await connect({ port: 1, lookup: failing(code) })).toEqual({
        problem: 'dns',
        detail: `getaddrinfo ${code} backend`,
      });
    }
    expect(await connect({ port: 1, addresses: [] })).toEqual({ problem: 'dns', detail: 'backend has no address' });
  });

  test('is resolved anew for each connection', async () => {
    const port = await listenAt('127.0.0.1');
    await listenAt('127.0.0.2', port);
    const answers = ['127.0.0.1', '127.0.0.2'];
    const connector = testConnector({ lookup: async () => [{ address: answers.shift()!, family: 4 }] });
    const target = { protocol: 'http:', host: 'backend', port, href: '' } as const;
    const ask = { target, tls: noUpstreamTls, timeoutMs: 5000, signal: never };
    expect(socketOf(await connector.connect(ask)).remoteAddress).toBe('127.0.0.1');
    expect(socketOf(await connector.connect(ask)).remoteAddress).toBe('127.0.0.2');
  });
});

describe('without descriptors', () => {
  test('nothing is begun, and the upstream is not blamed', async () => {
    const port = await listenAt('127.0.0.1');
    const failure = { problem: 'descriptors', detail: 'the process may open no more files' };
    expect(await connect({ port, admit: () => false })).toEqual(failure);
    const lookup = () => Promise.reject(Object.assign(new Error('getaddrinfo EAI_AGAIN'), { code: 'EAI_AGAIN' }));
    expect(await connect({ port, lookup, admit: () => false })).toEqual(failure);
  });

  test('those count that have no descriptor yet', async () => {
    const port = await listenAt('127.0.0.1');
    const seen: number[] = [];
    const connector = testConnector({
      admit: (begun) => {
        seen.push(begun);
        return begun < 3;
      },
    });
    const target = { protocol: 'http:', host: '127.0.0.1', port, href: '' } as const;
    const ask = { target, tls: noUpstreamTls, timeoutMs: 5000, signal: never };
    const results = await Promise.all(Array.from({ length: 5 }, () => connector.connect(ask)));
    expect(seen).toEqual([0, 1, 2, 3, 3]);
    for (const result of results.slice(0, 3)) socketOf(result);
    expect(results.slice(3).map((result) => 'problem' in result && result.problem)).toEqual(
      Array(2).fill('descriptors'),
    );
    socketOf(await connector.connect(ask));
    expect(seen.at(-1)).toBe(0);
  });
});

describe('given up', () => {
  test('before it has begun, nothing is asked', async () => {
    const lookup = () => Promise.reject(new Error('asked'));
    expect(await connect({ port: 1, lookup, signal: AbortSignal.abort() })).toMatchObject({ problem: 'aborted' });
  });

  test('at any moment, no socket is left, whatever the upstream does', async () => {
    const tls = createTlsServer({ cert, key }).on('tlsClientError', () => {});
    const ports = [await listenAt('127.0.0.1'), await listenAt('127.0.0.1', 0, tls), await refusingPort()];
    await using deaf = await deafPort();
    const count = Number(process.env.SLUICE_ABORTED_DIALS ?? 500);
    const connector = testConnector({
      lookup: async () => [
        { address: '::1', family: 6 },
        { address: '127.0.0.1', family: 4 },
      ],
    });
    const outcomes = new Set<string>();
    let under = 0;
    await new Promise<void>((done) => {
      let begun = 0;
      const next = () => {
        while (under < 50 && begun < count) {
          const port = [...ports, deaf.port][begun % 4]!;
          const protocol = begun % 8 < 4 ? 'http:' : 'https:';
          const target = { protocol, host: begun % 3 === 0 ? '127.0.0.1' : 'backend', port, href: '' } as const;
          const abort = new AbortController();
          begun++;
          under++;
          // From the same tick to some milliseconds later: within the look-up, the race, TLS, and after them.
          const give = [
            () => abort.abort(),
            () => queueMicrotask(() => abort.abort()),
            () => process.nextTick(() => abort.abort()),
            () => setImmediate(() => abort.abort()),
            () => setTimeout(() => abort.abort(), Math.random() * 60),
          ][begun % 5]!;
          const asked = connector.connect({
            target,
            tls: noUpstreamTls,
            timeoutMs: 4 + (begun % 7) * 10,
            signal: abort.signal,
          });
          give();
          void asked.then((result) => {
            if ('socket' in result) {
              outcomes.add('connected');
              result.socket.destroy();
            } else outcomes.add(result.problem);
            if (--under === 0 && begun === count) done();
            else next();
          });
        }
      };
      next();
    });
    expect([...outcomes]).toEqual(expect.arrayContaining(['aborted', 'connected', 'connect_refused']));
    await expect.poll(() => socketsOn([...ports, deaf.port])).toBe(2 + deaf.sockets);
  });
});
