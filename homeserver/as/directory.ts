/** Who is found among the people of this domain, by their own colleagues and by other domains. */
import { sql } from 'kysely';
import { type DomainName, parseAddress, type UserId, userIdOf } from '#signalling/ids.ts';
import type { Db } from '../store/store.ts';
import { type Account, fold } from './accounts.ts';

/** How much whoever asks is told: nobody, the one with exactly this handle, or everybody whose handle or name begins so. */
export type SearchPolicy = 'none' | 'exact' | 'full';

/** People in one answer. */
export const FOUND_AT_ONCE = 20;

export interface Wanted {
  readonly domain: DomainName;
  /** Who asks: people who have blocked them are not found by them. */
  readonly by: UserId;
  readonly text: string;
  readonly policy: SearchPolicy;
}

/**
 * The one with exactly this handle first, then in the order of handles; guests are nobody's to find.
 * `full` compares the beginning of the handle and of each word of the name, without accents and case.
 */
export async function findPeople(db: Db, { domain, by, text, policy }: Wanted): Promise<Account[]> {
  const sought = text.trim().replace(/^@/, '');
  if (policy === 'none' || sought === '') return [];
  const exact = parseAddress(`@${sought}@${domain}`);
  if (policy === 'exact' && exact === undefined) return [];
  const handles = `${userIdOf(domain, escaped(sought.toLowerCase()))}%`;
  const words = `%${escaped(fold(sought))}%`;
  const rows = await db
    .selectFrom('accounts')
    .select(['user_id', 'name'])
    .where('kind', '!=', 'guest')
    .where('user_id', '!=', by)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('connections')
            .select('owner')
            .whereRef('owner', '=', 'accounts.user_id')
            .where('peer', '=', by)
            .where('decision', '=', 'blocked'),
        ),
      ),
    )
    .where(
      policy === 'exact'
        ? sql<boolean>`user_id = ${exact ?? ''}`
        : sql<boolean>`(user_id like ${handles} escape '\\' or folded like ${words} escape '\\')`,
    )
    .orderBy(sql`case when user_id = ${exact ?? ''} then 0 else 1 end`)
    .orderBy('user_id')
    .limit(FOUND_AT_ONCE)
    .execute();
  return rows.map(({ user_id: user, name }) => ({ user, name }));
}

/** What is searched for where somebody typed the address of another domain, or a part of one: `@bob@beta.example`. */
export function splitAddress(text: string): { readonly text: string; readonly domain: string | undefined } {
  const match = /^@?([^@]+)@([^@\s]*)$/.exec(text.trim());
  return match?.[1] === undefined ? { text, domain: undefined } : { text: match[1].trim(), domain: match[2] };
}

/** Stands for itself in a pattern of `like`. */
function escaped(text: string): string {
  return text.replace(/[\\%_]/g, (character) => `\\${character}`);
}
