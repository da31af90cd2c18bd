/** A member who lives in a page: every call goes there, and its bytes come and go. */
import type { JSHandle, Page } from 'playwright-core';
import { type Heard, type Made, type Member, nameOf, type Shown, type Wishes } from './member.ts';
import type { Kind } from './page.ts';

let count = 0;

export class InPage implements Member {
  readonly name: string;
  readonly kind: Kind;
  readonly #handle: JSHandle<Member>;

  private constructor(name: string, kind: Kind, handle: JSHandle<Member>) {
    this.name = name;
    this.kind = kind;
    this.#handle = handle;
  }

  static async make(page: Page, kind: Kind): Promise<InPage> {
    const name = nameOf(++count);
    const given = { kind, name };
    return new InPage(
      name,
      kind,
      await page.evaluateHandle((wanted) => window.makeMember(wanted.kind, wanted.name), given),
    );
  }

  create(hubKey?: Uint8Array): Promise<void> {
    return this.#handle.evaluate((member, key) => member.create(key), hubKey);
  }

  keyPackage(): Promise<Uint8Array> {
    return this.#handle.evaluate((member) => member.keyPackage());
  }

  commit(wishes: Wishes = {}): Promise<Made> {
    return this.#handle.evaluate((member, given) => member.commit(given), wishes);
  }

  join(welcome: Uint8Array): Promise<void> {
    return this.#handle.evaluate((member, given) => member.join(given), welcome);
  }

  joinExternally(groupInfo: Uint8Array): Promise<Made> {
    return this.#handle.evaluate((member, given) => member.joinExternally(given), groupInfo);
  }

  receive(message: Uint8Array): Promise<Heard> {
    return this.#handle.evaluate((member, given) => member.receive(given), message);
  }

  send(content: Uint8Array): Promise<Uint8Array> {
    return this.#handle.evaluate((member, given) => member.send(given), content);
  }

  show(): Promise<Shown> {
    return this.#handle.evaluate((member) => member.show());
  }
}
