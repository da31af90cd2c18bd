/** What an administrator does with accounts: over the administrator's port, or on the database of a stopped homeserver. */
import { type DomainName, type UserId, userIdOf } from '#signalling/ids.ts';
import type { EmailAddress } from '#signalling/person.ts';
import type { Auditor } from '../audit/audit.ts';
import type { Store } from '../store/store.ts';
import type { World } from '../world.ts';
import {
  type Account,
  type AccountEntry,
  createAccount,
  listAccounts,
  type NewAccount,
  setAdministrator,
} from './accounts.ts';
import type { Invitations } from './invitations.ts';
import type { OwnAccount } from './own-account.ts';
import { hashPassword } from './password.ts';

/** Accounts in one answer. */
export const ACCOUNTS_AT_ONCE = 500;

export interface AdministrationOptions {
  readonly store: Store;
  readonly domain: DomainName;
  readonly world: World;
  readonly ownAccount: OwnAccount;
  readonly invitations: Invitations;
  readonly audit: Auditor;
}

export class Administration {
  readonly #options: AdministrationOptions;

  constructor(options: AdministrationOptions) {
    this.#options = options;
  }

  /** @throws HawserError HOME_HANDLE_TAKEN, HOME_EMAIL_TAKEN */
  async add(account: NewAccount): Promise<Account> {
    const { store, domain, world, audit } = this.#options;
    const added = await createAccount(store.db, domain, account, world);
    audit.note({ kind: 'account-added' });
    if (account.administrator === true) audit.note({ kind: 'admin-granted' });
    return added;
  }

  /** At most `ACCOUNTS_AT_ONCE`, in the order of their handles, those after `after`. */
  list(after: string | undefined): Promise<AccountEntry[]> {
    const { store } = this.#options;
    return listAccounts(store.db, after === undefined ? undefined : this.#user(after), ACCOUNTS_AT_ONCE);
  }

  /** @throws HawserError HOME_REGISTRATION_CLOSED, HOME_NO_MAIL, HOME_SLOW_DOWN */
  async invite(email: EmailAddress | undefined) {
    const invitation = await this.#options.invitations.create(undefined, email);
    this.#options.audit.note({ kind: 'invited' });
    return invitation;
  }

  /** @throws HawserError HOME_NOT_FOUND */
  async remove(handle: string): Promise<void> {
    await this.#options.ownAccount.removeUnasked(this.#user(handle));
    this.#options.audit.note({ kind: 'account-removed' });
  }

  /** Its pages show it when they next ask who they are: at a new session, or within its token's time. @throws HawserError HOME_NOT_FOUND */
  async setAdministrator(handle: string, administrator: boolean): Promise<void> {
    const { store, audit } = this.#options;
    await setAdministrator(store.db, this.#user(handle), administrator);
    audit.note({ kind: administrator ? 'admin-granted' : 'admin-revoked' });
  }

  /** Every session of the account ends. @throws HawserError HOME_NOT_FOUND */
  async setPassword(handle: string, password: string): Promise<void> {
    const { ownAccount, world, audit } = this.#options;
    await ownAccount.replacePassword(this.#user(handle), await hashPassword(password, world));
    audit.note({ kind: 'password-set' });
  }

  #user(handle: string): UserId {
    return userIdOf(this.#options.domain, handle);
  }
}
