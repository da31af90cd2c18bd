/** The calls of this person, as this device has heard of them: who called, and what came of it. Kept on the device, and told to nobody. */
import Type, { type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { Closed } from '#signalling/contract.ts';
import { HawserError } from '#signalling/errors.ts';
import { ConferenceId, ConversationId, UserId } from '#signalling/ids.ts';
import { Store } from '../store.ts';
import type { Vault } from '../vault/vault.ts';

/**
 * `open`: it goes on. `answered`: this person took part, or of an own call, somebody else did. `declined`: on one of his devices. `missed`: it
 * was over before he took part. `unanswered`: an own call that nobody else came to.
 */
const Outcome = Type.Union([
  Type.Literal('open'),
  Type.Literal('answered'),
  Type.Literal('declined'),
  Type.Literal('missed'),
  Type.Literal('unanswered'),
]);
export type Outcome = Static<typeof Outcome>;

const LoggedCall = Closed({
  conference: ConferenceId,
  conversation: ConversationId,
  by: UserId,
  /** ms since 1970 */
  at: Type.Integer({ minimum: 0 }),
  outcome: Outcome,
  /** Until when, as far as this device knows; ms since 1970. */
  endedAt: Type.Optional(Type.Integer({ minimum: 0 })),
  /** Of one that was missed: the person has looked at the list since, on this device. */
  seen: Type.Optional(Type.Literal(true)),
});
export type LoggedCall = Static<typeof LoggedCall>;
const validator = Compile(LoggedCall);

const PREFIX = 'call/';
/** The oldest go first. */
const MOST = 500;
const MOST_EARLY = 64;

export type Calls = ReadonlyMap<ConferenceId, LoggedCall>;

/** Those that were missed and that the person has not looked at. Oldest first. */
export function newIn(calls: Calls): readonly LoggedCall[] {
  return [...calls.values()].filter(({ outcome, seen }) => outcome === 'missed' && !seen);
}

export class CallLog {
  /** Oldest first. */
  readonly store: Store<Calls>;
  readonly #vault: Vault;
  readonly #self: UserId;
  /** That it rings, the homeserver says at once; who called comes as a message, and perhaps behind the answer. */
  readonly #early = new Map<ConferenceId, readonly { readonly by: UserId; readonly how: 'accepted' | 'declined' }[]>();

  private constructor(vault: Vault, self: UserId, calls: Calls) {
    this.#vault = vault;
    this.#self = self;
    this.store = new Store(calls);
  }

  /** @throws HawserError VAULT_DAMAGED */
  static async open(vault: Vault, self: UserId): Promise<CallLog> {
    const calls = [...(await vault.list(PREFIX)).values()].map(read).toSorted((one, other) => one.at - other.at);
    return new CallLog(vault, self, new Map(calls.map((call) => [call.conference, call])));
  }

  /** Somebody called. */
  async began(call: Pick<LoggedCall, 'conference' | 'conversation' | 'by' | 'at'>): Promise<void> {
    if (this.store.state.has(call.conference)) return;
    await this.#put({ ...call, outcome: 'open' });
    const early = this.#early.get(call.conference) ?? [];
    this.#early.delete(call.conference);
    for (const { by, how } of early) await this.answered(call.conference, by, how);
  }

  /** This person took part or declined, on one of his devices; or somebody else came to his call. */
  async answered(conference: ConferenceId, by: UserId, how: 'accepted' | 'declined'): Promise<void> {
    const call = this.store.state.get(conference);
    if (!call) {
      const early = this.#early.get(conference) ?? [];
      if (this.#early.size < MOST_EARLY) this.#early.set(conference, [...early, { by, how }]);
      return;
    }
    const isOwn = by === this.#self;
    if (isOwn && call.by !== this.#self) await this.#to(call, how === 'accepted' ? 'answered' : 'declined');
    else if (!isOwn && call.by === this.#self && how === 'accepted') await this.#to(call, 'answered');
  }

  /**
   * What goes on now, of all conversations.
   * @param now ms since 1970
   */
  async follow(ongoing: ReadonlySet<ConferenceId>, now: number): Promise<void> {
    for (const call of this.store.state.values()) {
      if (call.endedAt !== undefined || ongoing.has(call.conference)) continue;
      const over = call.by === this.#self ? 'unanswered' : 'missed';
      await this.#put({ ...call, outcome: call.outcome === 'open' ? over : call.outcome, endedAt: now });
    }
  }

  /** The person has looked at the list: what was missed so far is not new any more. */
  see(): Promise<void> {
    return this.#put(...newIn(this.store.state).map((call) => ({ ...call, seen: true as const })));
  }

  /** Whoever took part in the end did not miss it, whatever he said before. */
  async #to(call: LoggedCall, outcome: Outcome): Promise<void> {
    if (call.outcome !== 'answered' && call.outcome !== outcome) await this.#put({ ...call, outcome });
  }

  async #put(...calls: readonly LoggedCall[]): Promise<void> {
    if (calls.length === 0) return;
    const changed = new Map(calls.map((call) => [call.conference, call]));
    const others = [...this.store.state.values()].filter(({ conference }) => !changed.has(conference));
    const all = [...others, ...calls].toSorted((one, other) => one.at - other.at);
    const gone = all.slice(0, Math.max(0, all.length - MOST));
    const kept = all.slice(gone.length);
    this.store.set(new Map(kept.map((each) => [each.conference, each])));
    await this.#vault.write(
      new Map([
        ...calls.map(
          (call) => [`${PREFIX}${call.conference}`, new TextEncoder().encode(JSON.stringify(call))] as const,
        ),
        ...gone.map(({ conference }) => [`${PREFIX}${conference}`, undefined] as const),
      ]),
    );
  }
}

function read(bytes: Uint8Array): LoggedCall {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    if (validator.Check(value)) return value;
  } catch (cause) {
    throw new HawserError('VAULT_DAMAGED', 'a call', { cause });
  }
  throw new HawserError('VAULT_DAMAGED', 'a call');
}
