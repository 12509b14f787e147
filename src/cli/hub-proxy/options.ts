/** The options of configurable-http-proxy's command line: those that are taken, and those that are not. */
import { parseArgs } from 'node:util';

const text = { type: 'string' } as const;
const toggle = { type: 'boolean' } as const;

const options = {
  config: { ...text, short: 'c', multiple: true },
  help: { ...toggle, short: 'h' },
  ip: text,
  port: text,
  socket: text,
  'ssl-key': text,
  'ssl-cert': text,
  'ssl-ca': text,
  'ssl-request-cert': toggle,
  'ssl-reject-unauthorized': toggle,
  'ssl-protocol': text,
  'ssl-ciphers': text,
  'ssl-dhparam': text,
  'api-ip': text,
  'api-port': text,
  'api-socket': text,
  'api-ssl-key': text,
  'api-ssl-cert': text,
  'api-ssl-ca': text,
  'api-ssl-request-cert': toggle,
  'api-ssl-reject-unauthorized': toggle,
  'client-ssl-key': text,
  'client-ssl-cert': text,
  'client-ssl-ca': text,
  'client-ssl-request-cert': toggle,
  'client-ssl-reject-unauthorized': toggle,
  'metrics-ip': text,
  'metrics-port': text,
  'metrics-socket': text,
  'default-target': text,
  'error-target': text,
  'error-path': text,
  'redirect-port': text,
  'redirect-to': text,
  'host-routing': toggle,
  'log-level': text,
  'pid-file': text,
  'custom-header': { ...text, multiple: true },
  'no-x-forward': toggle,
  'no-prepend-path': toggle,
  'no-include-prefix': toggle,
  'auto-rewrite': toggle,
  'protocol-rewrite': text,
  'change-origin': toggle,
  insecure: toggle,
  timeout: text,
  'proxy-timeout': text,
  'keep-alive-timeout': text,
} as const;

/** CHP's other flags, and what there is in their place. */
export const notHonoured: Readonly<Record<string, string>> = {
  'ssl-allow-rc4': 'RC4 is broken (RFC 7465), and OpenSSL has it no more',
  'storage-backend':
    'it names a class of CHP, in JavaScript; routes_api.state_file of a --config FILE keeps the table over a restart',
};

/** What the command line says, by option. */
export type Values = ReturnType<typeof parse>['values'];

/** Throws where it is none of CHP's. */
export function parseOptions(args: readonly string[]): Values {
  return parse(args).values;
}

function parse(args: readonly string[]) {
  return parseArgs({ args: [...args], options, strict: true, allowPositionals: false });
}
