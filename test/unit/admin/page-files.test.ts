import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { pageEndpoints } from '../../../src/admin/page-files.ts';
import type { AnsweringEndpoint } from '../../../src/admin/router.ts';

const folder = join(import.meta.dirname, '../../../src/admin/page');
const endpoints = pageEndpoints() as AnsweringEndpoint[];
const paths = endpoints.map(({ path }) => path);

async function bodyOf(path: string): Promise<string> {
  const endpoint = endpoints.find((one) => one.path === path)!;
  return String((await endpoint.answer({} as never)).body);
}

/** Types are for the compiler only. */
const served = readdirSync(folder).filter((name) => !name.endsWith('.d.ts'));

/** Types are imported in comments, which no browser reads. */
function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, '');
}

test('every file of the page is served, and nothing else', () => {
  const files = served.map((name) => (name === 'index.html' ? '/' : `/${name}`));
  expect(new Set(paths)).toEqual(new Set([...files, '/base.css', '/icon.svg', '/uplot.js', '/uplot.css']));
});

test('every file that another one names is served', async () => {
  for (const name of served) {
    const text = withoutComments(readFileSync(join(folder, name), 'utf8'));
    const named = [...text.matchAll(/(?:from '\.|(?:src|href)=")(\/[\w.-]+)['"]/g)].map((match) => match[1]);
    for (const path of named) expect(paths, name).toContain(path);
  }
});

test('the files are open, with a policy that allows nothing from elsewhere and nothing inline', async () => {
  for (const endpoint of endpoints) {
    expect(endpoint).toMatchObject({ method: 'GET', access: 'open' });
    const { headers, status } = await endpoint.answer({} as never);
    expect(status).toBe(200);
    const policy = String(headers?.['Content-Security-Policy']);
    expect(policy).toMatch(/^default-src 'none'/);
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
  }
  const html = await bodyOf('/');
  expect(html).not.toMatch(/<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)/);
});

test('the page loads nothing from elsewhere', () => {
  for (const name of served) {
    const text = withoutComments(readFileSync(join(folder, name), 'utf8')).replaceAll('http://www.w3.org/2000/svg', '');
    expect(text, name).not.toMatch(/(?:src|href)="https?:|url\(|@import|from 'https?:/);
  }
});

test('the plotting library is the one that is installed', async () => {
  expect(await bodyOf('/uplot.js')).toContain('export { uPlot as default }');
  expect(await bodyOf('/uplot.css')).toContain('.uplot');
});
