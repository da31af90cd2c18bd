/** What the homeserver has told, as one value: the fold of its events over the last full list. Pure. */
import type { CallMember, Conversation, HomeEvent, Organisation } from '#signalling/client-home.ts';
import type { ConversationId, DomainName } from '#signalling/ids.ts';

export interface HomeState {
  /** False until the first list of conversations is there. */
  readonly ready: boolean;
  /** Whether events arrive; false while the connection is being set up again. */
  readonly connected: boolean;
  readonly conversations: readonly Conversation[];
  /** Conversations whose call rings here; joining, declining or the call's end takes them out. */
  readonly ringing: readonly ConversationId[];
  /** Organisations that cannot be reached, and since when, ms since 1970. */
  readonly organisations: ReadonlyMap<DomainName, Away>;
  /** What the administrator wants said above conversations with people of other organisations. */
  readonly foreignBanner?: string;
}

export interface Away {
  readonly unreachableSince: number;
  /** It is there since then, and does not let our organisation in. */
  readonly refuses?: true;
}

export const EMPTY_HOME: HomeState = {
  ready: false,
  connected: false,
  conversations: [],
  ringing: [],
  organisations: new Map(),
};

/** The full list replaces everything; what rang and has no call any more rings no longer. */
export function withList(state: HomeState, conversations: readonly Conversation[]): HomeState {
  const calling = new Set(conversations.filter((each) => each.call).map((each) => each.conversation));
  return { ...state, ready: true, conversations, ringing: state.ringing.filter((each) => calling.has(each)) };
}

export function withOrganisations(state: HomeState, organisations: readonly Organisation[]): HomeState {
  const away = organisations.flatMap(({ domain, ...said }) => {
    const one = awayOf(said);
    return one ? [[domain, one] as const] : [];
  });
  return { ...state, organisations: new Map(away) };
}

function awayOf({ unreachableSince, refuses }: Omit<Organisation, 'domain'>): Away | undefined {
  return unreachableSince === undefined ? undefined : { unreachableSince, ...(refuses && { refuses }) };
}

export function withEvent(state: HomeState, event: HomeEvent): HomeState {
  switch (event.type) {
    case 'conversation':
      return upsert(state, event.conversation);
    case 'conversationRemoved':
      return {
        ...silenced(state, event.conversation),
        conversations: state.conversations.filter((each) => each.conversation !== event.conversation),
      };
    case 'ringing': {
      const known = change(state, event.conversation, (each) => ({ ...each, call: event.call }));
      return { ...known, ringing: [...new Set([...known.ringing, event.conversation])] };
    }
    case 'joined':
      return withMembers(state, event, (members) => [
        ...members.filter((each) => each.participant !== event.member.participant),
        event.member,
      ]);
    case 'left':
      return withMembers(state, event, (members) =>
        members.filter((each) => each.participant !== event.member.participant),
      );
    case 'moderated':
      return change(state, event.conversation, ({ call, ...rest }) =>
        call?.conference === event.conference
          ? { ...rest, call: { ...call, moderation: event.moderation } }
          : { ...rest, ...(call && { call }) },
      );
    case 'connection':
      return state; // kept by `connections.ts`
    case 'ended':
      return silenced(
        change(state, event.conversation, (each) => {
          if (each.call?.conference !== event.conference) return each;
          const { call: _over, ...rest } = each;
          return rest;
        }),
        event.conversation,
      );
    // Devices are no part of what the home shows.
    case 'organisation': {
      const { domain, ...said } = event.organisation;
      const away = awayOf(said);
      const organisations = new Map(state.organisations);
      if (away) organisations.set(domain, away);
      else organisations.delete(domain);
      return { ...state, organisations };
    }
    case 'deviceAdded':
    case 'deviceRemoved':
    case 'keyPackagesLow':
      return state;
  }
}

export function silenced(state: HomeState, conversation: ConversationId): HomeState {
  if (!state.ringing.includes(conversation)) return state;
  return { ...state, ringing: state.ringing.filter((each) => each !== conversation) };
}

function withMembers(
  state: HomeState,
  event: Extract<HomeEvent, { type: 'joined' | 'left' }>,
  edit: (members: CallMember[]) => CallMember[],
): HomeState {
  return change(state, event.conversation, ({ call, ...rest }) =>
    call?.conference === event.conference
      ? { ...rest, call: { ...call, members: edit(call.members) } }
      : { ...rest, ...(call && { call }) },
  );
}

function change(state: HomeState, id: ConversationId, edit: (conversation: Conversation) => Conversation): HomeState {
  const conversations = state.conversations.map((each) => (each.conversation === id ? edit(each) : each));
  return { ...state, conversations };
}

function upsert(state: HomeState, conversation: Conversation): HomeState {
  const others = state.conversations.filter((each) => each.conversation !== conversation.conversation);
  const next = { ...state, conversations: [...others, conversation] };
  return conversation.call ? next : silenced(next, conversation.conversation);
}
