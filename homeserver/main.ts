/** Composition: builds the parts of a homeserver, hands them to each other, and takes them down in the reverse order. */
import { mkdir } from 'node:fs/promises';
import type { Logger } from 'pino';
import { Credentials as MlsCredentials } from '#mls/credentials.ts';
import { type DomainName, domainOf, type UserId, userOfDevice } from '#signalling/ids.ts';
import { discreet } from '#site/log.ts';
import type { Site } from '#site/schema.ts';
import { DeviceAuthority } from '#trust/device-authority.ts';
import { readTicketSigningKey } from '#trust/tickets.ts';
import { openTrust, type Trust } from '#trust/trust.ts';
import { type Account, countAccounts, findAccount, type NewAccount, namesOf, withoutAccount } from './as/accounts.ts';
import { Authorities } from './as/authorities.ts';
import { blockersOf } from './as/connections.ts';
import { Devices } from './as/devices.ts';
import { KeyPackages } from './as/key-packages.ts';
import { makePeople } from './as/people.ts';
import { Sessions } from './as/sessions.ts';
import { Assets } from './assets/assets.ts';
import { openAssetStore } from './assets/open.ts';
import { rulesOf } from './assets/rules.ts';
import type { AssetStore } from './assets/store.ts';
import { attended, statePresence } from './calls/attendance.ts';
import { Calls } from './calls/calls.ts';
import { Grants } from './calls/grants.ts';
import { SftDoor } from './calls/sft-door.ts';
import { serveAdmin, serveClients, serveFederation } from './doors.ts';
import { toldBy } from './ds/changes.ts';
import { Conversations } from './ds/conversations.ts';
import { Departures } from './ds/departures.ts';
import { accept, endCallsOf } from './ds/follower.ts';
import { Groups } from './ds/groups.ts';
import { Hub } from './ds/hub.ts';
import { openHubSigner, type PublicSigner } from './ds/hub-signer.ts';
import { Journal } from './ds/journal.ts';
import { Names } from './ds/names.ts';
import { conversationOf, countCalls, domainsInCalls, load } from './ds/repository.ts';
import { followPeers } from './federation/follow-peers.ts';
import { Outbox } from './federation/outbox.ts';
import { depthByDomain } from './federation/outbox-table.ts';
import { PeerClient } from './federation/peer-client.ts';
import { Events } from './http/events.ts';
import type { ClientSocketLimits } from './http/limits.ts';
import { alertOf, SignInAlerts } from './mail/alerts.ts';
import { Postman } from './mail/postman.ts';
import { countMails } from './mail/queue.ts';
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
import { every } from './timers.ts';
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
  const { site, webRoot, world = WORLD, onUntold, clientSockets, pushNetwork } = options;
  const log = discreet(options.log);
  // Whatever was opened before something failed is closed again.
  await using opened = new AsyncDisposableStack();

  await mkdir(site.data, { recursive: true, mode: 0o700 });
  const store = await openStore(await placeOf(site), { onTrouble: (sentence) => log.warn(sentence) });
  opened.defer(() => store.close());
  const trust = await openTrust({
    site,
    role: 'homeserver',
    onTrouble: (sentence) => log.warn(sentence),
    onRefused: ({ code, domain, wasOpen }) => {
      parts.metrics.connectionsRefused.inc({ code });
      log.warn({ code, claimed: domain, wasOpen }, 'connection refused');
    },
  });
  opened.defer(() => trust.close());
  const key = await readTicketSigningKey(site.certificates.tickets.privateKey);
  const deviceAuthority = await DeviceAuthority.open(site.domain, site.certificates.devices, (sentence) =>
    log.warn(sentence),
  );
  opened.defer(() => deviceAuthority.close());
  const authorities = await Authorities.open({ store, world, domain: site.domain, own: deviceAuthority }, (error) =>
    parts.onFault(error),
  );
  opened.defer(() => authorities.close());
  const signer = await openHubSigner(store.db);
  const writer = new Writer(store);
  const queues = await Queues.open({
    ...{ store, writer, world },
    onLoud: (audience, sender) => push.said(audience, sender),
    onMissed: (device) => push.wake(device, 'message'),
    onFault: (error) => parts.onFault(error),
  });
  opened.defer(() => writer.idle());
  opened.defer(() => queues.close());
  const secrets = await readSecrets(site.certificates.tickets.privateKey);
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
    ...{
      site,
      log,
      world,
      store,
      trust,
      key,
      deviceAuthority,
      authorities,
      signer,
      writer,
      queues,
      push,
      secrets,
      transport,
      files,
    },
  });
  opened.defer(() => parts.metrics.close());
  opened.defer(() => parts.groups.close());
  opened.defer(() => parts.mail?.close());
  opened.defer(() => parts.journal.idle());
  opened.defer(() => parts.outbox.close());
  opened.defer(() => parts.names.close());
  opened.defer(() => parts.departures.close());

  const doors = { site, log, world, webRoot, onUntold, clientSockets };
  const federation = await serveFederation(doors, parts);
  opened.defer(() => federation.close());
  const client = await serveClients(doors, parts);
  opened.defer(() => client.close());
  const admin = await serveAdmin(doors, parts);
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
  readonly key: CryptoKey;
  readonly deviceAuthority: DeviceAuthority;
  readonly authorities: Authorities;
  readonly signer: PublicSigner;
  readonly writer: Writer;
  readonly queues: Queues;
  readonly push: Push;
  readonly secrets: Secrets;
  /** Undefined where the site names no mail server. */
  readonly transport: Transport | undefined;
  readonly files: AssetStore;
}

function build(ground: Ground) {
  const { site, log, world, store, trust, key, deviceAuthority, authorities, signer, writer, queues } = ground;
  const { push, secrets, transport, files } = ground;
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
    onConnection: (owner, connection) => events.tell(owner, { type: 'connection', connection }),
  });
  const signInAlerts = new SignInAlerts({ store, world, sessions, mail });
  const peerClient = new PeerClient({
    ...trust,
    onRequest: (peer, call, result) => metrics.federationOut.inc({ peer, call, result }),
  });
  const journal = new Journal(store, domain, world);
  journal.silence(blockersOf);
  const groups = new Groups({ store, writer, world, domain, journal, queues, credentials, signer, onFault });
  journal.join(groups.changing);
  const { mayReach } = people;
  const hub = new Hub({ db, domain, journal, others: peerClient, localPerson: account, mayReach, world });
  const acceptFrom = (from: DomainName, statement: Parameters<typeof accept>[3]) =>
    accept(journal, domain, from, statement);
  const outbox: Outbox = new Outbox({
    db,
    world,
    deliver: {
      conversation: async (to, subject) => {
        const state = await load(db, subject);
        if (state) await peerClient.notify(to, state);
      },
      departure: (_, subject) => departures.tell(subject),
      presence: async (to, subject) => {
        const conversation = await conversationOf(db, subject);
        const presence = await statePresence(db, domain, subject);
        if (conversation && presence) await acceptFrom(to, await peerClient.update(to, conversation, presence));
      },
    },
    onGivenUp: (peer, kind, code) => {
      metrics.outboxGivenUp.inc({ peer, code });
      log.warn({ peer, kind, code }, 'another domain refused for good');
    },
    onFault,
  });
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
  const grants = new Grants((...wish) => peerClient.grant(...wish), world);
  const calls = new Calls({
    domain,
    conversations,
    tickets: { store, domain, key, world },
    office: { domain, key, link: site.sft.link.url, world },
    grants,
    withoutAccount: absent,
    wakeOutbox: (to) => outbox.wake(to),
  });
  const sft = new SftDoor({
    domain,
    world,
    grant: (conference) => calls.grantForOwnSft(conference),
    presence: (conference, participants) => calls.presence(conference, participants),
    allowed: () => calls.allowed(),
    attended: () => attended(db),
    onFault,
  });
  calls.attach(sft);
  const assets = new Assets({ store, files, domain, rules: rulesOf(site), world });
  const events = new Events({
    domain,
    origin: new URL(site.homeserver.client.url).origin,
    authenticate: (token) => sessions.authenticate(token),
    account,
    queues,
    groups,
    onClosed: ({ code }) => code !== 'normal' && metrics.clientRefusals.inc({ code }),
    onFault,
  });
  journal.subscribe(groups.changed);
  journal.subscribe(calls.changed);
  journal.subscribe(events.changed);
  journal.subscribe(names.changed);
  journal.subscribe(departures.changed);
  journal.subscribe((change) => {
    for (const { user, event } of toldBy(change)) {
      if (event.type === 'ringing' && domainOf(user) === domain) push.ring(user).catch(onFault);
    }
  });
  journal.subscribe(({ before, after }) => {
    if (domainOf(after.conversation) !== domain) return;
    for (const member of [...(before?.members ?? []), ...after.members]) {
      if (member.domain !== domain) outbox.wake(member.domain);
    }
  });
  const metrics = makeMetrics({
    accounts: () => countAccounts(db),
    sessions: () => sessions.count(),
    calls: () => countCalls(db),
    outbox: () => depthByDomain(db),
    mails: () => countMails(db),
    assets: () => assets.usage(),
    eventConnections: () => events.connections,
    isSftConnected: () => sft.isConnected,
    certificateExpires: () => trust.credentials.current.expires,
    now: world.now,
  });
  return {
    domain,
    store,
    trust,
    account,
    sessions,
    devices,
    keyPackages,
    authorities,
    groups,
    queues,
    push,
    signer,
    mail,
    people,
    journal,
    peerClient,
    hub,
    outbox,
    conversations,
    names,
    departures,
    grants,
    calls,
    assets,
    sft,
    events,
    metrics,
    signInAlerts,
    acceptFrom,
    onFault,
  };
}

/** What goes on without being asked; returns how to stop it. */
function startWork(parts: Parts): () => void {
  const {
    domain,
    store,
    journal,
    trust,
    hub,
    outbox,
    grants,
    sessions,
    keyPackages,
    authorities,
    groups,
    queues,
    push,
  } = parts;
  const { mail, people, devices, departures, names, assets, sft, peerClient, signInAlerts, onFault } = parts;
  // What a process that ended, or a database that was away, left undone.
  const repair = async () => {
    await devices.finishRemovals(await queues.devices());
    await departures.sweep();
    await names.sweep();
    for (const other of await domainsInCalls(store.db)) {
      if (other !== domain && !trust.peers.allowed(other)) await dropDomain(other);
    }
  };
  const dropDomain = async (other: DomainName) => {
    grants.forgetFrom(other);
    await hub.drop(other);
    await endCallsOf(journal, store.db, other);
  };
  const stops = [
    every(1_000, () => sft.sweep(), onFault),
    every(5_000, () => hub.sweep(), onFault),
    every(10_000, () => queues.sweep(), onFault),
    every(1_000, async () => push.sweep(), onFault),
    every(600_000, () => groups.sweep(), onFault),
    every(3_600_000, () => sessions.sweep(), onFault),
    every(3_600_000, () => keyPackages.sweep(), onFault),
    every(600_000, () => authorities.sweep(), onFault),
    every(600_000, () => people.sweep(), onFault),
    every(600_000, repair, onFault),
    every(1_000, async () => mail?.wake(), onFault),
    every(60_000, () => signInAlerts.sweep(), onFault),
    every(60_000, () => assets.sweep(), onFault),
    every(24 * 3_600_000, () => assets.sweepOrphans(), onFault),
    followPeers(trust.peers, {
      onGone: (other) => {
        dropDomain(other).catch(onFault);
      },
      onAllowed: (other) => {
        outbox.retryNow(other);
        // Tells it that we are back, and leaves a warm connection.
        peerClient.greet(other).catch(() => undefined);
      },
    }),
  ];
  outbox.start().catch(onFault);
  mail?.wake();
  repair().catch(onFault);
  return () => {
    for (const stop of stops) stop();
  };
}
