/**
 * Calls as the administrator of this domain sees them and steps in, from outside of their conversations. What the hub of a call decides
 * holds for all organisations in it; where another domain leads it, only what the own SFT can do to the own people is left.
 */
import type { CallActed, CallPerson, CallReport, CallReports } from '#signalling/administration.ts';
import { HawserError } from '#signalling/errors.ts';
import type { Call, Statement } from '#signalling/federation.ts';
import {
  type ConferenceId,
  type DomainName,
  domainOf,
  handleOf,
  type ParticipantId,
  type UserId,
} from '#signalling/ids.ts';
import type { Auditor } from '../audit/audit.ts';
import type { Hub } from '../ds/hub.ts';
import { conversationOf, load, loadInCall } from '../ds/repository.ts';
import type { Db } from '../store/store.ts';
import { presentIn } from './attendance.ts';
import type { Calls } from './calls.ts';

export interface SupervisionOptions {
  readonly db: Db;
  readonly domain: DomainName;
  readonly hub: Pick<Hub, 'administer'>;
  readonly calls: Pick<Calls, 'shutOut' | 'silence' | 'letGo'>;
  readonly isSftConnected: () => boolean;
  readonly audit: Auditor;
}

type StateInCall = Statement & { readonly call: Call };
type Somebody = CallPerson & { readonly user: UserId };

export class Supervision {
  readonly #options: SupervisionOptions;

  constructor(options: SupervisionOptions) {
    this.#options = options;
  }

  async report(): Promise<CallReports> {
    const { db, domain, isSftConnected } = this.#options;
    const calls: CallReport[] = [];
    for (const state of await loadInCall(db)) if (isInCall(state)) calls.push(await this.#reportOf(state));
    return { domain, sft: isSftConnected(), calls: calls.toSorted((a, b) => a.startedAt - b.startedAt) };
  }

  /**
   * Somebody is out at once, and not in again until somebody who moderates the call lets him in; where another domain leads it, not at all.
   * @throws HawserError HOME_NO_CALL, HOME_NOT_FOUND, HOME_CALL_ELSEWHERE, HOME_SFT_UNREACHABLE
   */
  async putOut(conference: ConferenceId, participant: ParticipantId): Promise<CallActed> {
    const { domain, hub, calls } = this.#options;
    const state = await this.#stateOf(conference);
    const person = await this.#personIn(state, participant);
    const leads = domainOf(state.conversation) === domain;
    if (leads) await hub.administer(state.conversation, { type: 'putOutOfCall', conference, user: person.user });
    else {
      this.#refuseForeign(state, person);
      await calls.shutOut(conference, person.user);
    }
    return this.#acted('put-out', state, person);
  }

  /**
   * Microphones are off, until their owners switch them on again.
   * @param participant everybody where left out
   * @throws as `putOut`
   */
  async mute(conference: ConferenceId, participant: ParticipantId | undefined): Promise<CallActed> {
    const { domain, hub, calls } = this.#options;
    const state = await this.#stateOf(conference);
    const person = participant === undefined ? undefined : await this.#personIn(state, participant);
    if (domainOf(state.conversation) === domain) {
      const whom = person && { participant: person.participant };
      await hub.administer(state.conversation, { type: 'muteInCall', conference, ...whom });
    } else {
      if (person) this.#refuseForeign(state, person);
      const own = person ? [person] : (await this.#peopleIn(state)).filter((each) => each.domain === domain);
      calls.silence(
        conference,
        own.map((each) => each.participant),
      );
    }
    return this.#acted('call-muted', state, person);
  }

  /** The call is over for everybody, in all organisations. @throws HawserError HOME_NO_CALL, HOME_CALL_ELSEWHERE, HOME_SFT_UNREACHABLE */
  async end(conference: ConferenceId): Promise<CallActed> {
    const { domain, hub, calls } = this.#options;
    const state = await this.#stateOf(conference);
    if (domainOf(state.conversation) === domain)
      await hub.administer(state.conversation, { type: 'endCall', conference });
    // Without its anchor nobody hears anybody, and none of the others may dial it again; then its hub ends it, because nobody is there.
    else if (state.call.anchor === domain) calls.letGo(conference);
    else throw new HawserError('HOME_CALL_ELSEWHERE', domainOf(state.conversation));
    return { ...this.#acted('call-ended', state, undefined), reach: 'everywhere' };
  }

  #acted(kind: 'put-out' | 'call-muted' | 'call-ended', state: StateInCall, person: Somebody | undefined): CallActed {
    const { audit, domain } = this.#options;
    const { conference } = state.call;
    const hub = domainOf(state.conversation);
    const detail = `conference ${conference}${person ? ` participant ${person.participant}` : ''}`;
    audit.note({ kind, domain: person?.domain ?? hub, detail });
    return { reach: hub === domain ? 'everywhere' : 'here', hub };
  }

  #refuseForeign(state: StateInCall, person: Somebody): void {
    if (person.domain !== this.#options.domain) {
      throw new HawserError('HOME_CALL_ELSEWHERE', domainOf(state.conversation));
    }
  }

  async #reportOf(state: StateInCall): Promise<CallReport> {
    const { call, conversation } = state;
    const { conference, anchor, startedAt, moderation } = call;
    const people = await this.#peopleIn(state);
    return {
      ...{ conference, anchor, startedAt, hub: domainOf(conversation) },
      participants: people.map(({ user: _nobodysBusiness, ...person }) => person),
      waiting: moderation?.waiting.length ?? 0,
      locked: moderation?.rules.locked ?? false,
    };
  }

  /** The own people as the own SFT says, whatever the hub has heard of it yet; others as the hub says. */
  async #peopleIn({ call }: StateInCall): Promise<Somebody[]> {
    const { db, domain } = this.#options;
    const own = await presentIn(db, call.conference);
    return [
      ...own.map(({ participant, user }) => ({ participant, user, domain, handle: handleOf(user) })),
      ...call.members
        .filter((each) => each.domain !== domain)
        .map(({ participant, user, domain: from }) => ({ participant, user, domain: from })),
    ];
  }

  async #personIn(state: StateInCall, participant: ParticipantId): Promise<Somebody> {
    const person = (await this.#peopleIn(state)).find((each) => each.participant === participant);
    if (!person) throw new HawserError('HOME_NOT_FOUND', 'participant');
    return person;
  }

  async #stateOf(conference: ConferenceId): Promise<StateInCall> {
    const { db } = this.#options;
    const conversation = await conversationOf(db, conference);
    const state = conversation && (await load(db, conversation));
    if (!state || !isInCall(state) || state.call.conference !== conference) throw new HawserError('HOME_NO_CALL');
    return state;
  }
}

function isInCall(state: Statement): state is StateInCall {
  return state.call !== undefined;
}
