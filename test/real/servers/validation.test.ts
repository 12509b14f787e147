/** The file service of docs/validation.md behind its configuration and its schema, all three as they stand there. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { parse } from 'yaml';
import { root, scratchDirectory, venvProgram } from '../harness/paths.ts';
import { freePort } from '../harness/ports.ts';
import { answers, ServerProcess } from '../harness/server-process.ts';
import { Sluice, type SluiceConfig } from '../harness/sluice.ts';

const run = promisify(execFile);
const page = readFileSync(join(root, 'docs/validation.md'), 'utf8');

/** The first block of this language on the page. */
function block(language: string): string {
  return new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``).exec(page)![1]!;
}

let server: ServerProcess;
let sluice: Sluice;
let schemaFile: string;

beforeAll(async () => {
  const folder = scratchDirectory('validation');
  const port = await freePort();
  schemaFile = join(folder, 'request.schema.json');
  writeFileSync(schemaFile, block('json'));
  writeFileSync(join(folder, 'service.py'), block('python'));
  server = await ServerProcess.start({
    name: 'the file service',
    command: venvProgram('modern', 'python'),
    args: ['-m', 'uvicorn', 'service:app', '--port', String(port)],
    cwd: folder,
    ready: answers(`http://127.0.0.1:${port}/openapi.json`),
  });
  const text = block('yaml').replace('http://127.0.0.1:8000', `http://127.0.0.1:${port}`);
  const { listen: _, ...config } = parse(text.replace('request.schema.json', schemaFile)) as SluiceConfig;
  sluice = await Sluice.start(config);
});

afterAll(async () => {
  await sluice?.stop();
  await server?.stop();
});

async function connect(): Promise<WebSocket> {
  // A browser offers compression; nothing may come of it.
  const socket = new WebSocket(`ws://127.0.0.1:${sluice.port}/ws`, { perMessageDeflate: true });
  await once(socket, 'open');
  return socket;
}

async function ask(socket: WebSocket, message: string): Promise<unknown> {
  const answer = once(socket, 'message');
  socket.send(message);
  return JSON.parse(String((await answer)[0]));
}

it('answers what does not fit and passes on what does, on one connection', async () => {
  const socket = await connect();
  expect(socket.extensions).toBe('');
  expect(await ask(socket, '{"filename": "a.csv", "selectedColumns": ["x"]}')).toEqual({
    type: 'result',
    columns: ['x'],
  });
  // What the page says that its sender gets.
  const [, said] = [...page.matchAll(/```json\n([\s\S]*?)```/g)].map((match) => match[1]!.trim());
  expect(JSON.stringify(await ask(socket, '{"filename": "../etc/passwd"}'))).toBe(said);
  for (const bad of ['{', '{"filename": 1}', '{"filename": "a", "selectedColumns": ["x", "x"]}', '['.repeat(50_000)]) {
    expect(await ask(socket, bad)).toMatchObject({ type: 'error' });
  }
  expect(await ask(socket, '{"filename": "b.csv"}')).toEqual({ type: 'result', columns: [] });
  const counted = { route: 'files', sender: 'client', limit: 'validate', action: 'reply' };
  expect(await sluice.metric('limit_violations_total', counted)).toBe(5);
  socket.close();
  await once(socket, 'close');
});

it('takes a changed schema for the next message', async () => {
  const socket = await connect();
  expect(await ask(socket, '{"filename": "a.csv"}')).toMatchObject({ type: 'result' });
  writeFileSync(schemaFile, '{"required": ["id"]}');
  await expect
    .poll(() => ask(socket, '{"filename": "a.csv"}'), { timeout: 90_000 })
    .toEqual({
      type: 'error',
      message: 'a text message breaks "required" at the top',
    });
  socket.close();
  await once(socket, 'close');
});

/** What Pydantic takes, by its own word. */
const pydantic = `
import json, re, sys
from pydantic import BaseModel, Field, ValidationError

class Request(BaseModel):
    filename: str = Field(pattern=f"^[a-z]+{re.escape('-#1 ~')}$", examples=["a-#1 ~"], json_schema_extra={"x-unit": "m"})
    password: str = Field(json_schema_extra={"example": "abcdefg1", "pattern": r"^(?=.*\\d)(?=.*[a-z]).{8,}$"})

def takes(text):
    try:
        Request.model_validate_json(text)
        return True
    except ValidationError:
        return False

print(json.dumps([Request.model_json_schema(), [takes(text) for text in sys.argv[1:]]]))
`;

// pydantic/pydantic#13017, fastify/help#948, ajv-validator/ajv#2017.
it('takes what Pydantic writes: needless escapes, remarks, looks around', async () => {
  const request = (filename: string) => JSON.stringify({ filename, password: 'abcdefg1' });
  const texts = [request('a-#1 ~'), request('a-#1 -'), request('A-#1 ~')];
  const { stdout } = await run(venvProgram('modern', 'python'), ['-c', pydantic, ...texts]);
  const [schema, taken] = JSON.parse(stdout) as [unknown, boolean[]];
  writeFileSync(schemaFile, JSON.stringify(schema));
  const socket = await connect();
  const refused = async (text: string) => ((await ask(socket, text)) as { type: string }).type === 'error';
  await expect.poll(() => refused('{"filename": "a.csv"}'), { timeout: 90_000 }).toBe(true);
  await expect.poll(() => refused(texts[0]!), { timeout: 90_000 }).toBe(false);
  expect([await refused(texts[1]!), await refused(texts[2]!)]).toEqual([!taken[1], !taken[2]]);
  expect(taken).toEqual([true, false, false]);
  expect(await refused(JSON.stringify({ filename: 'a-#1 ~', password: 'abcdefgh' }))).toBe(true);
  socket.close();
  await once(socket, 'close');
});
