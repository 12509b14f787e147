/** The API as endpoints of the admin port. */
import type { AdminEndpoint } from '../router.ts';
import { documentPath, openApiText } from './openapi.ts';
import { type ApiSource, operations } from './operations.ts';

/** Every endpoint below /api that is answered at once. */
export function apiEndpoints(source: ApiSource): AdminEndpoint[] {
  let document: string | null = null;
  return [
    ...operations(source).map(
      ({ method, path, answer }): AdminEndpoint => ({ method, path, access: 'operator', answer: (ask) => answer(ask) }),
    ),
    {
      method: 'GET',
      path: documentPath,
      access: 'operator',
      answer() {
        // Made when somebody asks: few do, and it takes a few milliseconds.
        document ??= openApiText(source.build.version);
        return { status: 200, type: 'application/json; charset=utf-8', body: document };
      },
    },
  ];
}
