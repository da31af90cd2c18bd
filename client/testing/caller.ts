/** For tests: a program in a call that says and shows who it is, twenty milliseconds after twenty milliseconds, and notes all that it hears and sees. */
import { until } from '#homeserver/testing/world.ts';
import type { ConversationId, ParticipantId } from '#signalling/ids.ts';
import { Account } from '../account.ts';
import type { RefusedSignal } from '../conference/reactions.ts';
import type { Dial } from '../dial.ts';
import type { RefusedFrame } from '../media/node/encryption.ts';
import { Messenger } from '../messenger.ts';
import { NodeCall } from '../node-call.ts';
import type { Epoch } from '../sframe/epochs.ts';
import { MemoryVault } from '../vault/memory.ts';
import { pictureOf } from './picture.ts';

export interface CallerOptions {
  readonly url: string;
  readonly handle: string;
  readonly password: string;
  readonly conversation: ConversationId;
  /** What it says, and the name of its device. */
  readonly name: string;
  /** How it comes to its SFT, where not by the address that it is told. */
  readonly dial?: Dial;
}

export interface Heard {
  readonly from: ParticipantId;
  readonly kind: string;
  /** Who says that it is his, which of his pieces it is. */
  readonly name: string;
  readonly number: number;
  /** When it is to be shown or heard: whoever plays it puts what comes late where it belongs. */
  readonly timestamp: number;
}

export class Caller implements Disposable {
  readonly name: string;
  readonly call: NodeCall;
  readonly refused: (RefusedFrame | RefusedSignal)[] = [];
  readonly heard: Heard[] = [];
  /** What could be decrypted, and was said by nobody. */
  readonly garbage: Buffer[] = [];
  /** All keys that it ever had. */
  readonly epochs: Epoch[] = [];
  /** With which keys it sends what it says after a time, which is that of RTP. */
  readonly sendsWith: { readonly epoch: bigint; readonly after: number }[] = [];
  readonly messenger: Messenger;
  participant = '' as ParticipantId;
  readonly #account: Account;
  #timer: ReturnType<typeof setInterval> | undefined;
  #count = 0;

  private constructor(account: Account, messenger: Messenger, { name, conversation, dial }: CallerOptions) {
    this.name = name;
    this.#account = account;
    this.messenger = messenger;
    const enter = messenger.enterCall.bind(messenger);
    messenger.enterCall = (where, ticket, keys) =>
      enter(where, ticket, {
        addEpoch: (epoch) => {
          // A copy: keys that are over are wiped.
          this.epochs.push({ ...epoch, baseKey: epoch.baseKey.slice() });
          keys.addEpoch(epoch);
        },
        sendWith: (number) => {
          keys.sendWith(number);
          this.sendsWith.push({ epoch: number, after: this.#count * SOUND_TICKS });
        },
        onRoster: (roster) => keys.onRoster?.(roster),
      });
    this.call = new NodeCall({
      ...{ messenger, conversation, onRefused: (each) => this.refused.push(each) },
      ...(dial && { conference: { dial } }),
    });
  }

  /** Resolves when it is in the call, and sends. */
  static async join(options: CallerOptions): Promise<Caller> {
    const { url, handle, password, conversation, name } = options;
    const account = new Account(url);
    await account.signIn(handle, password);
    const messenger = await Messenger.open({ account, vault: new MemoryVault(), deviceName: name });
    const knows = () => messenger.home.store.state.conversations.some((each) => each.conversation === conversation);
    await until(knows, `${name} knows the conversation`);
    const caller = new Caller(account, messenger, options);
    await caller.#begin();
    return caller;
  }

  from(participant: ParticipantId, kind: string): readonly Heard[] {
    return this.heard.filter((each) => each.from === participant && each.kind === kind);
  }

  /** Resolves when it has heard and seen some more of another one. */
  async hears(other: Caller, more = 10): Promise<void> {
    const count = (kind: string) => this.from(other.participant, kind).length;
    const [heard, seen] = [count('microphone'), count('camera')];
    const isEnough = () => count('microphone') >= heard + more && count('camera') >= seen + more;
    await until(isEnough, `${this.name} hears and sees ${other.name}`, 10_000);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.call.close();
    this.messenger.close();
    this.#account[Symbol.dispose]();
  }

  async #begin(): Promise<void> {
    this.participant = await this.call.join();
    const { conference } = this.call;
    conference.store.subscribe(() => this.#follow());
    for (const kind of ['microphone', 'camera'] as const)
      if (!(await conference.publish(kind, {}))) throw new Error('not published');
    this.#timer = setInterval(() => {
      const number = ++this.#count;
      const isKey = number % 10 === 1;
      const words = `${this.name} ${number};`;
      const [microphone, camera] = [conference.published('microphone'), conference.published('camera')];
      void microphone?.sendFrame({ data: Buffer.from(words), timestamp: number * SOUND_TICKS, audioLevel: 30 });
      void camera?.sendFrame({ data: pictureOf(isKey, words), isKey, timestamp: number * 1_800 });
    }, FRAME_MS);
    this.#follow();
  }

  #follow(): void {
    const { state } = this.call.conference;
    if (state.phase !== 'joined') return;
    for (const { participant: from, sources } of state.participants) {
      for (const { kind, renditions } of sources) {
        for (const { media } of renditions)
          media.onFrame ??= ({ data, timestamp }) => this.#note(from, kind, Buffer.from(data), timestamp);
      }
    }
  }

  #note(from: ParticipantId, kind: string, data: Buffer, timestamp: number): void {
    const [, name, number] = /(\w+) (\d+);/.exec(data.toString('latin1')) ?? [];
    if (name === undefined) this.garbage.push(data);
    else this.heard.push({ from, kind, name, number: Number(number), timestamp });
  }
}

const FRAME_MS = 20;
/** Of the clock of sound, in that time. */
const SOUND_TICKS = 960;
