/** configurable-http-proxy's health check, which is answered before any route where an API sets the routes. */
export const healthPath = '/_chp_healthz';
export const healthBody = '{"status":"OK"}';
