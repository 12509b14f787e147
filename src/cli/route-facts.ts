/** What `sluice check` says of a route before its limits: who may come in, as whom, and how often. */
import { formatRate } from '../config/language/format.ts';
import type { ResolvedRoute } from '../config/model/resolved.ts';
import type { AskingRate, Route } from '../config/types.ts';

/** In the words of the file. */
export function routeFacts({ route, preset, broughtBy }: ResolvedRoute): string[] {
  return [
    ...(preset === null ? [] : [`preset ${preset}`]),
    ...(broughtBy === null ? [] : [`brought by the preset of route ${broughtBy}`]),
    route.origins === null ? 'any origin' : `origins ${route.origins.join(', ')}`,
    ...(route.requireOrigin ? ['origin required'] : []),
    ...accessFacts(route),
    ...(route.auth === null ? [] : [`auth ${route.auth.map(({ kind }) => kind).join(', ')}`]),
    ...rateFacts(route),
    ...(['client', 'upstream'] as const).flatMap((sender) => {
      const { schemaFile, maxDepth, action } = route.validate[sender] ?? {};
      return action === undefined
        ? []
        : [`texts of the ${sender} ${schemaFile ?? `JSON of depth ${maxDepth}`} (${action})`];
    }),
  ];
}

function accessFacts({ access }: Route): string[] {
  return (['networks', 'hosts', 'methods'] as const).flatMap((part) => {
    const { allow, deny } = access[part];
    return [
      ...(allow === null ? [] : [`access.${part}.allow ${allow.join(', ')}`]),
      ...(deny.length === 0 ? [] : [`access.${part}.deny ${deny.join(', ')}`]),
    ];
  });
}

function rateFacts({ rates }: Route): string[] {
  const fact = (key: string, rate: AskingRate | null) => {
    if (rate === null) return [];
    const told = formatRate({ ...rate, action: 'pause' }, 'messages');
    return [`rates.${key} ${told}${rate.isReported ? ' (reported)' : ''}`];
  };
  return [
    ...fact('handshakes_per_address', rates.handshakesPerAddress),
    ...fact('requests_per_address', rates.requestsPerAddress),
    ...fact('handshakes_per_user', rates.handshakesPerUser),
    ...fact('requests_per_user', rates.requestsPerUser),
  ];
}
