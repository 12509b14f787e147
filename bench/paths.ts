/** Where the bench finds and leaves its files. */
import { join } from 'node:path';

/** The checkout. */
export const root = join(import.meta.dirname, '..');

/** Compiled programs, peers' configuration files and the latest result. */
export const cacheDir = join(root, '.cache', 'bench');

/** The Node that runs Sluice and every other peer written for Node: the one the toolchain pins. */
export const node = join(root, 'node_modules', 'node', 'bin', 'node');
