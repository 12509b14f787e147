/** A file that a FileDropper sends through Sluice to an upstream with a slow network, while other tests run. */
import type { Browser } from '../harness/browser.ts';
import { screenshotPath } from '../harness/paths.ts';
import { residentBytes } from '../harness/process-memory.ts';
import { Sluice, type SluiceConfig } from '../harness/sluice.ts';
import { FilesPage, makeFile } from './files-page.ts';
import { Throttle } from './throttle.ts';

export interface SlowUploadOptions {
  readonly bytes: number;
  readonly bytesPerSecond: number;
  /** The port of the Panel server. */
  readonly panelPort: number;
  readonly route: (port: number) => SluiceConfig['routes'][number];
}

/** A Sluice of its own, and a page that is sending through it. */
export class SlowUpload implements AsyncDisposable {
  readonly sluice: Sluice;
  /** How far Sluice's resident memory rose above what it was before, when the application has the whole file. */
  readonly growth: Promise<number>;
  readonly #throttle: Throttle;

  private constructor(sluice: Sluice, throttle: Throttle, growth: Promise<number>) {
    this.sluice = sluice;
    this.#throttle = throttle;
    this.growth = growth;
    // A test awaits it; one that fails before must not end the run.
    growth.catch(() => undefined);
  }

  static async start(browser: Browser, options: SlowUploadOptions): Promise<SlowUpload> {
    const throttle = await Throttle.start(options.panelPort, options.bytesPerSecond);
    const sluice = await Sluice.start({ routes: [options.route(throttle.port)] });
    const files = await FilesPage.open(browser, sluice.url);
    return new SlowUpload(sluice, throttle, send(files, sluice, options));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sluice.stop();
    await this.#throttle[Symbol.asyncDispose]();
  }
}

async function send(files: FilesPage, sluice: Sluice, { bytes, bytesPerSecond }: SlowUploadOptions): Promise<number> {
  const file = await makeFile(bytes);
  const before = await residentBytes(sluice.process.pid);
  let most = before;
  const sampling = setInterval(() => {
    void residentBytes(sluice.process.pid).then((now) => {
      most = Math.max(most, now);
    });
  }, 500);
  try {
    await files.fileDropper.setInputFiles(file.path);
    await files.says(file.received, 2 * 1_000 * (bytes / bytesPerSecond));
  } finally {
    clearInterval(sampling);
  }
  await files.page.screenshot({ path: screenshotPath('panel-file-dropper-slow') });
  await files.page.close();
  return most - before;
}
