/** Calls as a person of this domain, its SFT and the other domains use them. */
import { may } from '#signalling/capabilities.ts';
import { HawserError } from '#signalling/errors.ts';
import type { Call, GrantAnswer, Member, Statement } from '#signalling/federation.ts';
import {
  type ConferenceId,
  type ConversationId,
  type DomainName,
  domainOf,
  type ParticipantId,
  type UserId,
} from '#signalling/ids.ts';
import { type CallRulesChange, entryOf, type Moderation } from '#signalling/moderation.ts';
import type { Allowed, Permissions } from '#signalling/sft-home.ts';
import type { Change } from '../ds/changes.ts';
import { domainsOf } from '../ds/conversation.ts';
import type { Conversations } from '../ds/conversations.ts';
import { peopleInCall, shownToGuest } from '../ds/guests.ts';
import { permit, permitInCall } from '../ds/permission.ts';
import { conversationOf, load, loadInCall } from '../ds/repository.ts';
import { randomToken } from '../world.ts';
import { type Attendance, attend, pseudonymsOf } from './attendance.ts';
import { bar, barredIn } from './bars.ts';
import { allowedIn, type Granted, type GrantOffice, type Grants, issueGrant } from './grants.ts';
import { permissionsOf } from './permissions.ts';
import { issueTicket, type Ticket, type TicketOffice } from './tickets.ts';

/** The SFT of this domain, as far as the calls need it. */
export interface OwnSft {
  readonly isConnected: boolean;
  /** When it ends at the latest, ms since 1970, where it takes no new calls any more. */
  readonly drainsUntil: number | undefined;
  /** Tells it that a call is over. Does nothing where it is not connected. */
  endConference(conference: ConferenceId): void;
  /** Puts somebody out of a call. Does nothing where it is not connected: it says who is there when it is again. */
  removeParticipant(conference: ConferenceId, participant: ParticipantId): void;
  /** Tells it which domains may be in a call that it anchors. Does nothing where it is not connected. */
  allow(statement: Allowed): void;
  /** Tells it what participants may send. Does nothing where it is not connected: it hears it when it is again. */
  permit(statement: Permissions): void;
  /** Mutes microphones. Does nothing where it is not connected. */
  mute(conference: ConferenceId, participants: readonly ParticipantId[]): void;
}

export interface CallsOptions {
  readonly domain: DomainName;
  readonly conversations: Conversations;
  readonly tickets: TicketOffice;
  readonly office: GrantOffice;
  readonly grants: Grants;
  /** Those of some people of this domain who have no account. */
  readonly withoutAccount: (users: readonly UserId[]) => Promise<readonly UserId[]>;
  /** Something for another domain lies in the outbox. */
  readonly wakeOutbox: (domain: DomainName) => void;
  readonly onFault: (error: unknown) => void;
}

/** What people do in a call that is moderated; see `Operation`. */
export type ModeratingAct =
  | { readonly type: 'ruleCall'; readonly rules: CallRulesChange }
  | { readonly type: 'muteInCall'; readonly participant?: ParticipantId }
  | { readonly type: 'putOutOfCall' | 'letIntoCall'; readonly user: UserId }
  | { readonly type: 'knock' | 'stopKnocking' };

const NO_ENTRY = { lobby: 'HOME_CALL_LOBBY', locked: 'HOME_CALL_LOCKED', barred: 'HOME_CALL_BARRED' } as const;

const CONFERENCE_ID_BYTES = 16;

export class Calls {
  readonly #options: CallsOptions;
  /** Calls that the hub may know already and we do not yet: another domain can ask for its grant before our answer is in. */
  readonly #starting = new Map<ConferenceId, Promise<unknown>>();
  /** One at a time in a conference, in the order in which the SFT spoke. */
  readonly #attending = new Map<ConferenceId, Promise<unknown>>();
  /** One at a time in a conversation: each says how it is by then. */
  readonly #permitting = new Map<ConversationId, Promise<unknown>>();
  #sft: OwnSft | undefined;

  constructor(options: CallsOptions) {
    this.#options = options;
  }

  attach(sft: OwnSft): void {
    this.#sft = sft;
  }

  /**
   * Starts a call, whose anchor this domain's SFT becomes, or finds the one that goes on.
   * @throws HawserError HOME_SFT_UNREACHABLE, SFT_DRAINING, and what `Conversations.perform` throws
   */
  async start(user: UserId, conversation: ConversationId): Promise<Call> {
    const { conversations, tickets } = this.#options;
    const known = await conversations.get(user, conversation);
    if (known.call) return known.call;
    permit(known, user, 'startCall');
    this.#requireSft();
    // Before it rings at anybody's: the SFT would refuse whoever comes.
    const ends = this.#sft?.drainsUntil;
    if (ends !== undefined) throw new HawserError('SFT_DRAINING', `at ${new Date(ends).toISOString()} at the latest`);
    const conference = randomToken(tickets.world, CONFERENCE_ID_BYTES) as ConferenceId;
    const starting = conversations.perform(conversation, { type: 'startCall', actor: user, conference });
    this.#starting.set(conference, starting);
    try {
      const { call } = await starting;
      if (!call) throw new HawserError('HOME_NO_CALL');
      return call;
    } finally {
      this.#starting.delete(conference);
    }
  }

  /**
   * @param former the pseudonym of a stay that goes on, whose connection broke
   * @throws HawserError HOME_NO_CALL, HOME_SFT_UNREACHABLE, HOME_NOT_FOUND, HOME_FORBIDDEN, HOME_CALL_LOBBY, HOME_CALL_LOCKED, HOME_CALL_BARRED
   */
  async ticket(user: UserId, conversation: ConversationId, former?: ParticipantId): Promise<Ticket & { call: Call }> {
    const { conversations, domain, grants, tickets } = this.#options;
    const state = await conversations.getInCall(user, conversation);
    const { call } = state;
    const member = permitInCall(state, user, 'joinCall');
    if (!call) throw new HawserError('HOME_NO_CALL');
    const entry = entryOf(call, member);
    if (entry !== 'open') throw new HawserError(NO_ENTRY[entry]);
    if ((await barredIn(tickets.store.db, call.conference)).includes(user)) throw new HawserError('HOME_CALL_BARRED');
    this.#requireSft();
    if (call.anchor !== domain) grants.prefetch({ ...call, conversation });
    const ticket = await issueTicket(tickets, call, member, former);
    // Named before he comes: until then he may only do what everybody may.
    if (call.moderation) await this.#permit(conversation);
    return { ...ticket, call: shownToGuest(state, user)?.call ?? call };
  }

  /** Ends the call for everybody. @throws HawserError HOME_NO_CALL, HOME_FORBIDDEN, and what `perform` throws */
  async end(actor: UserId, conversation: ConversationId): Promise<void> {
    const { call } = await this.#options.conversations.get(actor, conversation);
    if (!call) throw new HawserError('HOME_NO_CALL');
    const { conference } = call;
    await this.#options.conversations.perform(conversation, { type: 'endCall', actor, conference });
  }

  /**
   * Does something in the call that goes on, by whoever moderates it or waits for it.
   * @throws HawserError HOME_NO_CALL, what `moderated` throws, and what `perform` throws
   */
  async moderate(actor: UserId, conversation: ConversationId, act: ModeratingAct): Promise<Call> {
    const { call } = await this.#options.conversations.getInCall(actor, conversation);
    if (!call) throw new HawserError('HOME_NO_CALL');
    const operation = { ...act, actor, conference: call.conference };
    const after = await this.#options.conversations.perform(conversation, operation);
    if (after.call?.conference !== call.conference) throw new HawserError('HOME_NO_CALL');
    return after.call;
  }

  /** The grant of another domain's homeserver, for the own SFT. */
  async grantForOwnSft(conference: ConferenceId): Promise<Granted> {
    const { domain, grants, tickets } = this.#options;
    const state = await this.#stateOf(conference);
    if (state?.call?.conference !== conference) throw new HawserError('HOME_NO_CALL');
    const { anchor } = state.call;
    if (anchor === domain) throw new HawserError('SIG_ORDER', `${tickets.domain} is the anchor`);
    return grants.get({ conference, conversation: state.conversation, anchor });
  }

  /** The grant of this homeserver, the anchor's, for the SFT of another domain. @throws as `issueGrant` */
  async grantFor(from: DomainName, conference: ConferenceId, conversation: ConversationId): Promise<GrantAnswer> {
    await this.#starting.get(conference)?.catch(() => undefined);
    const state = await load(this.#options.tickets.store.db, conversation);
    return issueGrant(this.#options.office, state, conference, from);
  }

  /** What the SFT says about who is there. Resolves when it is on disk; the hub hears of it then or as soon as it can. */
  presence(conference: ConferenceId, participants: readonly ParticipantId[]): Promise<void> {
    const before = this.#attending.get(conference) ?? Promise.resolve();
    const turn = before.catch(() => undefined).then(() => this.#attend(conference, participants));
    this.#attending.set(conference, turn);
    return turn.finally(() => {
      if (this.#attending.get(conference) === turn) this.#attending.delete(conference);
    });
  }

  /** The account of a person is gone: out of every call at once, whether its hub can be told or not. */
  async putOutOfAll(user: UserId): Promise<void> {
    for (const { conference, participant } of await pseudonymsOf(this.#options.tickets.store.db, user)) {
      this.#sft?.removeParticipant(conference, participant);
    }
  }

  /**
   * Takes a person of this domain out of a call that another domain leads, whatever that one says. He gets no ticket for it again.
   * @throws HawserError HOME_SFT_UNREACHABLE: nobody else could put him out
   */
  async shutOut(conference: ConferenceId, user: UserId): Promise<void> {
    this.#requireSft();
    const { db } = this.#options.tickets.store;
    await bar(db, conference, user);
    for (const each of await pseudonymsOf(db, user)) {
      if (each.conference === conference) this.#sft?.removeParticipant(conference, each.participant);
    }
  }

  /** Mutes microphones of people of this domain, whoever leads the call. @throws HawserError HOME_SFT_UNREACHABLE */
  silence(conference: ConferenceId, participants: readonly ParticipantId[]): void {
    this.#requireSft();
    if (participants.length > 0) this.#sft?.mute(conference, participants);
  }

  /** The SFT of this domain lets go of a call that it anchors, and with it all others do. @throws HawserError HOME_SFT_UNREACHABLE */
  letGo(conference: ConferenceId): void {
    this.#requireSft();
    this.#sft?.endConference(conference);
  }

  /** To be subscribed to the journal. */
  readonly changed = ({ before, after }: Change): void => {
    const from = before?.call;
    const to = after.call;
    // First who may be in it, then who is asked in: a grant that is fetched upon this change finds the SFT prepared.
    const allowed = allowedBy(after, this.#options.domain);
    const isOther = before === undefined || from?.conference !== to?.conference;
    if (allowed && (isOther || !sameDomains(before, after))) this.#sft?.allow(allowed);
    if (from && from.conference === to?.conference) this.#putOut(from, after);
    if (to?.moderation) {
      this.#permit(after.conversation).catch(this.#options.onFault);
      if (from?.moderation?.muted?.at !== to.moderation.muted?.at) this.#mute(to, to.moderation);
    }
    if (from?.conference === to?.conference) return;
    if (from) {
      this.#sft?.endConference(from.conference);
      this.#options.grants.forget(from.conference);
    }
    // Ahead of the first who joins: the grant lies ready when the SFT asks, and the connection to the anchor is warm.
    if (to && to.anchor !== this.#options.domain) {
      this.#options.grants.prefetch({ ...to, conversation: after.conversation });
    }
  };

  /** Every call that this domain anchors, for an SFT that has just connected. */
  async allowed(): Promise<Allowed[]> {
    const states = await loadInCall(this.#options.tickets.store.db);
    return states.flatMap((state) => allowedBy(state, this.#options.domain) ?? []);
  }

  /** Of every call in which something was decided, for an SFT that has just connected. */
  async permissions(): Promise<Permissions[]> {
    const { store } = this.#options.tickets;
    const moderated = (await loadInCall(store.db)).filter(({ call }) => call?.moderation !== undefined);
    return Promise.all(moderated.map((state) => permissionsOf(store.db, state))).then((all) =>
      all.flatMap((each) => each ?? []),
    );
  }

  #permit(conversation: ConversationId): Promise<void> {
    const { db } = this.#options.tickets.store;
    const say = async () => {
      const state = await load(db, conversation);
      const statement = state && (await permissionsOf(db, state));
      if (statement) this.#sft?.permit(statement);
    };
    const turn = (this.#permitting.get(conversation) ?? Promise.resolve()).then(say, say);
    this.#permitting.set(conversation, turn);
    return turn.finally(() => {
      if (this.#permitting.get(conversation) === turn) this.#permitting.delete(conversation);
    });
  }

  #mute({ conference, members }: Call, { muted }: Moderation): void {
    if (!muted) return;
    const meant = members.filter(
      ({ participant, user, domain }) =>
        domain === this.#options.domain &&
        (muted.participant === undefined ? user !== muted.by : participant === muted.participant),
    );
    if (meant.length > 0)
      this.#sft?.mute(
        conference,
        meant.map(({ participant }) => participant),
      );
  }

  async #attend(conference: ConferenceId, participants: readonly ParticipantId[]): Promise<void> {
    const { domain, tickets, withoutAccount } = this.#options;
    const attendance = await attend(tickets.store, domain, conference, participants, tickets.world);
    // An SFT that was cut off still holds what ended meanwhile.
    if (!attendance) return participants.length > 0 ? this.#sft?.endConference(conference) : undefined;
    const conversation = await conversationOf(tickets.store.db, conference);
    const state = conversation && (await load(tickets.store.db, conversation));
    const { participants: there } = attendance.presence;
    // Of whose account is gone the hub of another domain may not have heard yet, and of whom was put out here it never does.
    const gone =
      attendance.hub === domain
        ? []
        : [...(await withoutAccount(there.map(({ user }) => user))), ...(await barredIn(tickets.store.db, conference))];
    // With a ticket from before he was taken out; or the SFT could not be told.
    if (state) this.#putOutOf(conference, there, state, gone);
    await this.#tellHub(attendance);
  }

  /** Whoever of this domain is no member any more has no place in the call. */
  #putOut({ conference, members }: Call, after: Statement): void {
    const { domain } = this.#options;
    this.#putOutOf(
      conference,
      members.filter((member) => member.domain === domain),
      after,
    );
  }

  #putOutOf(
    conference: ConferenceId,
    there: readonly { readonly participant: ParticipantId; readonly user: UserId }[],
    state: Statement,
    gone: readonly UserId[] = [],
  ): void {
    const { call } = state;
    const isIn = (person: Member) => may(person.role, 'joinCall') && (!call || entryOf(call, person) === 'open');
    const people = new Set(
      peopleInCall(state)
        .filter(isIn)
        .map(({ user }) => user),
    );
    for (const user of gone) people.delete(user);
    for (const { participant, user } of there) {
      if (!people.has(user)) this.#sft?.removeParticipant(conference, participant);
    }
  }

  async #tellHub({ hub, presence }: Attendance): Promise<void> {
    const { domain, conversations, tickets, wakeOutbox } = this.#options;
    if (hub !== domain) return wakeOutbox(hub);
    const conversation = await conversationOf(tickets.store.db, presence.conference);
    if (!conversation || domainOf(conversation) !== domain) return;
    await conversations.perform(conversation, presence).catch((error: unknown) => {
      // Between the two transactions the call may have been ended.
      if (!(error instanceof HawserError && error.code === 'HOME_NO_CALL')) throw error;
    });
  }

  async #stateOf(conference: ConferenceId) {
    const { db } = this.#options.tickets.store;
    const conversation = await conversationOf(db, conference);
    return conversation && load(db, conversation);
  }

  #requireSft(): void {
    if (!this.#sft?.isConnected) throw new HawserError('HOME_SFT_UNREACHABLE');
  }
}

/** Who may be in the conversation's call beside its anchor; undefined where there is none or another domain anchors it. */
function allowedBy(state: Statement, domain: DomainName): Allowed | undefined {
  const { call, seq } = state;
  if (call?.anchor !== domain) return undefined;
  return { conference: call.conference, seq, domains: allowedIn(state, domain) };
}

function sameDomains(one: Statement, other: Statement): boolean {
  return domainsOf(one).symmetricDifference(domainsOf(other)).size === 0;
}
