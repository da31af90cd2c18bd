/** Opens what a homeserver keeps on disk of other domains, before anything is composed that uses it. */
import type { Logger } from 'pino';
import type { DomainName } from '#signalling/ids.ts';
import type { Auditor } from '../audit/audit.ts';
import type { Metrics } from '../metrics.ts';
import type { Queues } from '../qs/queues.ts';
import type { Store } from '../store/store.ts';
import type { Writer } from '../store/writer.ts';
import type { World } from '../world.ts';
import type { Federation } from './compose.ts';
import { Feeds } from './feed.ts';
import { FeedsTaken } from './feed-taking.ts';
import { underWay } from './parting-table.ts';
import { PeerAges } from './peer-ages.ts';
import { SigningKeys } from './signing-keys.ts';
import { tellUndelivered } from './undelivered.ts';

export interface OpeningOptions {
  readonly domain: DomainName;
  readonly store: Store;
  readonly writer: Writer;
  readonly world: World;
  readonly queues: Queues;
  readonly audit: Auditor;
  readonly log: Logger;
  /** Encrypts the keys that sign requests. */
  readonly signingSecret: Buffer;
  /** What is made of this afterwards. Asked for when something happens, never while this is opened. */
  readonly composed: () => Composed;
  /** Called with how to close each thing, as soon as it is open. */
  readonly defer: (close: () => void | Promise<void>) => void;
  readonly onFault: (error: unknown) => void;
}

type Composed = Pick<
  Federation,
  'isAllowed' | 'peerClient' | 'acceptFrom' | 'equivocated' | 'noteMessages' | 'outbox' | 'submissions'
> & {
  readonly metrics: Metrics;
};

export interface OpenFederation {
  readonly feeds: Feeds;
  readonly feedsTaken: FeedsTaken;
  readonly signingKeys: SigningKeys;
  readonly peerAges: PeerAges;
  /** Domains that are refused until the parting with them has ended. */
  readonly partingWith: readonly DomainName[];
}

/** @throws StoreError */
export async function openFederation(options: OpeningOptions): Promise<OpenFederation> {
  const { domain, store, writer, world, queues, audit, log, signingSecret, composed, defer, onFault } = options;
  const feeds = await Feeds.open({
    ...{ store, writer, world, order: queues.id, onFault },
    isAllowed: (peer) => composed().isAllowed(peer),
    send: (peer, feed) => composed().peerClient.feed(peer, feed),
    mayForget: (groups) => queues.mayForget(groups),
    onDropped: (tx, peer, messages) => {
      log.warn({ peer, messages: messages.length }, 'another domain was away for too long and does not get messages');
      return tellUndelivered(tx, queues, peer, messages, world.now());
    },
    onRestored: (peer) => composed().outbox.wake(peer),
    onDelivered: (peer, count) => composed().noteMessages(peer, 'out', count),
  });
  defer(() => feeds.close());
  const feedsTaken = await FeedsTaken.open({
    ...{ store, writer, world, queues, domain },
    accept: (hub, statement) => composed().acceptFrom(hub, statement),
    ownMessagesArrived: (tx, messages) => composed().submissions.ownMessagesArrived(tx, messages),
    // What a device is told of its message names the place of that message.
    isAwaited: () => true,
    onMessages: (peer, count) => composed().noteMessages(peer, 'in', count),
    onDropped: (peer, code) => {
      composed().metrics.feedDropped.inc({ peer, code });
      log.warn({ peer, code }, 'something that another domain delivered was not taken');
      audit.note({ kind: 'dropped', domain: peer, call: 'feed', code });
    },
    onEquivocated: (peer) => {
      composed().metrics.feedDropped.inc({ peer, code: 'FED_EQUIVOCATED' });
      composed().equivocated(peer, 'feed');
    },
  });
  defer(() => feedsTaken.close());
  const signingKeys = await SigningKeys.open({
    ...{ store, world, secret: signingSecret },
    onNew: (id) => audit.note({ kind: 'changed', domain, detail: `signing key ${id}` }),
  });
  const peerAges = await PeerAges.open(store.db, world);
  const partingWith = await underWay(store.db);
  return { feeds, feedsTaken, signingKeys, peerAges, partingWith };
}
