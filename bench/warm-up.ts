/**
 * When a process is warm. Code is compiled after so much work, not after so much time, and some of it much later than
 * the rest: of a handshake in Sluice V8 compiles hundreds of functions, and what one costs falls for ten seconds. So
 * every program works until what it does gets no cheaper.
 */

/** What is asked of a process before it is measured. */
export interface Warmth {
  /** Seconds of CPU that it has worked for, at least. */
  readonly cpuSeconds: number;
  /** And until its work gets no cheaper. */
  readonly steady: boolean;
}

/** A proxy that is idle even under load, as with one connection, is warm enough after so many windows of work. */
const mostIdleWindows = 8;
/** One whose work gets cheaper for longer is measured all the same. */
const mostWindows = 40;
/** The last of them are compared with all before. */
const comparedWindows = 4;
/** By less than so much the work of a warm process differs anyway. */
const cheaper = 0.98;

/** `costs`: CPU for one piece of work in each window so far. `cpuSeconds`: what the process has used in all of them. */
export function isWarm(warmth: Warmth, costs: readonly number[], cpuSeconds: number): boolean {
  const isIdle = cpuSeconds <= warmth.cpuSeconds;
  if (isIdle) return costs.length >= mostIdleWindows;
  return !warmth.steady || costs.length >= mostWindows || isSteady(costs);
}

/** Whether the last windows were no cheaper than the best before them. */
function isSteady(costs: readonly number[]): boolean {
  const [before, last] = [costs.slice(0, -comparedWindows), costs.slice(-comparedWindows)];
  return before.length > 0 && Math.min(...last) >= cheaper * Math.min(...before);
}
