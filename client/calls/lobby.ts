/** The way into a call that has a lobby: knock, wait to be let in, and come. */
import type { CallTicket } from '#signalling/client-home.ts';
import { HawserError } from '#signalling/errors.ts';
import type { ConversationId, UserId } from '#signalling/ids.ts';
import type { Moderation } from '#signalling/moderation.ts';
import type { Home } from '../home.ts';

/** A waiting person is forgotten five minutes after the last knock, ms. */
const KNOCK_MS = 2 * 60_000;

export interface LobbyOptions {
  readonly home: Pick<Home, 'callTicket' | 'moderating' | 'store'>;
  readonly conversation: ConversationId;
  readonly self: UserId;
  /** Ends the waiting. */
  readonly signal: AbortSignal;
  readonly onWaiting: (isWaiting: boolean) => void;
}

/**
 * @param first asks for the ticket; where that is refused because of a lobby, it is asked for again when somebody has let this person in
 * @throws HawserError HOME_CALL_LOCKED, HOME_CALL_BARRED where somebody turned this person away, HOME_NO_CALL where the call ended meanwhile,
 * SIG_CLOSED where it was given up, and what `first` throws
 */
export async function ticketThroughLobby(first: () => Promise<CallTicket>, options: LobbyOptions): Promise<CallTicket> {
  const { home, conversation, signal, onWaiting } = options;
  let ask = first;
  let isWaiting = false;
  try {
    for (;;) {
      try {
        return await ask();
      } catch (error) {
        if (!(error instanceof HawserError && error.code === 'HOME_CALL_LOBBY')) throw error;
      }
      ask = () => home.callTicket(conversation);
      if (await home.moderating.knock(conversation)) continue;
      isWaiting = true;
      onWaiting(true);
      await decided(options);
      if (signal.aborted) throw new HawserError('SIG_CLOSED');
    }
  } finally {
    if (isWaiting) onWaiting(false);
    if (signal.aborted && isWaiting) home.moderating.stopKnocking(conversation).catch(() => undefined); // it lapses by itself
  }
}

/** Whether it is clear without another knock what becomes of the person. */
function isDecided(moderation: Moderation | undefined, self: UserId): boolean {
  if (!moderation) return true;
  const { rules, admitted, barred } = moderation;
  return !rules.lobby || rules.locked || admitted.includes(self) || barred.some(({ user }) => user === self);
}

/** Resolves when the person does not wait any more, whatever was decided, or it is time to knock again. */
function decided({ home, conversation, self, signal }: LobbyOptions): Promise<void> {
  return new Promise((resolve) => {
    // What the server said may come before or after its answer to the knock.
    let wasSeen = false;
    const look = () => {
      const { call } = home.store.state.conversations.find((each) => each.conversation === conversation) ?? {};
      const waits = call?.moderation?.waiting.some(({ user }) => user === self) === true;
      wasSeen ||= waits;
      if (call === undefined || (!waits && (wasSeen || isDecided(call.moderation, self)))) done();
    };
    const done = () => {
      clearTimeout(timer);
      stop();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, KNOCK_MS);
    const stop = home.store.subscribe(look);
    signal.addEventListener('abort', done);
    if (signal.aborted) done();
    else look();
  });
}
