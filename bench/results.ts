/** What all rounds came to, by workload and peer. */
import type { Outcome } from './measure.ts';
import { median, type Sample } from './sample.ts';
import type { Row } from './workloads.ts';

/** All windows of one peer in one workload: their samples in order, `null` for one that failed, and why one did. */
export interface Cell {
  readonly samples: (Sample | null)[];
  problem: string | null;
  /** How often a slice of a window was measured again. */
  repeats: number;
}

/** Cells by workload and peer. */
export class Results {
  readonly #cells = new Map<string, Map<string, Cell>>();

  /** The cell of a workload and a peer, empty at first. */
  cell(workload: string, peer: string): Cell {
    const row = this.#cells.get(workload) ?? new Map<string, Cell>();
    this.#cells.set(workload, row);
    const cell = row.get(peer) ?? { samples: [], problem: null, repeats: 0 };
    row.set(peer, cell);
    return cell;
  }

  /** Adds what one process of a peer came to. */
  add(workload: string, peer: string, { samples, problem, repeats }: Outcome): void {
    const cell = this.cell(workload, peer);
    cell.samples.push(...samples);
    cell.repeats += repeats;
    cell.problem ??= problem;
  }

  /** Whether a peer could not do a workload that it was given. */
  failed(peer: string): boolean {
    return [...this.#cells.values()].some((row) => (row.get(peer)?.problem ?? null) !== null);
  }

  /** The median of all windows. */
  value(workload: string, peer: string, row: Row): number | null {
    return median(this.cell(workload, peer).samples.map((sample) => sample?.[row] ?? null));
  }

  /** The median of the ratios of each window, in which both worked in turns: noise hits both alike. */
  ratio(workload: string, peer: string, against: string, row: Row): number | null {
    const others = this.cell(workload, against).samples;
    return median(
      this.cell(workload, peer).samples.map((sample, window) => {
        const [a, b] = [sample?.[row], others[window]?.[row]];
        return a != null && b ? a / b : null;
      }),
    );
  }

  /** How often a slice was measured again, of all peers and workloads. */
  get repeats(): number {
    const cells = [...this.#cells.values()].flatMap((row) => [...row.values()]);
    return cells.reduce((sum, { repeats }) => sum + repeats, 0);
  }

  toJSON(): unknown {
    return Object.fromEntries([...this.#cells].map(([name, row]) => [name, Object.fromEntries(row)]));
  }
}
