/** Why something that an API was sent does not become a route: for whoever sent it. */
export interface RouteProblem {
  readonly problem: string;
  /** Nothing is wrong with it, but there is no room. */
  readonly full?: true;
}
