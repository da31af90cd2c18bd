/**
 * What this device has still to say in a conversation, in order: encrypted when its turn comes, handed in, and stored until it has a place
 * or was refused. Where the homeserver of another organisation orders the conversation, the own one may keep it for a while: what is behind
 * it is handed in too, and what becomes of each comes by the queue.
 */
import { encodeContent } from '#client/content/codec.ts';
import type { Content } from '#client/content/content.ts';
import type { MessageId } from '#client/content/message-id.ts';
import type { Changes } from '#mls/journal.ts';
import { toBase64Url } from '#signalling/base64.ts';
import { type ErrorCode, HawserError, isErrorCode } from '#signalling/errors.ts';
import { isWaiting, type NewMessage, type SentMessage } from '#signalling/groups.ts';
import { type ConversationId, type DeviceId, userOfDevice } from '#signalling/ids.ts';
import { type Entry, parseRefused, parseSent } from '#signalling/queue.ts';
import { backoffMs } from '../backoff.ts';
import type { ConversationGroup } from '../groups/conversation-group.ts';
import type { Vault } from '../vault/vault.ts';
import { isOfVault, isStale, isStaleCode, Refused, refusedBy } from './blame.ts';
import type { TimelineEvent } from './fold.ts';
import type { Ledger } from './ledger.ts';
import { Line } from './line.ts';
import { type OutboxItem, outboxKey, outboxPrefix, readItem, writeItem } from './outbox.ts';
import { TYPING_EVERY } from './typing.ts';

export interface SenderOptions {
  readonly conversation: ConversationId;
  readonly device: DeviceId;
  readonly vault: Vault;
  readonly ledger: Ledger;
  readonly group: ConversationGroup;
  readonly send: (message: NewMessage) => Promise<SentMessage>;
  readonly untilConnected: () => Promise<void>;
  /** Whether the homeserver that orders the conversation is known not to be reachable. */
  readonly isAway?: () => boolean;
  readonly now: () => number;
  readonly random: () => number;
  readonly onFault: (error: unknown) => void;
  /** In a step: notes it in the timeline. @returns what is to be stored */
  readonly apply: (event: TimelineEvent) => Changes;
  /** Undefined for reports and the like, which are not shown while they wait. */
  readonly contentOf: (id: MessageId) => Content | undefined;
  /** In a step: where a setting was said, what becomes of it elsewhere. @returns what is to be stored */
  readonly settingsOf: (id: MessageId, place: { readonly order?: number; readonly at: number }) => Promise<Changes>;
}

/** About to be sent. */
export interface Queued {
  readonly id: MessageId;
  readonly bytes: Uint8Array;
  readonly content: Content;
  /** Stored together with it. */
  readonly also: Changes | undefined;
}

export class Sender {
  readonly #options: SenderOptions;
  readonly #line: Line;
  /** Of the last message that was encrypted. */
  #number: number;
  #draining: Promise<void> | undefined;
  /** What is to be told of writing when nothing else is on its way, and since when: the newest. */
  #typing: { readonly active: boolean; readonly at: number } | undefined;
  /** How often in a row what was handed in came back to be encrypted anew, and how long to wait therefore, ms. */
  #returns = 0;
  #pause = 0;
  /** The keys of this device were not those of the group. */
  #isLeftBehind = false;
  #closed = false;

  private constructor(options: SenderOptions, items: OutboxItem[], number: number) {
    this.#options = options;
    this.#line = new Line(items);
    this.#number = number;
  }

  /**
   * @param hasSaid whether the hub took something that this device said
   * @throws HawserError VAULT_DAMAGED
   */
  static async open(options: SenderOptions, hasSaid: boolean): Promise<Sender> {
    const { vault, conversation } = options;
    const items = [...(await vault.list(outboxPrefix(conversation)))].map(([key, bytes]) => readItem(key, bytes));
    const number = await vault.get(numberKey(conversation));
    // Counting from the beginning, the hub would take what is said now for what was said then.
    if (!number && hasSaid) throw new HawserError('VAULT_DAMAGED', 'the number of messages');
    return new Sender(options, items, number ? new DataView(number.slice().buffer).getFloat64(0) : 0);
  }

  /** Whether something has no place yet. */
  get isSending(): boolean {
    return this.#line.length > 0;
  }

  /** Sends what waits, in order. */
  drain(): void {
    if (this.#line.next === undefined || this.#closed) return;
    this.#draining ??= this.#drain()
      .catch((error: unknown) => {
        this.#draining = undefined;
        this.#options.onFault(error);
      })
      .finally(() => this.#tellTyping());
  }

  /** Puts something at the end of what is to be sent, in a step. @param make undefined where there is nothing to say after all */
  async put(make: () => Promise<Queued | undefined>): Promise<OutboxItem | undefined> {
    const { conversation, device, ledger, now, apply } = this.#options;
    let item: OutboxItem | undefined;
    await ledger.write(
      async () => {
        const queued = await make();
        if (!queued) return new Map();
        const { id, bytes, content, also } = queued;
        item = { place: this.#line.end, id, content: bytes };
        const changes = apply({ type: 'queued', id, device, content, now: now() });
        return new Map([...changes, ...(also ?? []), [outboxKey(conversation, item.place), writeItem(item)]]);
      },
      () => item && this.#line.push(item),
    );
    this.drain();
    return item;
  }

  /**
   * Tells the others that this person writes, or has stopped. Nothing of it is stored or tried again: what cannot be told now, or in the
   * seconds for which it holds has to wait behind something else or for another organisation, is not worth telling later.
   */
  tellTyping(active: boolean): void {
    this.#typing = this.#options.isAway?.() ? undefined : { active, at: this.#options.now() };
    this.#tellTyping();
  }

  /** Resolves when nothing is being sent at this moment. */
  async idle(): Promise<void> {
    while (this.#draining) await this.#draining;
  }

  close(): void {
    this.#closed = true;
  }

  #tellTyping(): void {
    const typing = this.#typing;
    if (!typing || this.isSending || this.#draining !== undefined) return;
    this.#typing = undefined;
    const { isAway, now, onFault } = this.#options;
    if (this.#closed || isAway?.() || now() - typing.at >= TYPING_EVERY) return;
    this.#draining = this.#sendTyping(typing.active)
      .catch((error: unknown) => {
        if (!(error instanceof HawserError)) onFault(error);
      })
      .finally(() => {
        this.#draining = undefined;
        this.drain();
        this.#tellTyping();
      });
  }

  async #drain(): Promise<void> {
    const { untilConnected, random, onFault } = this.#options;
    let failures = 0;
    for (let item = this.#line.next; item && !this.#closed; item = this.#line.next) {
      try {
        const pause = this.#pause;
        this.#pause = 0;
        if (pause > 0) {
          await sleep(pause);
          continue;
        }
        await this.#settle(item);
        failures = 0;
      } catch (error) {
        // What the person wrote is not to blame: it waits.
        if (isOfVault(error) && !error.retry) throw error;
        if (!(error instanceof HawserError)) onFault(error);
        failures += 1;
        await sleep(backoffMs(failures, random()));
        await untilConnected();
      }
    }
    // In the moment of the last look: whatever is put from now on begins to be sent anew.
    this.#draining = undefined;
  }

  /** The item is sent or refused, and goes. Where it throws, it has to wait. */
  async #settle(waiting: OutboxItem): Promise<void> {
    let item = waiting;
    try {
      if (!item.message) item = await this.#encrypt(item);
      // One before it was given back meanwhile, and goes first.
      if (this.#line.next?.place !== item.place) return await this.#putBack([item]);
      await this.#handIn(item);
    } catch (error) {
      if (error instanceof Refused) return this.#giveUp(item, error.code);
      if (isStale(error)) await this.#encryptAnew(item, error.code);
      throw error;
    }
  }

  /** @throws Refused where the hub will never take it */
  async #handIn(item: OutboxItem): Promise<void> {
    const { conversation, contentOf, ledger, apply } = this.#options;
    const { place, id, number, message } = item;
    if (number === undefined || !message) return;
    // Nobody's telephone rings for a receipt, a reaction or an edit.
    const quiet = contentOf(id)?.kind !== 'message' && { quiet: true };
    const sent = await this.#send({ conversation, number, message: toBase64Url(message), ...quiet });
    let settled = () => {};
    await ledger.write(
      async () => {
        // What became of it came by the queue meanwhile.
        if (!this.#line.isCurrent(item)) return new Map();
        if (!isWaiting(sent)) {
          settled = () => this.#line.remove(item);
          return this.#accepted(item, sent.position, sent.at);
        }
        const waiting = { domain: sent.waiting, since: sent.since };
        settled = () => this.#line.handedIn({ ...item, waiting });
        const changes = apply({ type: 'waits', id, ...waiting });
        return new Map([...changes, [outboxKey(conversation, place), writeItem({ ...item, waiting })]]);
      },
      () => settled(),
    );
  }

  /** In a step. @returns what is to be stored */
  async #accepted(item: OutboxItem, order: number, at: number): Promise<Changes> {
    const { conversation, settingsOf, apply, now } = this.#options;
    const settings = await settingsOf(item.id, { order, at });
    const changes = apply({ type: 'accepted', id: item.id, order, at, now: now() });
    return new Map([...settings, ...changes, [outboxKey(conversation, item.place), undefined]]);
  }

  /**
   * What became of a message that waited for the homeserver of another organisation. It may come twice, and before the answer.
   * @param progress stored together with what comes of it
   */
  async takeOutcome(entry: Entry, progress: Changes): Promise<void> {
    const { ledger, onFault } = this.#options;
    const settled: (() => void)[] = [];
    await ledger.write(
      async () => {
        try {
          const changes = entry.kind === 'sent' ? this.#takeSent(entry, settled) : this.#takeRefused(entry, settled);
          return new Map([...(await changes), ...progress]);
        } catch (error) {
          // It cannot be read, and is no better the next time.
          if (!(error instanceof HawserError) || error.code !== 'SIG_SCHEMA') throw error;
          onFault(error);
          return progress;
        }
      },
      () => {
        for (const each of settled) each();
      },
    );
    this.drain();
    this.#tellTyping();
  }

  async #takeSent({ id, at, payload }: Entry, settled: (() => void)[]): Promise<Changes> {
    const { position } = parseSent(payload);
    const [item] = this.#line.numbered(Number(id), Number(id));
    if (!item) return new Map();
    settled.push(() => {
      this.#line.remove(item);
      this.#returns = 0;
    });
    return this.#accepted(item, position, at);
  }

  /** Those behind it were given back with it, whatever they are: they go once more, in their order. */
  async #takeRefused({ id, payload }: Entry, settled: (() => void)[]): Promise<Changes> {
    const { conversation, apply } = this.#options;
    const { code, last } = parseRefused(payload);
    const first = Number(id);
    const [named] = this.#line.numbered(first, last);
    // With it also what was handed in since: it is not taken, because this device did not know.
    const given = named ? this.#line.numberedFrom(named.place) : [];
    const changes: (readonly [string, Uint8Array | undefined])[] = [];
    for (const item of given) {
      if (item.number === first && !isStaleCode(code)) {
        changes.push(...(await this.#failed(item, isErrorCode(code) ? code : 'FED_REFUSED')));
        settled.push(() => this.#line.remove(item));
        continue;
      }
      const plain = plainOf(item);
      changes.push(
        [outboxKey(conversation, item.place), writeItem(plain)],
        ...apply({ type: 'returned', id: item.id }),
      );
      settled.push(() => this.#line.replace(plain));
    }
    settled.push(() => this.#line.release());
    if (given.length > 0) settled.push(() => this.#returned(code));
    return new Map(changes);
  }

  #returned(code: string): void {
    if (code === 'MLS_NOT_MEMBER') this.#isLeftBehind = true;
    if (!isStaleCode(code)) return;
    // This device may not have heard yet of what its message was too old for.
    this.#returns += 1;
    this.#pause = backoffMs(this.#returns, this.#options.random());
  }

  async #send(message: NewMessage): Promise<SentMessage> {
    try {
      return await this.#options.send(message);
    } catch (error) {
      throw refusedBy(error, 'message');
    }
  }

  /** It takes a number of the same row as what is stored, so that nothing else may be on its way. */
  async #sendTyping(active: boolean): Promise<void> {
    const { conversation, device, group: own, send } = this.#options;
    const known = await own.loaded();
    if (!known?.isMember || known.hasProposals) return;
    const content = { kind: 'typing', active } as const;
    const { bytes } = await encodeContent(content, { sender: userOfDevice(device), room: conversation });
    const group = await own.readyToSend();
    const number = this.#number + 1;
    const message = await group.send(bytes, undefined, () => new Map([[numberKey(conversation), numberBytes(number)]]));
    this.#number = number;
    await send({ conversation, number, message: toBase64Url(message) });
  }

  /** Encrypts with the keys of now; the result is stored with them, since they cannot make it again. */
  async #encrypt(item: OutboxItem): Promise<OutboxItem> {
    const { conversation, group: own } = this.#options;
    if (this.#isLeftBehind) {
      await own.rejoin();
      this.#isLeftBehind = false;
    }
    const group = await own.readyToSend().catch((error: unknown) => {
      throw refusedBy(error, 'sender');
    });
    const number = this.#number + 1;
    let encrypted = item;
    await group.send(item.content, undefined, (message) => {
      encrypted = { ...item, number, message };
      return new Map([
        [outboxKey(conversation, item.place), writeItem(encrypted)],
        [numberKey(conversation), numberBytes(number)],
      ]);
    });
    this.#number = number;
    this.#line.replace(encrypted);
    return encrypted;
  }

  /**
   * It was encrypted for an epoch that is over, and not accepted. It gets another number: where another domain is the hub, this one was
   * refused for good.
   */
  async #encryptAnew(item: OutboxItem, code: ErrorCode): Promise<void> {
    const { group } = this.#options;
    if (item.message && this.#line.isCurrent(item)) {
      // Those behind it were not taken either, and would have lower numbers.
      await this.#putBack(this.#line.numberedFrom(item.place));
      // Nothing overtakes: where the hub judged this one, what became of those before it is on its way.
      this.#line.hold(item.place);
    }
    if (code === 'MLS_NOT_MEMBER') await group.rejoin();
  }

  /** Their numbers are not used: those before them take higher ones. */
  async #putBack(items: readonly OutboxItem[]): Promise<void> {
    const { conversation, vault } = this.#options;
    const plain = items.filter((item) => this.#line.isCurrent(item)).map(plainOf);
    await vault.write(new Map(plain.map((item) => [outboxKey(conversation, item.place), writeItem(item)])));
    for (const item of plain) this.#line.replace(item);
  }

  async #giveUp(item: OutboxItem, code: ErrorCode): Promise<void> {
    let settled = () => {};
    await this.#options.ledger.write(
      async () => {
        if (!this.#line.isCurrent(item)) return new Map();
        settled = () => this.#line.remove(item);
        return this.#failed(item, code);
      },
      () => settled(),
    );
  }

  /** In a step. @returns what is to be stored */
  async #failed({ id, place }: OutboxItem, code: ErrorCode): Promise<Changes> {
    const { conversation, settingsOf, apply, now } = this.#options;
    const settings = await settingsOf(id, { at: now() });
    const changes = apply({ type: 'failed', id, code });
    return new Map([...settings, ...changes, [outboxKey(conversation, place), undefined]]);
  }
}

/** As it was written. */
function plainOf({ place, id, content }: OutboxItem): OutboxItem {
  return { place, id, content };
}

function numberKey(conversation: ConversationId): string {
  return `number/${conversation}`;
}

function numberBytes(number: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setFloat64(0, number);
  return bytes;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
