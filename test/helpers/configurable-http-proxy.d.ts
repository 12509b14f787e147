/** What tests use of it. */
declare module 'configurable-http-proxy' {
  import type { Server } from 'node:http';

  export class ConfigurableProxy {
    constructor(options: object);
    readonly proxyServer: Server;
    readonly apiServer: Server;
    /** With `enableMetrics`. */
    readonly metricsServer: Server;
  }
}
