/** The client's routes, noun by noun. Each parses, asks the service that knows, and shows what came back. */
import { API, type Organisation } from '#signalling/client-home.ts';
import type { Claimed, Authority as StatedAuthority } from '#signalling/devices.ts';
import { HawserError } from '#signalling/errors.ts';
import type { NewMessage, SentMessage } from '#signalling/groups.ts';
import type { DomainName, RoomId, UserId } from '#signalling/ids.ts';
import type { Authorities } from '../../as/authorities.ts';
import type { Devices } from '../../as/devices.ts';
import type { KeyPackages } from '../../as/key-packages.ts';
import type { People } from '../../as/people.ts';
import type { Sessions } from '../../as/sessions.ts';
import type { Assets } from '../../assets/assets.ts';
import type { Calls } from '../../calls/calls.ts';
import type { Guests } from '../../calls/guests.ts';
import type { RelayOffice } from '../../calls/relays.ts';
import type { Person } from '../../ds/conversation.ts';
import type { Conversations } from '../../ds/conversations.ts';
import type { Asker, GroupOffice } from '../../ds/group-office.ts';
import type { Groups } from '../../ds/groups.ts';
import type { Downloads } from '../../federation/downloads.ts';
import type { Push } from '../../qs/push.ts';
import type { Queues } from '../../qs/queues.ts';
import type { World } from '../../world.ts';
import { refuseGuests } from '../auth.ts';
import type { App } from '../fastify.ts';
import { networkOf } from '../network.ts';
import { writeReference } from '../openapi.ts';
import { RateLimit } from '../rate.ts';
import { type AdministrationOptions, administrationRoutes } from './administration.ts';
import { assetRoutes } from './assets.ts';
import { callRoutes } from './calls.ts';
import { connectionRoutes } from './connections.ts';
import { conversationRoutes } from './conversations.ts';
import { deviceRoutes } from './devices.ts';
import { groupRoutes } from './groups.ts';
import { guestRoutes } from './guests.ts';
import { organisationRoutes } from './organisations.ts';
import { passwordRoutes } from './password.ts';
import { peopleRoutes } from './people.ts';
import { pushRoutes } from './push.ts';
import { registrationRoutes } from './registration.ts';
import { sessionRoutes } from './sessions.ts';

export interface ClientApiOptions extends AdministrationOptions {
  readonly domain: DomainName;
  readonly world: World;
  /** Origin of the public URL: `https://alpha.example`. */
  readonly origin: string;
  /** `wss://sft.alpha.example/client/v1` */
  readonly sft: string;
  readonly sessions: Sessions;
  readonly devices: Devices;
  readonly keyPackages: KeyPackages;
  readonly authorities: Authorities;
  readonly people: People;
  readonly conversations: Conversations;
  readonly groups: Groups;
  /** The own hub, or the way to another one. */
  readonly office: (room: RoomId) => GroupOffice;
  /** To the hub of the conversation, whichever domain it is of. */
  readonly send: (asker: Asker, message: NewMessage) => Promise<SentMessage>;
  /** Whom this domain federates with. */
  readonly organisations: () => Organisation[];
  readonly queues: Queues;
  readonly push: Push;
  /** With which this hub proposes to groups: Ed25519, 32 bytes. */
  readonly hubKey: Uint8Array;
  readonly calls: Calls;
  readonly relays: Pick<RelayOffice, 'offer'>;
  readonly guests: Guests;
  readonly assets: Assets;
  readonly downloads: Pick<Downloads, 'open'>;
  readonly localPerson: (user: UserId) => Promise<Person | undefined>;
  /** Somebody of another domain. @throws HawserError as the federation client */
  readonly remotePerson: (who: { domain: DomainName; handle: string }) => Promise<Person>;
  /** People of another domain whom somebody finds there by a text of at most 100 characters. @throws HawserError as the federation client */
  readonly remotePeople: (domain: DomainName, by: UserId, text: string) => Promise<readonly Person[]>;
  /** One key package of each device of somebody of another domain. @throws HawserError as the federation client */
  readonly claimFar: (by: UserId, user: UserId) => Promise<Claimed>;
  /** What speaks for the devices of another domain. @throws HawserError as the federation client, where nothing is known */
  readonly authorityOf: (domain: DomainName) => Promise<StatedAuthority>;
  readonly onTicket: () => void;
}

/** The largest body: a conversation with 500 members of at most 180 bytes. */
export const CLIENT_BODY_LIMIT = 128 * 1024;
/** Requests a second from one address, behind which a whole organisation may sit. */
const PER_SECOND = 200;

export async function clientApi(app: App, options: ClientApiOptions): Promise<void> {
  await writeReference(app);
  const rate = new RateLimit(PER_SECOND, options.world.now);
  app.addHook('onRequest', async (request, reply) => {
    if (!rate.take(networkOf(request.ip))) throw new HawserError('SIG_FLOOD');
    // The refresh cookie is SameSite=Strict; this also keeps out other ports and subdomains, which are the same site.
    const { origin } = request.headers;
    if (origin !== undefined && origin !== options.origin) throw new HawserError('HOME_FORBIDDEN', 'origin');
    reply.header('cache-control', 'no-store');
    await refuseGuests(options.sessions, request);
  });
  sessionRoutes(app, options);
  deviceRoutes(app, options);
  registrationRoutes(app, options);
  passwordRoutes(app, options);
  peopleRoutes(app, options);
  connectionRoutes(app, options);
  conversationRoutes(app, options);
  groupRoutes(app, options);
  organisationRoutes(app, options);
  pushRoutes(app, options);
  callRoutes(app, options);
  guestRoutes(app, options);
  assetRoutes(app, options);
  administrationRoutes(app, options);
  referenceRoute(app);
}

/** The reference itself: the same for everybody, until this server is replaced by a newer one. */
function referenceRoute(app: App): void {
  app.get(`${API}/openapi.json`, { schema: { hide: true } }, async (_request, reply) => {
    reply.header('cache-control', 'public, max-age=3600');
    return app.swagger();
  });
}
