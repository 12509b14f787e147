/** A request of the fast lane, as far as its exchange must know it when its head has gone. */
import type { Visit } from '../../admission/visit.ts';
import type { Framing } from '../../http/wire/framing.ts';
import type { EdgeRoute } from '../edge.ts';

export interface LaneRequest {
  readonly visit: Visit;
  readonly route: EdgeRoute;
  readonly framing: Framing;
  /** The declared length of the body; −1 where none is declared. */
  readonly length: number;
  /** The client sends its body only when it is told to go on. */
  readonly expects: boolean;
  /** The upstream has been told to close its connection behind the answer. */
  readonly closesUpstream: boolean;
  /** The client's connection ends with the answer. */
  readonly closes: boolean;
}
