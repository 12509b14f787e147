import { describe, expect, test } from 'vitest';
import { hostStep, methodStep, networkStep } from '../../../src/admission/access.ts';
import type { Access } from '../../../src/config/types.ts';
import { openAccess } from '../../helpers/access.ts';
import { testVisit } from '../../helpers/visit.ts';

const route = (access: Partial<Access>) => ({ access: { ...openAccess, ...access } });

test('a route that serves everybody has no step', () => {
  for (const step of [networkStep, hostStep, methodStep]) expect(step(route({}))).toBe(null);
});

describe('networks', () => {
  const outcome = (networks: Access['networks'], address: string) =>
    networkStep(route({ networks }))!(testVisit({ address }));
  const allow = ['10.0.0.0/8', '2001:db8::/32', '192.0.2.7'];

  test.each(['10.1.2.3', '2001:db8::1', '192.0.2.7'])('those of allow are served: %s', (address) => {
    expect(outcome({ allow, deny: [] }, address)).toBe(null);
  });

  test.each(['11.0.0.1', '2001:db9::1', 'unix'])('nobody else: %s', (address) => {
    expect(outcome({ allow, deny: [] }, address)).toMatchObject({ outcome: 'network_refused' });
  });

  test('deny wins over allow, and alone leaves all others in', () => {
    expect(outcome({ allow, deny: ['10.1.0.0/16'] }, '10.1.2.3')).toMatchObject({ outcome: 'network_refused' });
    expect(outcome({ allow: null, deny: ['10.1.0.0/16'] }, '10.1.2.3')).toMatchObject({ outcome: 'network_refused' });
    expect(outcome({ allow: null, deny: ['10.1.0.0/16'] }, '10.2.2.3')).toBe(null);
    expect(outcome({ allow: null, deny: ['10.1.0.0/16'] }, 'unix')).toBe(null);
  });
});

describe('hosts', () => {
  const outcome = (hosts: Access['hosts'], host: string) => hostStep(route({ hosts }))!(testVisit({ host }));
  const hosts = { allow: ['*.example.org', 'example.com'], deny: ['secret.example.org'] };

  test.each(['a.example.org', 'A.B.Example.org:8443', 'example.com', 'a.example.org.'])('serves %s', (host) => {
    expect(outcome(hosts, host)).toBe(null);
  });

  test.each(['example.org', 'badexample.org', 'www.example.com', 'secret.example.org', 'SECRET.example.org.:80'])(
    'does not serve %s',
    (host) => {
      expect(outcome(hosts, host)).toMatchObject({ outcome: 'host_refused' });
    },
  );

  test('deny alone leaves all others in', () => {
    expect(outcome({ allow: null, deny: ['*.example.org'] }, 'example.org')).toBe(null);
    expect(outcome({ allow: null, deny: ['*.example.org'] }, 'a.example.org')).toMatchObject({
      outcome: 'host_refused',
    });
  });
});

describe('methods', () => {
  const outcome = (methods: Access['methods'], method: string) =>
    methodStep(route({ methods }))!(testVisit({ method }));

  test('the answer names those that are served', () => {
    const methods = { allow: ['GET', 'HEAD', 'POST'], deny: ['POST'] };
    expect(outcome(methods, 'GET')).toBe(null);
    const fields = [['Allow', 'GET, HEAD']];
    expect(outcome(methods, 'PUT')).toMatchObject({ outcome: 'method_refused', fields });
    expect(outcome(methods, 'POST')).toMatchObject({ outcome: 'method_refused', fields });
    expect(outcome(methods, 'get')).toMatchObject({ outcome: 'method_refused', fields });
  });

  test('deny alone leaves all others in', () => {
    const methods = { allow: null, deny: ['DELETE', 'PUT'] };
    expect(outcome(methods, 'PROPFIND')).toBe(null);
    expect(outcome(methods, 'PUT')).toMatchObject({ fields: [['Allow', 'GET, HEAD, POST, PATCH, OPTIONS']] });
  });
});
