/** The table of an API's routes against one that looks at every route: whatever is set, replaced and deleted. */
import fc from 'fast-check';
import { test } from 'vitest';
import { type ApiRoute, ApiRoutes } from '../../../src/routes/api-routes.ts';
import { RouteTable } from '../../../src/routes/table.ts';

const segment = fc.constantFrom('user', 'a', 'b', 'A', '*', '**', 'constructor', '__proto__', 'ü', '秀', 'a b', '~x@y');
const path = fc.array(segment, { maxLength: 4 }).map((segments) => `/${segments.map(encodeURIComponent).join('/')}`);
const change = fc.record({ path, port: fc.integer({ min: 1, max: 3 }), deletes: fc.boolean() });

/** The longest route whose segments begin those of the request, decoded. */
function naive(routes: ReadonlyMap<string, string>, asked: string): string | null {
  const segments = asked.slice(1).split('/').map(decodeURIComponent);
  for (let length = segments.length; length > 0; length--) {
    const found = routes.get(`/${segments.slice(0, length).join('/')}`);
    if (found !== undefined) return found;
  }
  return routes.get('/') ?? null;
}

test('finds what a list would find, after every change', () => {
  fc.assert(
    fc.property(
      fc.array(change, { maxLength: 30 }),
      fc.array(path, { minLength: 1, maxLength: 10 }),
      (changes, asked) => {
        const table = new RouteTable<ApiRoute>();
        const routes = new ApiRoutes(false);
        routes.listener = { added: (route) => table.add(route), removed: (route) => table.remove(route), changed() {} };
        const list = new Map<string, string>();
        for (const { path, port, deletes } of changes) {
          const key = decodeURIComponent(path);
          if (deletes) {
            const route = routes.get(path);
            if (route !== null && !('problem' in route)) routes.delete(route);
            list.delete(key);
          } else {
            routes.set(path, JSON.stringify({ target: `http://h:${port}` }), 0);
            list.set(key, `${key} http://h:${port}`);
          }
        }
        return asked.every((one) => {
          const found = table.find('h', one);
          const got =
            found === null
              ? null
              : 'route' in found
                ? `${found.route.key} ${found.route.target.upstream.href}`
                : 'between';
          return got === naive(list, one);
        });
      },
    ),
  );
});

test('what is deleted leaves nothing behind', () => {
  fc.assert(
    fc.property(fc.array(path, { maxLength: 20 }), (paths) => {
      const table = new RouteTable<ApiRoute>();
      const routes = new ApiRoutes(false);
      routes.listener = { added: (route) => table.add(route), removed: (route) => table.remove(route), changed() {} };
      for (const one of paths) routes.set(one, '{"target":"http://h:1"}', 0);
      for (const route of [...routes.all()]) routes.delete(route);
      return routes.size === 0 && paths.every((one) => table.find('h', one) === null);
    }),
  );
});
