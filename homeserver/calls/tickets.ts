/** Tickets: who of this domain may enter a call, under which pseudonym. */
import { type Capability, may, type Role } from '#signalling/capabilities.ts';
import { HawserError } from '#signalling/errors.ts';
import type { Call, Member } from '#signalling/federation.ts';
import type { ConferenceId, DomainName, ParticipantId, UserId } from '#signalling/ids.ts';
import { type Permission, signTicket } from '#signalling/ticket.ts';
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

/** What the SFT enforces. That others are seen and heard it does not ask: whoever may join may do so. */
const ENFORCED = { audio: 'sendAudio', video: 'sendVideo', screen: 'shareScreen' } as const satisfies Record<
  Permission,
  Capability
>;

function permissionsOf(role: Role): Permission[] {
  return (Object.keys(ENFORCED) as Permission[]).filter((permission) => may(role, ENFORCED[permission]));
}

/** @param member one who may join. @throws HawserError HOME_NO_CALL */
export async function issueTicket(office: TicketOffice, call: Call, { user, role }: Member): Promise<Ticket> {
  const { domain, key, world } = office;
  const participant = await registerPseudonym(office, call.conference, user);
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
      may: permissionsOf(role),
    },
    key,
  );
  return { ticket, participant };
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
