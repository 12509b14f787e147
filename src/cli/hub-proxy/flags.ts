/**
 * The flags of configurable-http-proxy, and what each is in a configuration of Sluice. A flag that would not be
 * honoured is an error that names it: nobody shall believe that something holds which does not.
 */
import type { TargetRules } from '../../config/types.ts';
import { isFieldValue } from '../../http/changes.ts';
import { kindOf } from '../../http/fields.ts';
import { hostOf } from '../../http/host.ts';
import { notHonoured, parseOptions, type Values } from './options.ts';
import type { SecurePlace } from './redirect.ts';
import { protocolProblem, type TlsFlags } from './tls-terms.ts';

/** What the flags say. */
export interface HubProxyFlags {
  /** The files that say the rest. */
  readonly files: readonly string[];
  /** A part of a configuration, as a file has it. */
  readonly settings: FlagSettings;
  /** Which flags have set what stands at a path of it. */
  readonly setBy: ReadonlyMap<string, string>;
  readonly rules: TargetRules;
  readonly defaultTarget: string | null;
  readonly pidFile: string | null;
  readonly redirect: {
    readonly host: string;
    readonly port: number;
    readonly to: SecurePlace;
  } | null;
  /** Where metrics alone are served, as an address of a file; `null` is nowhere. */
  readonly metrics: string | null;
  readonly keepAliveMs: number | null;
  /** How TLS is spoken; `null` where no flag says anything. */
  readonly tls: TlsFlags | null;
}

export interface FlagSettings {
  readonly [key: string]: string | number | boolean | readonly string[] | FlagSettings;
}

/** The port that a unix socket stands in the place of. */
const ports = { socket: 'port', 'api-socket': 'api-port', 'metrics-socket': 'metrics-port' } as const;

/** Why a request cannot get a header; `null` where it can. */
function headerProblem(colonAt: number, name: string, value: string): string | null {
  if (colonAt < 0) return ': a colon was expected in it; write NAME:VALUE';
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name) || !isFieldValue.test(value))
    return ' is no header; write NAME:VALUE';
  if (kindOf(name) === 'hop' || name.toLowerCase() === 'content-length')
    return ` is not honoured: ${name} belongs to each connection and body`;
  if (name.toLowerCase() === 'host' && hostOf(value) === null) return ' names no host; write Host:NAME';
  return null;
}

/** Where the proxy listens unless it is told otherwise. */
const usualPort = 8000;

/** Reads the flags: `null` where help is asked for; or what is wrong with them, a line each. */
export function readFlags(args: readonly string[], anyAddress: string): HubProxyFlags | null | readonly string[] {
  const refused = args.flatMap((arg) => {
    const name = /^--([a-z0-9-]+)/.exec(arg)?.[1] ?? '';
    return Object.hasOwn(notHonoured, name) ? [`--${name} is not honoured: ${notHonoured[name]}`] : [];
  });
  if (refused.length > 0) return refused;
  let values: Values;
  try {
    values = parseOptions(args);
  } catch (error) {
    return [(error as Error).message.split('. ', 1)[0]!];
  }
  if (values.help) return null;
  const reader = new Reader(values, anyAddress);
  const flags = reader.read();
  return reader.problems.length > 0 ? reader.problems : flags;
}

class Reader {
  readonly problems: string[] = [];
  readonly #values: Values;
  readonly #anyAddress: string;
  readonly #settings: Record<string, unknown> = {};
  readonly #setBy = new Map<string, string>();

  constructor(values: Values, anyAddress: string) {
    this.#values = values;
    this.#anyAddress = anyAddress;
  }

  read(): HubProxyFlags {
    const values = this.#values;
    const port = this.#port('port') ?? usualPort;
    this.#readAddresses(port);
    this.#readTls();
    this.#readTargets();
    return {
      files: values.config ?? [],
      settings: this.#settings as FlagSettings,
      setBy: this.#setBy,
      rules: {
        ...this.#headers(),
        forwarded: !values['no-x-forward'],
        targetPath: !values['no-prepend-path'],
        routePath: !values['no-include-prefix'],
        targetHost: values['change-origin'] ?? false,
        locationHost: values['auto-rewrite'] ?? false,
        locationScheme: this.#scheme(),
      },
      defaultTarget: values['default-target'] ?? null,
      pidFile: values['pid-file'] ?? null,
      redirect: this.#redirect(port),
      metrics: this.#metrics(),
      keepAliveMs: this.#milliseconds('keep-alive-timeout'),
      tls: this.#tls(),
    };
  }

  #readAddresses(port: number): void {
    this.#set('listen.address', this.#address('socket', 'ip', '', port), 'ip, --port or --socket');
    const apiPort = this.#port('api-port') ?? port + 1;
    const api = this.#address('api-socket', 'api-ip', 'localhost', apiPort);
    this.#set('routes_api.address', api, 'api-ip, --api-port or --api-socket');
  }

  #metrics(): string | null {
    const port = this.#port('metrics-port');
    if (port !== null || this.#values['metrics-socket'] !== undefined) {
      return this.#address('metrics-socket', 'metrics-ip', '', port ?? 0);
    }
    if (this.#values['metrics-ip'] !== undefined) this.problems.push('--metrics-ip stands without --metrics-port');
    return null;
  }

  #readTls(): void {
    const values = this.#values;
    this.#pair('listen.tls', 'ssl');
    this.#pair('routes_api.tls', 'api-ssl');
    // As with CHP, who is asked for a certificate and has none is turned away, also without the flag that says so.
    this.#clientCertificates('listen.tls.client_certificates.ca', 'ssl');
    this.#clientCertificates('routes_api.tls.client_ca', 'api-ssl');
    if (values['client-ssl-ca'] !== undefined)
      this.#set('defaults.upstream_tls.ca', values['client-ssl-ca'], 'client-ssl-ca');
    const [cert, key] = [values['client-ssl-cert'], values['client-ssl-key']];
    if ((cert === undefined) !== (key === undefined)) {
      this.problems.push('--client-ssl-cert and --client-ssl-key stand together');
    } else if (cert !== undefined) {
      this.#set('defaults.upstream_tls.client_cert', cert, 'client-ssl-cert');
      this.#set('defaults.upstream_tls.client_key', key!, 'client-ssl-key');
    }
    if (values.insecure) this.#set('defaults.upstream_tls.insecure_skip_verify', true, 'insecure');
  }

  #tls(): TlsFlags | null {
    const {
      'ssl-protocol': protocol = null,
      'ssl-ciphers': ciphers = null,
      'ssl-dhparam': dhparam = null,
    } = this.#values;
    const problem = protocol === null ? null : protocolProblem(protocol);
    if (problem !== null) this.problems.push(problem);
    return protocol === null && ciphers === null && dhparam === null ? null : { protocol, ciphers, dhparam };
  }

  #readTargets(): void {
    const values = this.#values;
    const [target, folder] = [values['error-target'], values['error-path']];
    if (target !== undefined && folder !== undefined) this.problems.push('--error-target and --error-path: pick one');
    if (target !== undefined) this.#set('routes_api.error_target', target, 'error-target');
    if (folder !== undefined) this.#set('routes_api.error_path', folder, 'error-path');
    if (values['host-routing']) this.#set('routes_api.hosts', true, 'host-routing');
    const times = [this.#milliseconds('timeout'), this.#milliseconds('proxy-timeout')].filter(
      (ms) => ms !== null && ms > 0,
    );
    if (times.length > 0) {
      const least = Math.min(...(times as number[]));
      this.#set('defaults.http.inactivity', `${least}ms`, 'timeout or --proxy-timeout');
    }
    const level = values['log-level']?.toLowerCase();
    if (level === undefined) return;
    if (!['debug', 'info', 'warn', 'error'].includes(level))
      this.problems.push(`--log-level ${level}: write debug, info, warn or error`);
    // There is nothing below info: what CHP says at debug is in the lines of info.
    else this.#set('log.level', level === 'debug' ? 'info' : level, 'log-level');
  }

  #address(
    socket: 'socket' | 'api-socket' | 'metrics-socket',
    ip: 'ip' | 'api-ip' | 'metrics-ip',
    usual: string,
    port: number,
  ): string {
    const values = this.#values;
    const path = values[socket];
    if (path !== undefined) {
      const portFlag = ports[socket];
      if (values[ip] !== undefined) this.problems.push(`--${socket} and --${ip}: pick one`);
      if (values[portFlag] !== undefined) this.problems.push(`--${socket} and --${portFlag}: pick one`);
      return `unix:${path}`;
    }
    const given = values[ip] ?? usual;
    const host = given === '' || given === '*' ? this.#anyAddress : given;
    return `${host.includes(':') ? `[${host.replace(/^\[|\]$/g, '')}]` : host}:${port}`;
  }

  #pair(at: string, family: 'ssl' | 'api-ssl'): void {
    const [cert, key] = [this.#values[`${family}-cert`], this.#values[`${family}-key`]];
    if (cert === undefined && key === undefined) return;
    if (cert === undefined || key === undefined) {
      this.problems.push(`--${family}-cert and --${family}-key stand together`);
      return;
    }
    this.#set(`${at}.cert`, cert, `${family}-cert`);
    this.#set(`${at}.key`, key, `${family}-key`);
  }

  #clientCertificates(at: string, family: 'ssl' | 'api-ssl'): void {
    const values = this.#values;
    const [ca, asks] = [values[`${family}-ca`], values[`${family}-request-cert`] ?? false];
    if (!asks && ca === undefined) return;
    if (!asks)
      this.problems.push(
        `--${family}-ca stands without --${family}-request-cert, and nobody would be asked for a certificate`,
      );
    else if (ca === undefined) this.problems.push(`--${family}-request-cert stands without --${family}-ca`);
    else if (values[`${family}-cert`] === undefined)
      this.problems.push(`--${family}-request-cert stands without --${family}-key and --${family}-cert`);
    else this.#set(at, ca, `${family}-ca`);
  }

  /** The last of several by one name holds. */
  #headers(): Pick<TargetRules, 'headers' | 'host'> {
    const headers = new Map<string, [string, string]>();
    for (const header of this.#values['custom-header'] ?? []) {
      const at = header.indexOf(':');
      const [name, value] = [header.slice(0, at).trim(), header.slice(at + 1).trim()];
      const problem = headerProblem(at, name, value);
      if (problem === null) headers.set(name.toLowerCase(), [name, value]);
      else this.problems.push(`--custom-header ${JSON.stringify(header)}${problem}`);
    }
    const host = headers.get('host')?.[1] ?? null;
    headers.delete('host');
    return { headers: [...headers.values()], host };
  }

  #scheme(): 'http:' | 'https:' | null {
    const scheme = this.#values['protocol-rewrite'];
    if (scheme === undefined) return null;
    if (scheme === 'http' || scheme === 'https') return `${scheme}:`;
    this.problems.push(`--protocol-rewrite ${scheme}: write http or https`);
    return null;
  }

  #redirect(port: number): HubProxyFlags['redirect'] {
    const values = this.#values;
    const from = this.#port('redirect-port');
    const to = this.#port('redirect-to');
    if (from === null) {
      if (to !== null) this.problems.push('--redirect-to stands without --redirect-port');
      return null;
    }
    if (values['ssl-cert'] === undefined)
      this.problems.push('--redirect-port needs --ssl-key and --ssl-cert: it sends clients to HTTPS');
    const host = values.ip ?? '';
    return {
      host: host === '' || host === '*' ? this.#anyAddress : host,
      port: from,
      // As there: a port that is told stands in the URL, whatever it is.
      to: { port: to ?? port, isNamed: to !== null || port !== 443 },
    };
  }

  #port(name: 'port' | 'api-port' | 'metrics-port' | 'redirect-port' | 'redirect-to'): number | null {
    const value = this.#values[name];
    if (value === undefined) return null;
    if (/^\d{1,5}$/.test(value) && Number(value) <= 65_535) return Number(value);
    this.problems.push(`--${name} ${value} is no port`);
    return null;
  }

  #milliseconds(name: 'timeout' | 'proxy-timeout' | 'keep-alive-timeout'): number | null {
    const value = this.#values[name];
    if (value === undefined) return null;
    if (/^\d{1,9}$/.test(value)) return Number(value);
    this.problems.push(`--${name} ${value} is no number of milliseconds`);
    return null;
  }

  #set(path: string, value: string | boolean, flag: string): void {
    const keys = path.split('.');
    let inner = this.#settings;
    for (const key of keys.slice(0, -1)) {
      inner[key] ??= {};
      inner = inner[key] as Record<string, unknown>;
    }
    inner[keys.at(-1)!] = value;
    this.#setBy.set(path, `--${flag}`);
  }
}
