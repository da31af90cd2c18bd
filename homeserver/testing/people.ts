/** For tests: what people do about their accounts, on a database in memory and with a mail server that is an array. */
import type { Connection } from '#signalling/connections.ts';
import { handleOf, type UserId } from '#signalling/ids.ts';
import { type EmailAddress, parseEmail } from '#signalling/person.ts';
import type { Site } from '#site/schema.ts';
import type { Abroad } from '../as/abroad.ts';
import type { AccountHooks } from '../as/own-account.ts';
import { makePeople } from '../as/people.ts';
import { Sessions } from '../as/sessions.ts';
import { Postman } from '../mail/postman.ts';
import type { Envelope } from '../mail/queue.ts';
import { secretsOf } from '../secrets.ts';
import { domain, openTestStore, testWorld, until } from './world.ts';

export interface TestPeopleOptions {
  readonly registration?: Partial<Site['homeserver']['registration']>;
  readonly teamMates?: 'domain' | 'nobody';
  readonly foreignPeople?: 'open' | 'connected';
  readonly abroad?: Partial<Abroad>;
  readonly areTogether?: (one: UserId, other: UserId) => Promise<boolean>;
  /** Whether the site names a mail server; it does when left out. */
  readonly mail?: boolean;
  readonly hooks?: Partial<AccountHooks>;
}

export const alpha = domain('alpha.example');

export type TestPeople = Awaited<ReturnType<typeof testPeople>>;

export async function testPeople(options: TestPeopleOptions = {}) {
  const store = await openTestStore();
  const world = testWorld();
  const secrets = secretsOf(Buffer.from('a key file'));
  const sent: Envelope[] = [];
  const ended: string[] = [];
  let held: PromiseWithResolvers<void> | undefined;
  const told: { owner: UserId; connection: Connection }[] = [];
  const sessions = new Sessions(store, alpha, world, (session) => ended.push(session));
  const onFault = (error: unknown) => {
    throw error;
  };
  const mail = new Postman({
    db: store.db,
    key: secrets.mail,
    sender: { domain: alpha, url: 'https://alpha.example' },
    transport: {
      send: async (envelope) => {
        await held?.promise;
        sent.push(envelope);
      },
      close: () => undefined,
    },
    world,
    onFailed: () => undefined,
    onFault,
  });
  const site = {
    domain: alpha,
    homeserver: {
      registration: { mode: 'open', emailDomains: [], workBits: 8, invitationDays: 7, ...options.registration },
      teamMates: options.teamMates ?? 'domain',
      foreignPeople: options.foreignPeople ?? 'open',
      search: 'full',
    },
  } as unknown as Site;
  const people = makePeople({
    site,
    store,
    world,
    secrets,
    sessions,
    mail: options.mail === false ? undefined : mail,
    ...(options.hooks && { hooks: options.hooks }),
    abroad: {
      lookUp: async (user) => ({ user, name: `The ${handleOf(user)}` }),
      tell: async () => undefined,
      wake: () => undefined,
      ...options.abroad,
    },
    areTogether: options.areTogether ?? (async () => false),
    onConnection: (owner, connection) => told.push({ owner, connection }),
  });
  return {
    ...people,
    store,
    world,
    sessions,
    secrets,
    sent,
    ended,
    told,
    /** The mail server takes nothing until `release`. */
    hold() {
      held = Promise.withResolvers();
    },
    release() {
      held?.resolve();
    },
    /** The newest e-mail to an address, once there are `count` of them. */
    mailTo: (address: EmailAddress, count = 1): Promise<Envelope> =>
      until(() => {
        const found = sent.filter(({ to }) => to === address);
        return found.length >= count && found.at(-1);
      }, `e-mail ${count} to ${address}`),
    async close(): Promise<void> {
      await mail.close();
      await store.close();
    },
  };
}

export function email(text: string): EmailAddress {
  const parsed = parseEmail(text);
  if (!parsed) throw new RangeError(text);
  return parsed;
}

/** The six digits of an e-mail. */
export function codeIn({ text }: { readonly text: string }): string {
  const code = /^ {4}([0-9]{6})$/m.exec(text)?.[1];
  if (code === undefined) throw new Error('no code in this e-mail');
  return code;
}

/** Another code than the given one. */
export function otherCode(code: string): string {
  return String((Number(code) + 1) % 1_000_000).padStart(6, '0');
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
