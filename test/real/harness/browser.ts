/** Debian's Chromium with a fresh profile, held to loopback. */
import { createHash, X509Certificate } from 'node:crypto';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { cert } from '../../helpers/test-certificate.ts';
import { scratchDirectory, screenshotPath } from './paths.ts';

/** Less than a test has, so that what a page does not show is named. Playwright's 30 s are little on a busy machine. */
const patienceMs = 150_000;
/** A picture is not worth more. */
const lastPictureMs = 10_000;

/**
 * How Chromium is told of a certificate that it takes though nobody vouches for it, in workers too: that of the tests.
 */
const spki = new X509Certificate(cert).publicKey.export({ type: 'spki', format: 'der' });
const knownCertificate = `--ignore-certificate-errors-spki-list=${createHash('sha256').update(spki).digest('base64')}`;

/** How a browser is to differ from one that a test starts as a rule. */
export interface BrowserOptions {
  /** Pages that are left are kept for a return, as people's browsers do. */
  readonly keepsPages?: boolean;
}

/** A browser and what its pages said; `await using` closes it. */
export class Browser {
  readonly context: BrowserContext;
  /** Every console line of every page, as `type: text`. */
  readonly console: string[] = [];

  readonly #name: string;

  private constructor(context: BrowserContext, name: string) {
    this.context = context;
    this.#name = name;
    context.setDefaultTimeout(patienceMs);
    context.setDefaultNavigationTimeout(patienceMs);
    context.on('console', (message) => this.console.push(`${message.type()}: ${message.text()}`));
  }

  /**
   * Starts a browser; its last page is left as a screenshot with this name, also when the test fails. `hosts` are names
   * that lead to 127.0.0.1.
   */
  static async launch(
    name: string,
    hosts: readonly string[] = [],
    { keepsPages = false }: BrowserOptions = {},
  ): Promise<Browser> {
    const profile = scratchDirectory('chromium');
    const context = await chromium.launchPersistentContext(profile, {
      executablePath: '/usr/bin/chromium',
      viewport: { width: 1280, height: 800 },
      ignoreDefaultArgs: keepsPages ? ['--disable-back-forward-cache'] : [],
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        knownCertificate,
        // Names other than loopback's do not resolve, so a page that needs the network fails visibly.
        `--host-resolver-rules=${[...hosts.map((host) => `MAP ${host} 127.0.0.1`), 'MAP * ~NOTFOUND', 'EXCLUDE 127.0.0.1', 'EXCLUDE localhost'].join(', ')}`,
      ],
    });
    return new Browser(context, name);
  }

  async page(): Promise<Page> {
    return this.context.newPage();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // No test is about this picture.
    await this.context
      .pages()
      .at(-1)
      ?.screenshot({ path: screenshotPath(this.#name), timeout: lastPictureMs })
      .catch(() => {});
    await this.context.close();
  }
}
