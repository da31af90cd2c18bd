/** Tickets: who of this domain may enter a call, under which pseudonym. */
import { HawserError } from '#signalling/errors.ts';
import type { Call, Member } from '#signalling/federation.ts';
import type { ConferenceId, DomainName, ParticipantId, UserId } from '#signalling/ids.ts';
import { permissionsIn } from '#signalling/moderation.ts';
import { signTicket } from '#signalling/ticket.ts';
import type { Db, Store } from '../store/store.ts';
import { randomToken, type World } from '../world.ts';
import { NONCE_BYTES, pseudonymOf, SECRET_BYTES } from './pseudonym.ts';

/** Long enough for a slow browser to ask for the camera, short enough that a copied ticket is soon worthless, s. */
export const TICKET_SECONDS = 180;
const JTI_BYTES = 16;

export interface TicketOffice {
  readonly store: Store;
  readonly domain: DomainName;
  /** Ed25519 private key of this domain's homeserver. */
  readonly key: CryptoKey;
  readonly world: World;
}

export interface Ticket {
  readonly ticket: string;
  readonly participant: ParticipantId;
}

/**
 * @param member one who may join
 * @param former the pseudonym of a stay of his that goes on
 * @throws HawserError HOME_NO_CALL, also where the former stay was in another call
 */
export async function issueTicket(
  office: TicketOffice,
  call: Call,
  member: Member,
  former?: ParticipantId,
): Promise<Ticket> {
  const { domain, key, world } = office;
  if (former !== undefined) await checkOwn(office, call.conference, member.user, former);
  const participant = former ?? (await registerPseudonym(office, call.conference, member.user));
  const now = world.now() / 1000;
  const ticket = await signTicket(
    {
      iss: domain,
      aud: `sft.${domain}`,
      iat: now,
      exp: now + TICKET_SECONDS,
      jti: randomToken(world, JTI_BYTES),
      conference: call.conference,
      participant,
      anchor: call.anchor,
      // What the SFT enforces. That others are seen and heard it does not ask: whoever may join may do so.
      may: permissionsIn(call, member),
    },
    key,
  );
  return { ticket, participant };
}

/** A pseudonym is known from its ticket on, for as long as its call goes on. */
async function checkOwn({ store }: TicketOffice, conference: ConferenceId, user: UserId, participant: ParticipantId) {
  const row = await store.db
    .selectFrom('call_pseudonyms')
    .select('participant')
    .where('participant', '=', participant)
    .where('conference', '=', conference)
    .where('user_id', '=', user)
    .executeTakeFirst();
  if (!row) throw new HawserError('HOME_NO_CALL', 'the former stay');
}

/** In one transaction with the check that the call goes on. */
function registerPseudonym({ store, world }: TicketOffice, conference: ConferenceId, user: UserId) {
  return store.transaction(async (tx) => {
    const secret = await secretOf(tx, conference, world);
    const participant = pseudonymOf(secret, user, world.random(NONCE_BYTES));
    await tx
      .insertInto('call_pseudonyms')
      .values({ participant, conference, user_id: user, issued_at: world.now(), present: 0 })
      .execute();
    return participant;
  });
}

async function secretOf(tx: Db, conference: ConferenceId, world: World): Promise<string> {
  const row = await tx
    .selectFrom('calls')
    .leftJoin('call_secrets', 'call_secrets.conference', 'calls.conference')
    .select('secret')
    .where('calls.conference', '=', conference)
    .executeTakeFirst();
  if (!row) throw new HawserError('HOME_NO_CALL');
  if (row.secret !== null) return row.secret;
  const secret = randomToken(world, SECRET_BYTES);
  await tx.insertInto('call_secrets').values({ conference, secret }).execute();
  return secret;
}
