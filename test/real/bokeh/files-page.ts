/** The page of `apps/files.py` as a person uses it, and the files for it. */
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Download, Locator, Page } from 'playwright-core';
import type { Browser } from '../harness/browser.ts';
import { scratchDirectory } from '../harness/paths.ts';

/** A file on disk, its size and its hash. */
export interface TestFile {
  readonly path: string;
  /** What the application says once it has the whole file. */
  readonly received: string;
}

let directory: string | undefined;

/** Writes a file of so many random bytes. */
export async function makeFile(bytes: number): Promise<TestFile> {
  directory ??= scratchDirectory('files');
  const path = join(directory, `${bytes}.bin`);
  const data = randomBytes(bytes);
  await writeFile(path, data);
  return { path, received: `received ${bytes} ${createHash('sha256').update(data).digest('hex')}` };
}

/** The application's page in a browser. */
export class FilesPage {
  readonly page: Page;
  /** Requests to anywhere but loopback; there must be none. */
  readonly outside: string[] = [];

  private constructor(page: Page) {
    this.page = page;
    page.on('request', (request) => {
      const { protocol, hostname } = new URL(request.url());
      if (protocol.startsWith('http') && hostname !== '127.0.0.1') this.outside.push(request.url());
    });
  }

  /** Opens the page and waits until its application has drawn it. */
  static async open(browser: Browser, url: string): Promise<FilesPage> {
    const opened = new FilesPage(await browser.page());
    await opened.page.goto(`${url}/files`);
    await opened.page.getByRole('heading', { name: 'Files through a WebSocket' }).waitFor();
    await opened.page.locator('.filepond--root').waitFor();
    return opened;
  }

  /** The input of the FileInput widget. */
  get fileInput(): Locator {
    return this.page.locator('input[type=file]:not(.filepond--browser)');
  }

  /** The input inside the FileDropper widget. */
  get fileDropper(): Locator {
    return this.page.locator('input.filepond--browser');
  }

  /** Waits until the application reports a text. */
  async says(text: string, withinMs = 150_000): Promise<void> {
    await this.page.getByText(text).waitFor({ timeout: withinMs });
  }

  /** What the download button offers, as `offered <bytes> <sha256>`. */
  async offered(): Promise<string> {
    const text = await this.page.getByText('offered ').textContent();
    return /offered \d+ [0-9a-f]{64}/.exec(text ?? '')![0];
  }

  /** Clicks the download button and waits for the file. */
  async download(): Promise<Download> {
    const arriving = this.page.waitForEvent('download', { timeout: 150_000 });
    await this.page.getByText('Download 50 MB').click();
    return arriving;
  }
}

/** Size and hash of a file, as the application writes them. */
export async function describeFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const piece of createReadStream(path)) {
    bytes += piece.length;
    hash.update(piece);
  }
  return `${bytes} ${hash.digest('hex')}`;
}
