/**
 * Where accounts are administered: at the port of the running homeserver, which also ends sessions that are open, or, where
 * nobody answers there, in the database itself.
 */
import { ACCOUNTS_AT_ONCE } from '#homeserver/as/administration.ts';
import { openAdministration } from '#homeserver/offline.ts';
import { StoreError } from '#homeserver/store/faults.ts';
import { HawserError } from '#signalling/errors.ts';
import { handleOf } from '#signalling/ids.ts';
import type { EmailAddress } from '#signalling/person.ts';
import type { MadeInvitation } from '#signalling/registration.ts';
import { loadSite } from '#site/load.ts';
import { SiteError } from '#site/mistakes.ts';
import type { Site } from '#site/schema.ts';
import { Problem } from '../errors.ts';

export interface NewEntry {
  readonly handle: string;
  readonly name: string;
  readonly password: string;
  readonly email?: EmailAddress;
  readonly administrator?: boolean;
}

export interface Entry {
  readonly handle: string;
  readonly name: string;
  readonly email?: string | undefined;
  readonly kind: string;
  readonly administrator: boolean;
  /** ms since 1970 */
  readonly createdAt: number;
}

export interface Office extends AsyncDisposable {
  add(account: NewEntry): Promise<void>;
  /** At most some hundred, those after a handle. */
  list(after: string | undefined): Promise<readonly Entry[]>;
  invite(email: EmailAddress | undefined): Promise<MadeInvitation>;
  remove(handle: string): Promise<void>;
  setPassword(handle: string, password: string): Promise<void>;
  setAdministrator(handle: string, administrator: boolean): Promise<void>;
}

const ANSWER_MS = 15_000;

/**
 * @param say takes one line about where the work is done, if that is not the running homeserver
 * @throws Problem
 */
export async function openOffice(config: string, say: (line: string) => void, signal: AbortSignal): Promise<Office> {
  const site = await loadSite(config, []).catch(asProblem);
  const admin = `http://${site.homeserver.admin.listen}`;
  const health = await fetch(`${admin}/health`, { signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]) })
    .then(async (response) => (await response.json()) as { domain?: string })
    .catch((error: unknown) => {
      if (isRefused(error)) return undefined;
      throw new Problem(`${admin} does not answer as a homeserver does. Correct homeserver.admin.listen in ${config}.`);
    });
  if (health === undefined) return offline(config, say);
  if (health.domain !== site.domain) {
    const found = health.domain ?? 'something else';
    throw new Problem(
      `At ${admin} answers ${found}, not ${site.domain}. Correct homeserver.admin.listen in ${config}.`,
    );
  }
  return online(`${admin}/admin/v1`, signal);
}

/** Every account, however many there are. */
export async function allEntries(office: Office): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (;;) {
    const some = await office.list(entries.at(-1)?.handle);
    entries.push(...some);
    if (some.length < ACCOUNTS_AT_ONCE) return entries;
  }
}

function online(base: string, signal: AbortSignal): Office {
  const call = async <T>(method: string, path: string, body?: object): Promise<T> => {
    const response = await fetch(`${base}/${path}`, {
      method,
      signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]),
      ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    }).catch((error: unknown) => {
      throw new Problem('The homeserver stopped answering. Look at its log, and try again.', { cause: error });
    });
    const text = await response.text();
    const answer: unknown = text === '' ? {} : JSON.parse(text);
    if (!response.ok) throw new Problem((answer as { message?: string }).message ?? `status ${response.status}`);
    return answer as T;
  };
  return {
    add: async (account) => void (await call('POST', 'accounts', account)),
    list: async (after) => {
      const query = after === undefined ? '' : `?after=${encodeURIComponent(after)}`;
      return (await call<{ accounts: Entry[] }>('GET', `accounts${query}`)).accounts;
    },
    invite: (email) => call('POST', 'invitations', email === undefined ? {} : { email }),
    remove: async (handle) => void (await call('DELETE', `accounts/${encodeURIComponent(handle)}`)),
    setPassword: async (handle, password) =>
      void (await call('POST', `accounts/${encodeURIComponent(handle)}/password`, { password })),
    setAdministrator: async (handle, administrator) =>
      void (await call('PUT', `accounts/${encodeURIComponent(handle)}/administrator`, { administrator })),
    async [Symbol.asyncDispose]() {},
  };
}

async function offline(config: string, say: (line: string) => void): Promise<Office> {
  // Now its files are needed.
  const site: Site = await loadSite(config, ['homeserver']).catch(asProblem);
  say(`The homeserver is not running; working on its database in ${site.data}.`);
  const opened = await openAdministration(site).catch(asProblem);
  const { administration } = opened;
  return {
    add: async (account) => void (await administration.add(account).catch(asProblem)),
    list: async (after) =>
      (await administration.list(after).catch(asProblem)).map(({ user, ...rest }) => ({
        handle: handleOf(user),
        ...rest,
      })),
    invite: (email) => administration.invite(email).catch(asProblem),
    remove: (handle) => administration.remove(handle).catch(asProblem),
    setPassword: (handle, password) => administration.setPassword(handle, password).catch(asProblem),
    setAdministrator: (handle, administrator) =>
      administration.setAdministrator(handle, administrator).catch(asProblem),
    [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
  };
}

function asProblem(error: unknown): never {
  const isTold = error instanceof SiteError || error instanceof HawserError || error instanceof StoreError;
  throw isTold ? new Problem(error.message, { cause: error }) : error;
}

/** Nobody listens there. */
export function isRefused(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause && cause.code === 'ECONNREFUSED';
}
