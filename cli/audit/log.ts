/** Where the audit log is read: at the port of the running homeserver or, where nobody answers there, in the database itself. */
import Type from 'typebox';
import { Compile } from 'typebox/compile';
import type { AuditLine } from '#homeserver/audit/chain.ts';
import { openLog, type ReadableLog } from '#homeserver/audit/offline.ts';
import { StoreError } from '#homeserver/store/faults.ts';
import { Closed } from '#signalling/contract.ts';
import { loadSite } from '#site/load.ts';
import { SiteError } from '#site/mistakes.ts';
import type { Site } from '#site/schema.ts';
import { Problem } from '../errors.ts';

const Word = Type.Union([Type.String({ maxLength: 200 }), Type.Null()]);
const Answer = Closed({
  lines: Type.Array(
    Closed({
      seq: Type.Integer(),
      at: Type.Integer(),
      kind: Type.String({ maxLength: 60 }),
      domain: Word,
      call: Word,
      code: Word,
      detail: Word,
      count: Type.Integer(),
      hash: Type.String({ maxLength: 64 }),
    }),
  ),
});
const answers = Compile(Answer);
const ANSWER_MS = 15_000;

export interface AuditLog extends ReadableLog {
  readonly site: Site;
}

/**
 * @param say takes one line about where the log is read, if that is not at the running homeserver
 * @throws Problem
 */
export async function openAudit(config: string, say: (line: string) => void, signal: AbortSignal): Promise<AuditLog> {
  const site = await loadSite(config, []).catch(asProblem);
  const ask = async (query: string): Promise<AuditLine[]> => {
    const response = await fetch(`http://${site.homeserver.admin.listen}/admin/v1/audit?${query}`, {
      signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]),
    });
    const answer: unknown = await response.json();
    if (answers.Check(answer)) return answer.lines;
    throw new Problem(`What answers at ${site.homeserver.admin.listen} knows no audit log. Update the homeserver.`);
  };
  const isRunning = await ask('last=1').then(
    () => true,
    (error: unknown) => {
      if (isRefused(error)) return false;
      throw error;
    },
  );
  if (isRunning) {
    return {
      site,
      behind: (after) => ask(`after=${after}`),
      last: (count) => ask(`last=${count}`),
      async [Symbol.asyncDispose]() {},
    };
  }
  const whole = await loadSite(config, ['homeserver']).catch(asProblem);
  say(`The homeserver is not running; reading its database in ${whole.data}.`);
  return { ...(await openLog(whole).catch(asProblem)), site };
}

/** Every line, however many there are. */
export async function* allLines(log: ReadableLog): AsyncGenerator<AuditLine> {
  let after = 0;
  for (;;) {
    const lines = await log.behind(after);
    yield* lines;
    const next = lines.at(-1)?.seq;
    if (next === undefined) return;
    after = next;
  }
}

/** A line for people: when, what, who, how often. */
export function inWords({ seq, at, kind, domain, call, code, detail, count }: AuditLine): string {
  const words = [domain, call, code, detail && `(${detail})`].filter((word) => word !== null && word !== '');
  return [`${seq}`, new Date(at).toISOString(), kind, ...words, ...(count > 1 ? [`×${count}`] : [])].join('  ');
}

function asProblem(error: unknown): never {
  if (error instanceof SiteError || error instanceof StoreError) throw new Problem(error.message, { cause: error });
  throw error;
}

/** Nobody listens there. */
function isRefused(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause && cause.code === 'ECONNREFUSED';
}
