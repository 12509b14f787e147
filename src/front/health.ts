/** What is asked of CHP, where an API sets the routes, to know whether it lives; no route comes before it. */
export const healthPath = '/_chp_healthz';
export const healthBody = '{"status":"OK"}';
