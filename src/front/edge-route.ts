/** A route as requests meet it, of the file or of an API. */
import type { AdmissionRoute } from '../admission/visit.ts';
import type { Activity } from '../relay/core/data-use.ts';
import type { ApiRoute } from '../routes/api-routes.ts';
import type { Endpoint } from '../upstream/endpoint.ts';

export interface EdgeRoute extends AdmissionRoute {
  readonly endpoint: Endpoint;
  /** What an API's route does beside; `null` for one of the file. */
  readonly hub: HubDuties | null;
}

/** Answers whose `Location` may name the target. */
export const redirects: ReadonlySet<number> = new Set([201, 301, 302, 303, 307, 308]);

/** What a route of an API does beside: its use is noted, and the places that its target names are made the client's. */
export interface HubDuties extends Activity {
  /** The route as the API has set it. */
  readonly api: ApiRoute;
  /** The place to which an answer sends the client, as the client knows it; `null` if the place stays as it is. */
  locationFor(location: string, host: string): string | null;
}

/** What whoever forwards a request needs of its route. */
export type ForwardRoute = Pick<EdgeRoute, 'route' | 'endpoint' | 'hub'>;
