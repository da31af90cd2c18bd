/**
 * The hub of another domain asks nobody whether a person of this one wants to be in a conversation. Where nobody who could have put
 * him in may reach him, because he blocks them for instance, he leaves at once, as if he did it himself.
 */
import { may } from '#signalling/capabilities.ts';
import { HawserError } from '#signalling/errors.ts';
import { type DomainName, domainOf, type UserId } from '#signalling/ids.ts';
import { Errands } from '../errands.ts';
import type { Change } from './changes.ts';
import type { Conversations } from './conversations.ts';

export interface RefusalsOptions {
  readonly domain: DomainName;
  readonly conversations: Pick<Conversations, 'perform'>;
  readonly mayReach: (from: UserId, to: UserId) => Promise<boolean>;
  readonly onFault: (error: unknown) => void;
}

export class Refusals {
  readonly #options: RefusalsOptions;
  readonly #errands: Errands;

  constructor(options: RefusalsOptions) {
    this.#options = options;
    this.#errands = new Errands(options.onFault);
  }

  /** To be subscribed to the journal. */
  readonly changed = ({ before, after }: Change): void => {
    const { domain, conversations, mayReach } = this.#options;
    if (domainOf(after.conversation) === domain || before?.members === after.members) return;
    const earlier = new Set(before?.members.map(({ user }) => user));
    const fresh = after.members.filter((member) => member.domain === domain && !earlier.has(member.user));
    if (fresh.length === 0) return;
    void this.#errands.run(async () => {
      for (const { user } of fresh) {
        if (await isWelcome(user, after, mayReach)) continue;
        try {
          await conversations.perform(after.conversation, { type: 'leave', actor: user });
        } catch (error) {
          // A hub that is away just after it has spoken: the person can still leave by hand.
          if (!(error instanceof HawserError)) throw error;
        }
      }
    });
  };

  /** Resolves when nothing goes on. */
  close(): Promise<void> {
    return this.#errands.close();
  }
}

/** Whether there is anybody who could have added him and may; the statement does not say who did. */
async function isWelcome(
  user: UserId,
  { members }: Change['after'],
  mayReach: RefusalsOptions['mayReach'],
): Promise<boolean> {
  const self = members.find((member) => member.user === user);
  // Whoever administers it himself can put out whom he likes.
  if (self && may(self.role, 'addParticipant')) return true;
  for (const other of members) {
    if (may(other.role, 'addParticipant') && (await mayReach(other.user, user))) return true;
  }
  return false;
}
