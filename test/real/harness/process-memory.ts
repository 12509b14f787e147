/** Memory of another process, as the kernel counts it. */
import { readFile } from 'node:fs/promises';

/** Resident set size in bytes. */
export async function residentBytes(pid: number): Promise<number> {
  return readStatusBytes(pid, 'VmRSS');
}

/** The highest resident set size since start, or since `resetPeak`, in bytes. */
export async function peakResidentBytes(pid: number): Promise<number> {
  return readStatusBytes(pid, 'VmHWM');
}

async function readStatusBytes(pid: number, field: string): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const found = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status);
  if (!found) throw new Error(`/proc/${pid}/status has no ${field}`);
  return Number(found[1]) * 1024;
}
