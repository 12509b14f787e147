/** A request of the fast lane, as far as its exchange must know it when its head has gone. */
import type { Framing } from '../../http/wire/framing.ts';
import type { Method } from '../../http/wire/head-parser.ts';
import type { EdgeRoute } from '../edge.ts';

export interface LaneRequest {
  readonly route: EdgeRoute;
  readonly method: Method;
  readonly host: string;
  readonly target: string;
  /** The client's address after `trusted_proxies`. */
  readonly address: string;
  /** Who the request says its user is. */
  readonly user: string | undefined;
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
