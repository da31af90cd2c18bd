/**
 * For tests: two organisations with real homeservers, and one media server in the place of both of theirs, so that a test can say what it
 * does. Everybody is in one conference on it; two calls at the same time are not for these tests.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeJwt } from 'jose';
import { type Organisation, organise, PASSWORD, type World } from '#homeserver/testing/organisation.ts';
import type { Person } from '#homeserver/testing/person.ts';
import type { ConferenceId, ConversationId, DomainName } from '#signalling/ids.ts';
import type { TicketClaims } from '#signalling/ticket.ts';
import { type Admission, type Meddle, MiniSft } from './mini-sft.ts';

/** Two people with a conversation, Harbour, at whose hub Alice is. */
export interface Friends {
  /** With which Alice signs in, and Bob. */
  readonly handle: string;
  readonly password: string;
  readonly bobsHandle: string;
  readonly bob: Person;
  readonly conversation: ConversationId;
}

export class CallWorld {
  readonly sft: MiniSft;
  readonly #world: World;
  #count = 0;

  private constructor(world: World, sft: MiniSft) {
    this.#world = world;
    this.sft = sft;
  }

  /**
   * @param webRoot the built page, for browsers
   * @param meddle what the media server does to what it forwards
   */
  static async start(webRoot?: string, meddle?: Meddle): Promise<CallWorld> {
    const world = await organise('alpha.example', 'beta.example');
    const conferences = new Map<Organisation, Set<ConferenceId>>();
    const onPresence = (present: readonly Admission[]) => tell(world, present, conferences);
    const sft = await MiniSft.start({ read: admissionIn, onPresence, ...(meddle && { meddle }) });
    const made = new CallWorld(world, sft);
    for (const each of world.organisations) {
      await each.stop();
      each.site.sft.client.url = sft.url;
      await each.start(webRoot === undefined ? {} : { webRoot });
      await each.connectSft();
    }
    return made;
  }

  /** Of Alice's homeserver. */
  get url(): string {
    return this.#alpha.url;
  }

  /** Of Bob's. */
  get farUrl(): string {
    return this.#beta.url;
  }

  /** All that both homeservers have written, to their disks and to their logs, by its name. */
  async written(): Promise<ReadonlyMap<string, Buffer>> {
    const { folder, organisations } = this.#world;
    const found = new Map<string, Buffer>();
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      if (entry.isFile()) found.set(path.slice(folder.length), await readFile(path));
    }
    for (const { domain, logged } of organisations) found.set(`log of ${domain}`, Buffer.from(logged.join('')));
    return found;
  }

  /** Accounts of their own, so that no test meets the devices of another. */
  async friends(): Promise<Friends> {
    this.#count += 1;
    const handle = `alice${this.#count}`;
    const alice = await this.#alpha.person(handle, 'Alice');
    const bobsHandle = `bob${this.#count}`;
    const bob = await this.#beta.person(bobsHandle, 'Bob');
    const { conversation } = await alice.create('Harbour', bob.id);
    return { handle, password: PASSWORD, bobsHandle, bob, conversation };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.sft.close();
    await this.#world[Symbol.asyncDispose]();
  }

  get #alpha(): Organisation {
    return this.#world.organisations[0] as Organisation;
  }

  get #beta(): Organisation {
    return this.#world.organisations[1] as Organisation;
  }
}

/** Says who is present, as the SFTs of both would. @param conferences of which each has said something */
function tell(
  { organisations }: World,
  present: readonly Admission[],
  conferences: Map<Organisation, Set<ConferenceId>>,
) {
  for (const each of organisations) {
    const own = present.filter(({ domain }) => domain === each.domain);
    const told = conferences.get(each) ?? new Set();
    conferences.set(each, told);
    for (const { conference } of own) told.add(conference);
    for (const conference of told) {
      const here = own.filter((one) => one.conference === conference);
      each.sft.presence(
        conference,
        here.map(({ participant }) => participant),
      );
    }
  }
}

function admissionIn(ticket: string): Admission {
  const { iss, participant, conference } = decodeJwt<TicketClaims>(ticket);
  return { participant, conference, domain: iss as DomainName };
}
