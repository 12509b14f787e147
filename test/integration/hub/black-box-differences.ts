/** Where Sluice differs from configurable-http-proxy on purpose. */
import { badTargets } from './black-box-api.ts';

interface OnPurpose {
  readonly why: string;
  readonly names: readonly string[];
  /** Theirs, and ours. */
  readonly statuses: string;
}

/** Every difference. */
export const onPurpose: readonly OnPurpose[] = [
  {
    why: 'a target that nobody could be sent to is refused when it is set, with the reason',
    names: badTargets.map((url) => `api: POST /api/routes/bad (the target ${JSON.stringify(url)})`),
    statuses: '201, 400',
  },
  {
    why: 'so it is not there',
    names: badTargets.map(() => 'api: DELETE /api/routes/bad (at the end)'),
    statuses: '204, 404',
  },
  {
    why: 'a header with words around its token is none of the hub’s',
    names: ['api: GET /api/routes (a word behind it)', 'api: GET /api/routes (a word before it)'],
    statuses: '200, 403',
  },
  {
    why: 'nobody without the token learns what a body lacks',
    names: ['api: POST /api/routes/no (no token, no JSON)'],
    statuses: '400, 403',
  },
  {
    why: 'the server gets the path as it came: CHP takes it through a URL',
    names: ['', '/', '/api/x?token=1&y=%20'].map((rest) => `public: GET /a"b${rest}`),
    statuses: '200, 200',
  },
  { why: 'likewise: CHP drops an empty query', names: ['public: GET /user/a@b?'], statuses: '200, 200' },
  {
    why: 'the server gets no length that the client has not sent',
    names: ['public: DELETE /verb', 'public: OPTIONS /verb'],
    statuses: '200, 200',
  },
  {
    why: 'what belongs to one hop, and what a client says of itself as a proxy would, is not passed on',
    names: ['of one hop', 'of proxies', 'Forwarded'].map((as) => `public: GET /fields (${as})`),
    statuses: '200, 200',
  },
  {
    why: 'the server gets the path as it came',
    names: ['/?', '/a/./b', '/.', '/a"b', '/a{b}', '/a^b`'].map((path) => `public: GET ${path} (odd path)`),
    statuses: '200, 200',
  },
];
