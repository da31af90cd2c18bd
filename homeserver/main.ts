/** Composition: builds the parts of a homeserver, hands them to each other, and takes them down in the reverse order. */
import { mkdir } from 'node:fs/promises';
import type { Logger } from 'pino';
import { Credentials as MlsCredentials } from '#mls/credentials.ts';
import type { NewMessage, SentMessage } from '#signalling/groups.ts';
import { domainOf, type UserId, userOfDevice } from '#signalling/ids.ts';
import { discreet } from '#site/log.ts';
import { LogLevel } from '#site/log-level.ts';
import type { Site } from '#site/schema.ts';
import { BrowserTls } from '#trust/browser-tls.ts';
import { DeviceAuthority } from '#trust/device-authority.ts';
import { deviceEndings, serverEndings } from '#trust/endings.ts';
import { readTicketSigningKey } from '#trust/tickets.ts';
import { openTrust, type Trust } from '#trust/trust.ts';
import {
  type Account,
  countAccounts,
  findAccount,
  findHolder,
  type NewAccount,
  namesOf,
  withoutAccount,
} from './as/accounts.ts';
import { Authorities } from './as/authorities.ts';
import { Devices } from './as/devices.ts';
import { GuestAccounts } from './as/guests.ts';
import { KeyPackages } from './as/key-packages.ts';
import { makePeople } from './as/people.ts';
import { Sessions } from './as/sessions.ts';
import { blockersOf } from './as/sides.ts';
import { Assets } from './assets/assets.ts';
import { openAssetStore } from './assets/open.ts';
import { rulesOf } from './assets/rules.ts';
import type { AssetStore } from './assets/store.ts';
import { Audit } from './audit/audit.ts';
import { attended } from './calls/attendance.ts';
import { Calls } from './calls/calls.ts';
import { Grants } from './calls/grants.ts';
import { Guests } from './calls/guests.ts';
import { openRelays, type RelayOffice } from './calls/relays.ts';
import { SftDoor } from './calls/sft-door.ts';
import { Supervision } from './calls/supervision.ts';
import { diskOf } from './disk.ts';
import { serveAdmin, serveClients } from './doors.ts';
import { toldBy } from './ds/changes.ts';
import { Conversations } from './ds/conversations.ts';
import { Departures } from './ds/departures.ts';
import { type Asker, officeOf } from './ds/group-office.ts';
import { Groups } from './ds/groups.ts';
import { Hub } from './ds/hub.ts';
import { openHubSigner, type PublicSigner } from './ds/hub-signer.ts';
import { Journal } from './ds/journal.ts';
import { Names } from './ds/names.ts';
import { Refusals } from './ds/refusals.ts';
import { areTogether, countCalls } from './ds/repository.ts';
import { type Federation, makeFederation } from './federation/compose.ts';
import type { DiscoveryOptions } from './federation/discovery.ts';
import { type OpenFederation, openFederation } from './federation/open.ts';
import { depthByDomain } from './federation/outbox-table.ts';
import type { PeerNetwork } from './federation/peer-client.ts';
import { PeerKeys } from './federation/peer-keys.ts';
import { serveFederation } from './federation/serve.ts';
import { Events } from './http/events.ts';
import type { ClientSocketLimits } from './http/limits.ts';
import { alertOf, SignInAlerts } from './mail/alerts.ts';
import { Postman } from './mail/postman.ts';
import { countMails, oldestMail } from './mail/queue.ts';
import { smtpTransport, type Transport } from './mail/transport.ts';
import { makeMetrics } from './metrics.ts';
import { Push } from './qs/push.ts';
import { openPushKey } from './qs/push-key.ts';
import { type PushNetwork, pushSender } from './qs/push-sender.ts';
import { Queues } from './qs/queues.ts';
import { readSecrets, type Secrets } from './secrets.ts';
import { afterCommit } from './store/after-commit.ts';
import { placeOf } from './store/place.ts';
import { openStore, type Store } from './store/store.ts';
import { Writer } from './store/writer.ts';
import { startWork } from './work.ts';
import { WORLD, type World } from './world.ts';

export interface HomeserverOptions {
  readonly site: Site;
  readonly log: Logger;
  /** Folder of the built web application. */
  readonly webRoot?: string;
  readonly world?: World;
  /** For tests: an answer to a client is not what the reference says. */
  readonly onUntold?: (complaint: string) => void;
  /** For tests: shorter times than people get. */
  readonly clientSockets?: Partial<ClientSocketLimits>;
  /** For tests: push services that are none. */
  readonly pushNetwork?: PushNetwork;
  /** For tests: web servers of domains that are none. */
  readonly discoveryWeb?: DiscoveryOptions['web'];
  /** For tests: a network between homeservers that repeats and loses. */
  readonly peerNetwork?: PeerNetwork;
}

export interface RunningHomeserver {
  readonly ports: { readonly client: number; readonly federation: number; readonly admin: number };
  /** An administrator's act. @throws HawserError HOME_HANDLE_TAKEN, HOME_EMAIL_TAKEN */
  createAccount(account: NewAccount): Promise<Account>;
  /** Whether the SFT of the domain is connected. */
  readonly isSftConnected: boolean;
  /** Ends every connection, finishes what is being written, and leaves nothing behind. */
  close(): Promise<void>;
}

/** @throws SiteError, StartError, StoreError */
export async function startHomeserver(options: HomeserverOptions): Promise<RunningHomeserver> {
  const { site, webRoot, world = WORLD, onUntold, clientSockets, pushNetwork, discoveryWeb, peerNetwork } = options;
  const log = discreet(options.log);
  const logLevel = new LogLevel(log, world.now);
  // Whatever was opened before something failed is closed again.
  await using opened = new AsyncDisposableStack();
  opened.defer(() => logLevel.close());

  await mkdir(site.data, { recursive: true, mode: 0o700 });
  const store = await openStore(await placeOf(site), { onTrouble: (sentence) => log.warn(sentence) });
  opened.defer(() => store.close());
  const trust = await openTrust({
    site,
    role: 'homeserver',
    onTrouble: (sentence) => log.warn(sentence),
    onRefused: ({ code, domain, wasOpen }) => {
      parts.metrics.connectionsRefused.inc({ code });
      if (domain !== undefined) parts.noteRefusal(domain, code);
      log.warn({ code, claimed: domain, wasOpen }, 'connection refused');
      audit.note({ kind: 'refusal', domain, code, detail: 'dialled' });
    },
    onReached: ({ domain, role }, ends) => {
      if (role === 'homeserver') parts.peersStatus.noteCertificate(domain, ends);
    },
  });
  opened.defer(() => trust.close());
  const key = await readTicketSigningKey(site.certificates.tickets.privateKey);
  const deviceAuthority = await DeviceAuthority.open(site.domain, site.certificates.devices, (sentence) =>
    log.warn(sentence),
  );
  opened.defer(() => deviceAuthority.close());
  const { tls } = site.homeserver.client;
  const browserTls =
    tls &&
    (await BrowserTls.open(tls, {
      onTrouble: (sentence) => log.warn(sentence),
      onRenewed: (ends) => log.info({ ends: new Date(ends).toISOString() }, 'browsers are shown a new certificate'),
    }));
  opened.defer(() => browserTls?.close());
  const peerKeys = await PeerKeys.open({
    ...{ store, world },
    fetch: (domain) => parts.peerClient.keys(domain),
    onWaiting: (peer, prints) => {
      log.warn({ peer, prints }, 'another domain came back with other keys: hawser peers accept-keys confirms them');
      audit.note({ kind: 'key-waits', domain: peer, code: 'FED_KEY_WAITS', detail: prints.join(' ') });
    },
    onAccepted: (peer, prints) => {
      log.info({ peer, prints }, 'an administrator confirmed the new keys of another domain');
      audit.note({ kind: 'key-accepted', domain: peer, detail: prints.join(' ') });
    },
  });
  const authorities = await Authorities.open(
    { store, world, domain: site.domain, own: deviceAuthority, others: peerKeys.of },
    (error) => parts.onFault(error),
  );
  opened.defer(() => authorities.close());
  const signer = await openHubSigner(store.db);
  const writer = new Writer(store);
  const queues = await Queues.open({
    ...{ store, writer, world },
    onLoud: (audience, sender) => push.said(audience, sender),
    onMissed: (device) => push.wake(device, 'message'),
    onCommitted: (audience, { position, payload }) => feeds.committed(audience, position, payload.length),
    onFault: (error) => parts.onFault(error),
  });
  const audit = await Audit.open({
    ...{ store, writer, world, folder: site.data },
    onFault: (error) => parts.onFault(error),
  });
  opened.defer(() => writer.idle());
  opened.defer(() => audit.close());
  opened.defer(() => queues.close());
  const secrets = await readSecrets(site.certificates.tickets.privateKey);
  const relays = await openRelays(site, secrets.relays, world, (sentence) => log.warn(sentence));
  opened.defer(() => relays.close());
  const opening = await openFederation({
    ...{ domain: site.domain, store, writer, world, queues, audit, log, signingSecret: secrets.signing },
    composed: () => parts,
    defer: (close) => opened.defer(close),
    onFault: (error) => parts.onFault(error),
  });
  const { feeds } = opening;
  const pushKey = await openPushKey(store.db, secrets.push, world);
  const push = await Push.open({
    db: store.db,
    world,
    key: pushKey.publicKey,
    services: site.homeserver.pushServices,
    send: pushSender({
      key: pushKey,
      // The page of this organisation is where somebody at a push service finds whom to talk to.
      subject: `https://${new URL(site.homeserver.client.url).hostname}`,
      ...(pushNetwork && { network: pushNetwork }),
    }),
    isConnected: (device) => queues.isConnected(device),
    onSent: (result) => parts.metrics.pushSent.inc({ result }),
    onFault: (error) => parts.onFault(error),
  });
  opened.defer(() => push.close());
  const { mail } = site.homeserver;
  const transport = mail && (await smtpTransport(mail));
  const files = await openAssetStore(site);
  const parts: Parts = build({
    ...{ site, log, world, store, trust, key, deviceAuthority, authorities, peerKeys, signer, writer, queues, push },
    relays,
    ...{ secrets, transport, files, audit, opening, discoveryWeb, peerNetwork, browserTls },
  });
  opened.defer(() => parts.metrics.close());
  opened.defer(() => parts.groups.close());
  opened.defer(() => parts.mail?.close());
  opened.defer(() => parts.journal.idle());
  opened.defer(() => parts.outbox.close());
  opened.defer(() => parts.submissions.close());
  await parts.submissions.start();
  opened.defer(() => parts.guests.close());
  opened.defer(() => parts.names.close());
  opened.defer(() => parts.departures.close());
  opened.defer(() => parts.refusals.close());
  opened.defer(() => parts.partings.close());

  const doors = { site, log, world, webRoot, onUntold, clientSockets };
  const federation = await serveFederation(doors, parts);
  opened.defer(() => federation.close());
  const client = await serveClients(doors, parts);
  opened.defer(() => client.close());
  const admin = await serveAdmin(doors, parts, logLevel);
  opened.defer(() => admin.close());

  // WebSockets first: a server is closed when its last connection is.
  opened.defer(() => parts.sft.close());
  opened.defer(() => parts.events.close());
  opened.defer(startWork(parts));
  log.info({ domain: site.domain, client: client.port, federation: federation.port, admin: admin.port }, 'started');
  const running = opened.move();
  return {
    ports: { client: client.port, federation: federation.port, admin: admin.port },
    createAccount: (account) => parts.people.administration.add(account),
    get isSftConnected() {
      return parts.sft.isConnected;
    },
    close: () => running.disposeAsync(),
  };
}

/** What the doors and the background work are made of. */
export type Parts = ReturnType<typeof build>;

interface Ground {
  readonly site: Site;
  readonly log: Logger;
  readonly world: World;
  readonly store: Store;
  readonly trust: Trust;
  /** Undefined where a reverse proxy ends TLS of browsers, or nobody does. */
  readonly browserTls: BrowserTls | undefined;
  readonly key: CryptoKey;
  readonly deviceAuthority: DeviceAuthority;
  readonly authorities: Authorities;
  readonly peerKeys: PeerKeys;
  readonly signer: PublicSigner;
  readonly writer: Writer;
  readonly queues: Queues;
  readonly push: Push;
  readonly secrets: Secrets;
  readonly relays: RelayOffice;
  /** Undefined where the site names no mail server. */
  readonly transport: Transport | undefined;
  readonly files: AssetStore;
  readonly audit: Audit;
  /** What is kept of other domains. */
  readonly opening: OpenFederation;
  readonly discoveryWeb: DiscoveryOptions['web'];
  readonly peerNetwork: PeerNetwork | undefined;
}

function build(ground: Ground) {
  const { site, log, world, store, trust, key, deviceAuthority, authorities, signer, writer, queues } = ground;
  const { push, relays, secrets, transport, files, audit, peerKeys } = ground;
  const { opening, discoveryWeb, peerNetwork, browserTls } = ground;
  const { domain } = site;
  const { db } = store;
  const account = (user: UserId): Promise<Account | undefined> => findAccount(db, user);
  const onFault = (error: unknown, id?: string): void => {
    metrics.faults.inc();
    log.error({ err: error, id }, 'fault');
  };

  const sessions = new Sessions(store, domain, world, (session) => events.endSession(session));
  const devices = new Devices({
    store,
    world,
    authority: deviceAuthority,
    onCreated: async (tx, user, device) => {
      await queues.create(tx, device.device);
      await alertOf(tx, mail, user, device);
    },
    onAdded: (user, device) => {
      mail?.wake();
      events.tell(user, { type: 'deviceAdded', device });
    },
    onRemoved: async (user, device, ended) => {
      for (const session of ended) events.endSession(session);
      events.tell(user, { type: 'deviceRemoved', device });
      await authorities.renew();
      await groups.removeDevice(device);
      await federation.tellGone(device);
      // Last: as long as there is a queue, the rest is done again after a crash.
      await queues.remove(device);
    },
    onFault,
  });
  const credentials = new MlsCredentials(authorities.of);
  const keyPackages = new KeyPackages({
    store,
    world,
    credentials,
    onFew: (device, left) => events.tell(userOfDevice(device), { type: 'keyPackagesLow', left }, device),
  });
  const mail =
    transport &&
    new Postman({
      db,
      key: secrets.mail,
      sender: { domain, url: new URL(site.homeserver.client.url).origin },
      transport,
      world,
      onFailed: (failure) => {
        metrics.mailFailed.inc({ code: failure.code });
        log.warn({ ...failure }, 'an e-mail was not taken by the mail server of homeserver.mail.url');
      },
      onFault,
    });
  const people = makePeople({
    site,
    store,
    world,
    secrets,
    sessions,
    mail,
    hooks: {
      onPasswordChanged: (user, keep, tx) => devices.removeOthers(tx, user, keep),
      onRenamed: async (user, tx) => afterCommit(tx, () => names.begin(user)),
      onRemoved: async (user, tx) => {
        await devices.removeOthers(tx, user, undefined);
        afterCommit(tx, () => {
          calls.putOutOfAll(user).catch(onFault);
          departures.begin(user);
        });
      },
    },
    abroad: {
      lookUp: (user) => federation.remotePeople.lookUp(user),
      tell: (to, statement) => peerClient.consent(to, statement),
      wake: (to) => outbox.wake(to),
    },
    areTogether: (one, other) => areTogether(db, one, other),
    audit,
    onConnection: (owner, connection) => events.tell(owner, { type: 'connection', connection }),
  });
  const signInAlerts = new SignInAlerts({ store, world, sessions, mail });
  const journal = new Journal(store, domain, world);
  journal.silence(blockersOf);
  const metrics = makeMetrics({
    accounts: () => countAccounts(db),
    sessions: () => sessions.count(),
    calls: () => countCalls(db),
    outbox: () => depthByDomain(db),
    feeds: () => feeds.depths(),
    mails: () => countMails(db),
    oldestMail: () => oldestMail(db),
    assets: () => assets.usage(),
    downloads: () => downloads.underWay,
    eventConnections: () => events.connections,
    isSftConnected: () => sft.isConnected,
    disk: () => diskOf(site.data),
    endings: () =>
      new Map([
        ...serverEndings(trust.credentials.current, browserTls?.expires),
        ...deviceEndings(deviceAuthority.current),
      ]),
    now: world.now,
  });
  const federation: Federation = makeFederation({
    ...{ ...opening, site, log, world, store, writer, trust, audit, metrics, journal, queues, peerKeys },
    ...{ discoveryWeb, peerNetwork, onFault },
    home: () => ({ people, groups, departures, events, assets }),
  });
  const { peerClient, feeds, outbox, submissions, partings, downloads } = federation;
  const groups = new Groups({
    ...{ store, writer, world, domain, journal, queues, credentials, signer, onFault },
    followers: feeds,
    foreign: peerKeys,
  });
  journal.join(groups.changing);
  const { mayReach } = people;
  const hub = new Hub({ db, domain, journal, others: peerClient, localPerson: account, mayReach, world });
  const send = async (asker: Asker, message: NewMessage): Promise<SentMessage> => {
    const isOwn = domainOf(message.conversation) === domain;
    const sent = await (isOwn ? groups : submissions).send(asker, message);
    metrics.messagesAccepted.inc({ hub: isOwn ? 'own' : 'other' });
    return sent;
  };
  const conversations = new Conversations({
    db,
    domain,
    journal,
    hub,
    mayReach,
    updateAtHub: (...update) => peerClient.update(...update),
  });
  const names: Names = new Names({
    ...{ db, domain, conversations, onFault },
    namesOf: (users) => namesOf(db, users),
  });
  const absent = (users: readonly UserId[]): Promise<UserId[]> => withoutAccount(db, users);
  const departures: Departures = new Departures({
    ...{ store, world, domain, conversations, onFault },
    withoutAccount: absent,
    wakeOutbox: (to) => outbox.wake(to),
  });
  const refusals: Refusals = new Refusals({ domain, conversations, mayReach, onFault });
  const grants = new Grants((...wish) => peerClient.grant(...wish), world);
  const calls = new Calls({
    domain,
    conversations,
    tickets: { store, domain, key, world },
    office: { domain, key, link: site.sft.link.url, world },
    grants,
    withoutAccount: absent,
    wakeOutbox: (to) => outbox.wake(to),
    onFault,
  });
  const guests = new Guests({
    ...{ store, domain, world, conversations, account, onFault },
    accounts: new GuestAccounts({
      ...{ store, world, sessions },
      removeDevices: async (tx, user) => {
        await devices.removeOthers(tx, user, undefined);
        afterCommit(tx, () => void calls.putOutOfAll(user).catch(onFault));
      },
    }),
  });
  const sft = new SftDoor({
    domain,
    world,
    grant: (conference) => {
      log.debug({ conference }, 'the SFT asks for a grant');
      return calls.grantForOwnSft(conference);
    },
    presence: (conference, participants) => {
      log.debug({ conference, participants: participants.length }, 'the SFT says who is there');
      return calls.presence(conference, participants);
    },
    onState: (connected) =>
      connected ? log.info('the SFT is connected') : log.warn('the SFT is not connected any more'),
    onDraining: (until) => log.info({ until: new Date(until).toISOString() }, 'the SFT takes no new calls'),
    allowed: () => calls.allowed(),
    permissions: () => calls.permissions(),
    attended: () => attended(db),
    onFault,
  });
  calls.attach(sft);
  const supervision = new Supervision({ db, domain, hub, calls, audit, isSftConnected: () => sft.isConnected });
  const assets = new Assets({ store, files, domain, rules: rulesOf(site), world });
  const events = new Events({
    domain,
    origin: new URL(site.homeserver.client.url).origin,
    authenticate: (token) => sessions.authenticate(token),
    foreignBanner: site.homeserver.foreignBanner,
    account: (user) => findHolder(db, user),
    queues,
    send,
    onClosed: ({ code }) => code !== 'normal' && metrics.clientRefusals.inc({ code }),
    onFault,
  });
  journal.subscribe(groups.changed);
  journal.subscribe(calls.changed);
  journal.subscribe(events.changed);
  journal.subscribe(guests.changed);
  journal.subscribe(names.changed);
  journal.subscribe(departures.changed);
  journal.subscribe(refusals.changed);
  journal.subscribe(partings.changed);
  journal.subscribe((change) => {
    for (const { user, event } of toldBy(change)) {
      if (event.type === 'ringing' && domainOf(user) === domain) push.ring(user).catch(onFault);
    }
  });
  journal.subscribe(federation.changed);
  return {
    ...federation,
    ...{ domain, store, trust, browserTls, account, sessions, devices, keyPackages, authorities, people, signInAlerts },
    ...{ journal, groups, hub, conversations, names, departures, refusals, signer, queues, push, send },
    ...{ grants, calls, supervision, relays, guests, sft, assets, events, mail, metrics, audit, onFault },
    office: officeOf(domain, groups, federation.relay),
  };
}
