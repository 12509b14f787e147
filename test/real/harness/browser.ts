/** Debian's Chromium with a fresh profile, held to loopback. */
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { scratchDirectory } from './paths.ts';

/** A browser and what its pages said; `await using` closes it. */
export class Browser {
  readonly context: BrowserContext;
  /** Every console line of every page, as `type: text`. */
  readonly console: string[] = [];

  private constructor(context: BrowserContext) {
    this.context = context;
    context.on('console', (message) => this.console.push(`${message.type()}: ${message.text()}`));
  }

  static async launch(): Promise<Browser> {
    const profile = scratchDirectory('chromium');
    const context = await chromium.launchPersistentContext(profile, {
      executablePath: '/usr/bin/chromium',
      viewport: { width: 1280, height: 800 },
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        // Names other than loopback's do not resolve, so a page that needs the network fails visibly.
        '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost',
      ],
    });
    return new Browser(context);
  }

  async page(): Promise<Page> {
    return this.context.newPage();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.context.close();
  }
}
