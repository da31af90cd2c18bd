/** Invitations to make an account: good once and for some days, made by an administrator or by a person of this domain. */
import { HawserError } from '#signalling/errors.ts';
import type { UserId } from '#signalling/ids.ts';
import { type EmailAddress, emailOf } from '#signalling/person.ts';
import { invitation } from '../mail/letters.ts';
import type { Postman } from '../mail/postman.ts';
import type { Db, Store } from '../store/store.ts';
import { randomToken, type World } from '../world.ts';
import type { EmailLimits } from './email-limits.ts';
import { hashInvitationToken, newInvitationToken } from './invitation-token.ts';

/** Of one person at a time. An administrator may have as many as he likes. */
export const MAX_OPEN = 10;

const ID_BYTES = 12;
const DAY_MS = 24 * 3_600_000;

export interface InvitationsOptions {
  readonly store: Store;
  readonly world: World;
  /** How long an invitation is good. */
  readonly days: number;
  /** Undefined where this server sends none. */
  readonly mail: Postman | undefined;
  readonly limits: EmailLimits;
  /** Whether accounts can be made by invitation at all. */
  readonly isOpen: boolean;
}

export interface OpenInvitation {
  readonly id: string;
  readonly email: EmailAddress | undefined;
  readonly createdAt: number;
  readonly expiresAt: number;
}

export class Invitations {
  readonly #options: InvitationsOptions;

  constructor(options: InvitationsOptions) {
    this.#options = options;
  }

  /**
   * @param by undefined for an administrator
   * @param email where it is sent; it is not bound to that address, which its user proves by a code in any case
   * @returns the token, which is told this once
   * @throws HawserError HOME_REGISTRATION_CLOSED, HOME_NO_MAIL, HOME_INVITATIONS_OPEN, HOME_SLOW_DOWN, HOME_MAIL_LIMIT
   */
  async create(by: UserId | undefined, email: EmailAddress | undefined) {
    const { store, world, days, mail, limits, isOpen } = this.#options;
    if (!isOpen) throw new HawserError('HOME_REGISTRATION_CLOSED');
    if (by !== undefined && email !== undefined) limits.countMail(emailOf(email));
    const id = randomToken(world, ID_BYTES);
    const token = newInvitationToken(world);
    const now = world.now();
    const expiresAt = now + days * DAY_MS;
    await store.transaction(async (tx) => {
      if (by !== undefined && (await countOpen(tx, by, now)) >= MAX_OPEN)
        throw new HawserError('HOME_INVITATIONS_OPEN');
      await tx
        .insertInto('invitations')
        .values({
          id,
          token_hash: hashInvitationToken(token) ?? '',
          created_by: by ?? null,
          email: email ? emailOf(email) : null,
          created_at: now,
          expires_at: expiresAt,
        })
        .execute();
      if (email === undefined) return;
      if (!mail) throw new HawserError('HOME_NO_MAIL');
      const letter = invitation(mail.sender, token, by, days);
      const isTaken = await mail.enqueue(tx, { to: emailOf(email), letter, owner: by });
      if (!isTaken) throw new HawserError('HOME_SLOW_DOWN');
    });
    mail?.wake();
    return { id, invitation: token, expiresAt };
  }

  /** Those of a person, or of the administrator, that nobody has used. */
  async list(by: UserId | undefined): Promise<OpenInvitation[]> {
    const { store, world } = this.#options;
    const rows = await store.db
      .selectFrom('invitations')
      .select(['id', 'email', 'created_at', 'expires_at'])
      .where('created_by', by === undefined ? 'is' : '=', by ?? null)
      .where('expires_at', '>', world.now())
      .orderBy('created_at')
      .limit(1_000)
      .execute();
    return rows.map(({ id, email, created_at, expires_at }) => ({
      id,
      email: email ?? undefined,
      createdAt: Number(created_at),
      expiresAt: Number(expires_at),
    }));
  }

  /** @throws HawserError HOME_NOT_FOUND, also for another one's */
  async takeBack(by: UserId | undefined, id: string): Promise<void> {
    const { numDeletedRows } = await this.#options.store.db
      .deleteFrom('invitations')
      .where('id', '=', id)
      .where('created_by', by === undefined ? 'is' : '=', by ?? null)
      .executeTakeFirstOrThrow();
    if (numDeletedRows !== 1n) throw new HawserError('HOME_NOT_FOUND');
  }

  /** The id of the invitation that a token stands for. @throws HawserError HOME_INVITATION_REFUSED */
  async find(token: string | undefined): Promise<string> {
    const hash = token === undefined ? undefined : hashInvitationToken(token);
    if (hash === undefined) throw new HawserError('HOME_INVITATION_REFUSED');
    const row = await this.#options.store.db
      .selectFrom('invitations')
      .select('id')
      .where('token_hash', '=', hash)
      .where('expires_at', '>', this.#options.world.now())
      .executeTakeFirst();
    if (!row) throw new HawserError('HOME_INVITATION_REFUSED');
    return row.id;
  }

  /** In the transaction that makes the account. @throws HawserError HOME_INVITATION_REFUSED: somebody was quicker */
  async use(tx: Db, id: string): Promise<void> {
    const { numDeletedRows } = await tx
      .deleteFrom('invitations')
      .where('id', '=', id)
      .where('expires_at', '>', this.#options.world.now())
      .executeTakeFirstOrThrow();
    if (numDeletedRows !== 1n) throw new HawserError('HOME_INVITATION_REFUSED');
  }

  async sweep(): Promise<void> {
    const { store, world } = this.#options;
    await store.db.deleteFrom('invitations').where('expires_at', '<=', world.now()).execute();
  }
}

async function countOpen(tx: Db, by: UserId, now: number): Promise<number> {
  const { n } = await tx
    .selectFrom('invitations')
    .select((e) => e.fn.countAll<number>().as('n'))
    .where('created_by', '=', by)
    .where('expires_at', '>', now)
    .executeTakeFirstOrThrow();
  return Number(n);
}
