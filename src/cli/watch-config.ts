/** Puts a changed configuration in force: when its files change, and on SIGHUP. */
import { stat } from 'node:fs/promises';
import type { ConfigError } from '../config/language/errors.ts';
import { loadAside } from '../config/live/load-aside.ts';
import type { FileContent } from '../config/live/read.ts';
import { FileWatcher } from '../config/live/watch.ts';
import type { Loaded } from '../config/model/load.ts';
import type { Gateway } from '../gateway.ts';
import type { Log } from '../observe/log/log.ts';

/**
 * Watches the files from whose contents the gateway was started. From this call on SIGHUP loads them anew, even if they
 * are as before.
 */
export async function watchConfig(
  gateway: Gateway,
  seen: readonly FileContent[],
  log: Log,
  load: (contents: readonly FileContent[]) => Promise<Loaded> = loadAside,
): Promise<void> {
  const watcher = new FileWatcher(seen, {
    async changed(contents) {
      try {
        gateway.reload(await gateway.prepare(await load(contents)));
      } catch (error) {
        // A bug must not end the connections that are open.
        log.tell('config_reload_bug', { err: error });
        gateway.reload({ errors: [notLoaded(contents)] });
      }
    },
    failed(folder, error) {
      log.tell('config_not_watched', { folder, error: error.message }, 'configuration');
    },
    broke: (error) => log.tell('config_reload_bug', { err: error }),
  });
  process.on('SIGHUP', () => watcher.check(true));
  for (const { file } of seen) {
    // What comes through a pipe can be read once. A file that has gone meanwhile may come back.
    const kind = await stat(file).catch(() => null);
    if (kind === null || kind.isFile()) continue;
    log.tell('config_not_watched', { file }, 'pipe');
    return;
  }
  await watcher.start();
}

/** What whoever looks at the gateway is told where the files may be right, and are not in force. */
function notLoaded([first]: readonly FileContent[]): ConfigError {
  const message =
    'could not be loaded for a reason of our own: see config_reload_bug in the log; SIGHUP tries it again';
  return { file: first?.file ?? '', line: 0, column: 0, path: '', message };
}
