/**
 * What a container runtime is told: the image's own user, program and environment, and what Kubernetes' profile
 * "restricted" asks for. The root is read-only, no capability is there, and none can be had.
 */
import { type ImageConfig, imageRoot } from './image.ts';

export interface BundleOptions {
  /** Arguments instead of the image's. */
  readonly args?: readonly string[] | undefined;
  /** Files of this machine at paths of the container, read-only. */
  readonly mounts?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  /** A network of its own, with loopback only, instead of this machine's. */
  readonly ownNetwork?: boolean;
}

/** The `config.json` of an OCI bundle that runs the image. */
export function bundleConfig(image: ImageConfig, options: BundleOptions) {
  const { args = image.Cmd, mounts = {}, env = {}, ownNetwork = false } = options;
  const [uid, gid] = image.User.split(':').map(Number);
  const namespaces = ['pid', 'ipc', 'uts', 'mount', ...(ownNetwork ? ['network'] : [])];
  return {
    ociVersion: '1.0.2',
    root: { path: imageRoot, readonly: true },
    hostname: 'sluice',
    process: {
      user: { uid, gid },
      args: [...image.Entrypoint, ...args],
      env: [...image.Env, ...Object.entries(env).map(([name, value]) => `${name}=${value}`)],
      cwd: image.WorkingDir,
      capabilities: { bounding: [], effective: [], permitted: [], inheritable: [], ambient: [] },
      noNewPrivileges: true,
    },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755', 'size=64k'] },
      { destination: '/tmp', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'nodev', 'noexec', 'mode=1777'] },
      ...Object.entries(mounts).map(([destination, source]) => ({
        destination,
        type: 'bind',
        source,
        options: ['rbind', 'ro', 'nosuid', 'nodev'],
      })),
    ],
    linux: {
      namespaces: namespaces.map((type) => ({ type })),
      maskedPaths: ['/proc/kcore', '/proc/keys', '/proc/timer_list'],
      readonlyPaths: ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'],
    },
  };
}
