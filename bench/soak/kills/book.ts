/** What the writers did, and with which result as far as they were told. */
import type { Message, Written } from './checker.ts';

export class Book {
  readonly #written = new Map<string, Written>();
  readonly #numbers = new Map<string, number>();
  #accepted = 0;

  /** How many are known to be accepted. */
  get accepted(): number {
    return this.#accepted;
  }

  /** The next message of a device to a conversation. */
  next(conversation: string, writer: string): Message {
    const key = `${conversation} ${writer}`;
    const number = (this.#numbers.get(key) ?? 0) + 1;
    this.#numbers.set(key, number);
    const message = { conversation, writer, number };
    this.note({ ...message, state: 'tried' });
    return message;
  }

  stored(message: Message): void {
    if (this.#written.get(keyOf(message))?.state === 'tried') this.note({ ...message, state: 'stored' });
  }

  /** How its writer has it. What was acknowledged once stays accepted, at that place. */
  note(written: Written): void {
    const known = this.#written.get(keyOf(written));
    if (known?.state === 'accepted') return;
    if (written.state === 'accepted') this.#accepted += 1;
    this.#written.set(keyOf(written), written);
  }

  all(): Written[] {
    return [...this.#written.values()];
  }
}

function keyOf({ conversation, writer, number }: Message): string {
  return `${conversation} ${writer}/${number}`;
}
