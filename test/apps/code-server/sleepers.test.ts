import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { flood, SleepyClient, sleeperSuite } from '../../real/harness/sleepers.ts';
import { project, startCodeServer } from './server.ts';

const file = join(project, 'flood.txt');

/**
 * VS Code's protocol: vscode, src/vs/base/parts/ipc/common/ipc.net.ts (`ProtocolMessageType`, a head of 13 bytes).
 */
const regular = 1;
const control = 2;
let sent = 0;

function framed(type: typeof regular | typeof control, data: Buffer): Buffer {
  const head = Buffer.alloc(13);
  head[0] = type;
  if (type === regular) head.writeUInt32BE(++sent, 1);
  head.writeUInt32BE(data.length, 9);
  return Buffer.concat([head, data]);
}

const saying = (message: object) => framed(control, Buffer.from(JSON.stringify(message)));

/** Values of its remote calls: ipc.ts, `DataType`. */
type Value = string | number | readonly Value[] | { readonly json: object };

function serialized(value: Value): Buffer {
  if (typeof value === 'number') return Buffer.concat([Buffer.of(6), length(value)]);
  if (typeof value === 'string') return sized(1, Buffer.from(value));
  if ('json' in value) return sized(5, Buffer.from(JSON.stringify(value.json)));
  return Buffer.concat([Buffer.of(4), length(value.length), ...value.map(serialized)]);
}

const sized = (type: number, data: Buffer) => Buffer.concat([Buffer.of(type), length(data.length), data]);

/** Seven bits in each byte, the lowest first. */
function length(value: number): Buffer {
  const bytes: number[] = [];
  for (; value > 127; value >>>= 7) bytes.push((value & 127) | 128);
  return Buffer.from([...bytes, value]);
}

/** Reads until a control message of the server's has this kind. */
async function heard(client: SleepyClient, kind: string): Promise<void> {
  for (;;) {
    const data = await client.next();
    if (data === null) throw new Error(`the server has ended the connection before it said ${kind}`);
    if (data.includes(`"type":"${kind}"`)) return;
  }
}

sleeperSuite({
  'code-server': {
    preset: 'code-server',
    start() {
      const text = Array.from({ length: flood.pieces }, (_, i) => `piece ${i} ${'x'.repeat(flood.bytes)}\n`).join('');
      writeFileSync(file, text);
      return startCodeServer();
    },
    async ask(port) {
      const query = `reconnectionToken=${randomUUID()}&reconnection=false&skipWebSocketFrames=false`;
      const client = await SleepyClient.open(`ws://127.0.0.1:${port}/stable-0123/?${query}`);
      client.send(saying({ type: 'auth', auth: '00000000000000000000', data: '' }));
      await heard(client, 'sign');
      client.send(saying({ type: 'connectionType', signedData: '', desiredConnectionType: 1 }));
      await heard(client, 'ok');
      sent = 0;
      client.send(framed(regular, serialized('tests')));
      const uri = { $mid: 1, scheme: 'vscode-remote', authority: 'tests', path: file };
      const call = [serialized([100, 1, 'remoteFilesystem', 'readFile']), serialized([{ json: uri }, { json: {} }])];
      client.send(framed(regular, Buffer.concat(call)));
      return client;
    },
  },
});
