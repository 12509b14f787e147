/** That the search for references that lead nowhere finds them. */
import { expect, test } from 'vitest';
import { parseManifests } from './harness/manifests.ts';
import { danglingReferences } from './harness/references.ts';

const release = (podLabel: string, portName: string, backend: string) =>
  parseManifests(`
{kind: Deployment, metadata: {name: d}, spec: {template: {metadata: {labels: {app: ${podLabel}}}, spec: {containers: [{ports: [{name: ${portName}}]}]}}}}
---
{kind: Service, metadata: {name: s, labels: {app: s}}, spec: {selector: {app: a}, ports: [{name: web, port: 80, targetPort: http}]}}
---
{kind: ServiceMonitor, metadata: {name: m}, spec: {selector: {matchLabels: {app: s}}, endpoints: [{port: web}]}}
---
{kind: HTTPRoute, metadata: {name: r}, spec: {rules: [{backendRefs: [{name: ${backend}, port: 80}]}]}}
`);

test.each([
  ['nothing', release('a', 'http', 's'), []],
  ['a label', release('b', 'http', 's'), ['Service/s: no pod carries {"app":"a"}']],
  ['a port', release('a', 'other', 's'), ['Service/s: no container has a port http']],
  ['a name', release('a', 'http', 't'), ['HTTPRoute/r: no Service t has a port 80']],
])('%s is wrong, and that is what is said', (_wrong, manifests, said) => {
  expect(danglingReferences(manifests)).toEqual(said);
});
