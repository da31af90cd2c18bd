/** A synthetic person: a real user of a homeserver and a real WebRTC client of its SFT, through the client SDK. */
import { Account } from '#client/account.ts';
import { Conference } from '#client/conference/conference.ts';
import { type Dial, dialWebSocket } from '#client/dial.ts';
import { Home } from '#client/home.ts';
import { NodeEngine } from '#client/media/node/engine.ts';
import { PlainPath } from '#client/media/node/plain-path.ts';
import type { NodeConference } from '#client/node-call.ts';
import type { CallTicket } from '#signalling/client-home.ts';
import type { ConversationId, ParticipantId } from '#signalling/ids.ts';

export interface Credentials {
  /** Address of the homeserver: `http://127.0.0.1:8001`. */
  readonly home: string;
  readonly handle: string;
  readonly password: string;
  readonly entrance: 'webrtc' | 'plain';
}

export type { NodeConference } from '#client/node-call.ts';

const WAIT_MS = 30_000;

/** Names below localhost are known to browsers but not to every system's resolver. */
const dial: Dial = (url, contract, signal) => dialWebSocket(onLoopback(url), contract, signal);

export function onLoopback(url: string): string {
  const parsed = new URL(url);
  if (parsed.hostname.endsWith('.localhost')) parsed.hostname = '127.0.0.1';
  return parsed.href;
}

export class Person {
  readonly home: Home;
  readonly engine: NodeEngine;
  readonly conference: NodeConference;
  readonly #account: Account;

  private constructor(account: Account, entrance: Credentials['entrance']) {
    this.#account = account;
    this.engine = new NodeEngine(entrance === 'plain' ? { openPath: PlainPath.open } : {});
    this.home = new Home({ account, dial });
    this.conference = new Conference({ engine: this.engine, dial, assumedPixels: 'none' });
  }

  /** @throws HawserError why the homeserver does not let this person in */
  static async signIn({ home, handle, password, entrance }: Credentials): Promise<Person> {
    const account = new Account(home);
    await account.signIn(handle, password);
    return new Person(account, entrance);
  }

  /** Joins the call of a conversation as soon as this person's own homeserver knows of it. */
  async join(conversation: ConversationId): Promise<ParticipantId> {
    const deadline = AbortSignal.timeout(WAIT_MS);
    const calls = ({ conversations }: Home['store']['state']) =>
      conversations.some((each) => each.conversation === conversation && each.call);
    await this.home.store.when(calls, deadline);
    return this.joinBy(await this.home.callTicket(conversation));
  }

  async joinBy(ticket: CallTicket): Promise<ParticipantId> {
    await this.conference.join(ticket);
    return ticket.participant;
  }

  /** Goes without a word, as at the end of a run everything goes. */
  close(): void {
    this.conference.close();
    this.home.close();
    this.#account[Symbol.dispose]();
  }
}
