/** What somebody has begun to write and not sent, for each conversation. Kept in the vault, since it is as secret as what is sent. */
import Type, { type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { MAX_EXPIRY, MAX_TEXT_BYTES } from '#client/content/limits.ts';
import { Closed } from '#signalling/contract.ts';
import type { ConversationId } from '#signalling/ids.ts';
import type { Vault } from '../vault/vault.ts';

const Stored = Closed({
  text: Type.String({ maxLength: 4 * MAX_TEXT_BYTES }),
  /** Seconds after which the messages of this conversation vanish; absent where they stay. */
  vanishAfter: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_EXPIRY })),
});
export type Unsent = Static<typeof Stored>;
const validator = Compile(Stored);

export class UnsentTexts {
  readonly #vault: Vault;

  constructor(vault: Vault) {
    this.#vault = vault;
  }

  async get(conversation: ConversationId): Promise<Unsent> {
    const bytes = await this.#vault.get(keyOf(conversation));
    if (!bytes) return { text: '' };
    try {
      const stored: unknown = JSON.parse(new TextDecoder().decode(bytes));
      if (validator.Check(stored)) return stored;
    } catch {
      // What was never sent is not worth to stop for.
    }
    return { text: '' };
  }

  async set(conversation: ConversationId, unsent: Unsent): Promise<void> {
    const isEmpty = unsent.text === '' && unsent.vanishAfter === undefined;
    const bytes = isEmpty ? undefined : new TextEncoder().encode(JSON.stringify(unsent));
    await this.#vault.write(new Map([[keyOf(conversation), bytes]]));
  }
}

function keyOf(conversation: ConversationId): string {
  return `unsent/${conversation}`;
}
