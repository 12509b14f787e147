/** The text of docs/conformance.md: what the run came to, and nothing that differs from run to run. */
import type { CaseVerdict, Verdicts } from './cases.ts';

/** Verdicts from the best to the worst. */
const order = ['OK', 'NON-STRICT', 'INFORMATIONAL', 'UNIMPLEMENTED', 'FAILED'];

/** One mode of the run: the same peer, once alone and once behind Sluice. */
export interface Mode {
  readonly title: string;
  readonly direct: Verdicts;
  readonly through: Verdicts;
}

/** Cases that come out worse through Sluice than without it. */
export function worse({ direct, through }: Mode): string[] {
  return [...direct].filter(([name, verdict]) => rank(through.get(name)) > rank(verdict)).map(([name]) => name);
}

function rank(verdict: CaseVerdict | undefined): number {
  if (verdict === undefined) return order.length;
  return Math.max(order.indexOf(verdict.behavior), order.indexOf(verdict.behaviorClose));
}

export function describeModes(modes: readonly Mode[]): string {
  return `# Conformance

Autobahn's cases (RFC 6455), run by \`npm run test:conformance\` against a peer alone and against the same peer behind Sluice. Those of
groups 12 and 13 need compression, which Sluice leaves out of the handshake so that sizes are true sizes; a client that offers it goes on without.

The run writes this page (\`CONFORMANCE_WRITE=1\`), and fails where it says otherwise.

${modes.map(describe).join('\n')}`;
}

function describe(mode: Mode): string {
  const rows = order.map((verdict) => {
    const count = (of: Verdicts) => [...of.values()].filter(({ behavior }) => behavior === verdict).length;
    return `| ${verdict} | ${count(mode.direct)} | ${count(mode.through)} |`;
  });
  const names = worse(mode);
  const said = names.length === 0 ? 'No case comes out worse.' : `Worse: ${names.join(', ')}.`;
  const notOk = [...mode.through]
    .filter(([, { behavior }]) => behavior !== 'OK')
    .map(([name, { behavior }]) => `${name} ${behavior}`);
  return [
    `## ${mode.title}`,
    '',
    '| verdict | alone | behind Sluice |',
    '|---|---|---|',
    ...rows,
    '',
    `${said} Other than OK behind Sluice: ${notOk.length === 0 ? 'none' : notOk.join(', ')}.`,
    '',
  ].join('\n');
}
