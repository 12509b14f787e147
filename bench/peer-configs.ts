/** The configuration files of the peers, each for one thread. */
import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheDir } from './paths.ts';

/** Where a proxy listens, where it relays to, and a spare port for its own administration; all on 127.0.0.1. */
export interface Ports {
  readonly listen: number;
  readonly backend: number;
  readonly admin: number;
}

/** Writes a configuration file into the cache and returns its path. */
export function writeConfig(name: string, text: string): string {
  mkdirSync(cacheDir, { recursive: true });
  const path = join(cacheDir, name);
  writeFileSync(path, text);
  return path;
}

/** One process, which is at once master and worker, so that its pid is the one to measure. */
export function nginxConfig(name: string, ports: Ports, bufferKib: number | null): string {
  // For an upgraded connection nginx has one buffer per direction, both of proxy_buffer_size (4 KiB by default).
  const buffers =
    bufferKib === null
      ? ''
      : `
      proxy_buffer_size ${bufferKib}k;
      proxy_buffers 8 ${bufferKib}k;
      proxy_busy_buffers_size ${2 * bufferKib}k;`;
  return `daemon off;
master_process off;
pid ${join(cacheDir, `${name}.pid`)};
error_log stderr error;
worker_rlimit_nofile 20000;
events { worker_connections 16384; }
http {
  access_log off;
  map $http_upgrade $connection_header {
    default upgrade;
    '' '';
  }
  upstream app {
    server 127.0.0.1:${ports.backend};
    keepalive 64;
  }
  server {
    listen 127.0.0.1:${ports.listen} backlog=4096;
    client_max_body_size 0;
    keepalive_requests 1000000000;
    location / {
      proxy_pass http://app;
      proxy_http_version 1.1;
      proxy_buffering off;
      proxy_request_buffering off;
      proxy_set_header Host $http_host;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_header;
      proxy_read_timeout 1h;
      proxy_send_timeout 1h;${buffers}
    }
  }
}
`;
}

/** One thread, default buffers (16 KiB). */
export function haproxyConfig(ports: Ports): string {
  return `global
  nbthread 1
  maxconn 9000
defaults
  mode http
  timeout connect 5s
  timeout client 1h
  timeout server 1h
  timeout tunnel 1h
frontend gateway
  bind 127.0.0.1:${ports.listen}
  default_backend app
backend app
  server app 127.0.0.1:${ports.backend}
`;
}

/** Limits that are all in force and that no workload reaches: each is checked, none acts. */
const limitsOn = `
    limits:
      client: &sender
        max_message_size: 256MiB
        max_frame_size: 256MiB
        max_fragments: 1000000
        message_timeout: 10m
        max_message_rate: 10000000/s
        max_byte_rate: 1000GiB/s
        max_control_rate: 50/s
        max_buffer_size: 256KiB
        max_queue: 64
        max_pause: 30s
      upstream: *sender
      connections: {max: 10000, max_per_address: 10000}
    http: {max_body_size: 1GiB}
    ping: {client: 20s, upstream: 20s, timeout: 20s}
    idle_timeout: 1h
    max_lifetime: 24h`;

/**
 * Everything that has an off is off. Buffers and queues always bind and keep their size, so that only the checks
 * differ.
 */
const limitsOff = `
    limits:
      client: &unlimited
        max_message_size: unlimited
        max_frame_size: unlimited
        max_fragments: 1000000000
        message_timeout: off
        max_message_rate: unlimited
        max_byte_rate: unlimited
        max_pause: off
      upstream: *unlimited
      connections: {max: 10000, max_per_address: unlimited}
    ping: {client: off, upstream: off}
    idle_timeout: off
    max_lifetime: off`;

/** Paths that end so have the route without limits. */
export const withoutLimits = '/off';

/** Two routes to the backend: one with every limit on, and one with every limit off that has an off. */
export function sluiceConfig(ports: Ports): string {
  return `listen:
  address: 127.0.0.1:${ports.listen}
admin:
  address: 127.0.0.1:${ports.admin}
routes:
  - name: limits-on
    upstream: http://127.0.0.1:${ports.backend}${limitsOn}
  - name: limits-off
    match: {path: '/*${withoutLimits}'}
    upstream: http://127.0.0.1:${ports.backend}${limitsOff}
`;
}

const issuer = 'https://id.example.org';
const audience = 'bench';
const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });

/** The keys of an issuer, as its JWKS has them. */
export const keySet = JSON.stringify({ keys: [keys.publicKey.export({ format: 'jwk' })] });

/** Paths that end so have the route that asks for a token, and bring one. */
export const withToken = `/token?token=${tokenOf(Math.floor(Date.now() / 1000) + 24 * 3600)}`;

function tokenOf(exp: number): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = `${part({ alg: 'ES256' })}.${part({ iss: issuer, aud: audience, sub: 'anna', exp })}`;
  return `${text}.${sign('sha256', Buffer.from(text), { key: keys.privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
}

/**
 * Two routes to the backend: one that lets everybody in, and one that asks for a token, where `keySetFile` is given.
 */
export function authConfig(ports: Ports, keySetFile: string | null): string {
  const auth = `
    auth:
      - header: X-Forwarded-User
      - jwt: {issuer: '${issuer}', audience: [${audience}], algorithms: [ES256], jwks_file: ${keySetFile}, from: [{query: token}]}
    identity_headers: {user: X-User, groups: X-Groups}`;
  return `listen:
  address: 127.0.0.1:${ports.listen}
  trusted_proxies: [192.0.2.1]
admin:
  address: 127.0.0.1:${ports.admin}
routes:
  - name: open
    upstream: http://127.0.0.1:${ports.backend}
  - name: token
    match: {path: '/**/token'}
    upstream: http://127.0.0.1:${ports.backend}${keySetFile === null ? '' : auth}
`;
}
