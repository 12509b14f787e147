/** What an exchange must know of its request when the head has gone. */
import type { Framing } from '../../http/wire/framing.ts';
import type { EdgeRoute } from '../edge-route.ts';
import type { AdmittedVisit } from '../reception.ts';

export interface LaneRequest {
  readonly visit: AdmittedVisit;
  readonly route: EdgeRoute;
  readonly framing: Framing;
  /** The declared length of the body; −1 where none is declared. */
  readonly length: number;
  /** The client sends its body only when it is told to go on. */
  readonly expects: boolean;
  /**
   * It may be sent twice, and shares connections with others. Any other has one of its own, which the upstream has been
   * told to close.
   */
  readonly repeats: boolean;
  /** The client's connection ends with the answer. */
  readonly closes: boolean;
}
