/** Client to its own homeserver: the MLS group of a conversation (RFC 9420), and what is sent to it. */
import Type, { type Static } from 'typebox';
import { Base64Url } from './base64.ts';
import { Closed } from './contract.ts';
import { HawserError } from './errors.ts';
import { ConversationId, DomainName, GroupId } from './ids.ts';
import { MAX_MESSAGE_BYTES, MAX_PAYLOAD_BYTES, Position } from './queue.ts';

/** Bytes of a ratchet tree: 1.3 kB a device, in the largest group. */
export const MAX_TREE_BYTES = 2 * 1024 * 1024;

const GroupInfo = Base64Url(64 * 1024);
const Tree = Base64Url(MAX_TREE_BYTES);
export const Epoch = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

/**
 * `POST conversations/:conversation/group`: a new group with the asking device alone in it. Of two who do so at once, the
 * second is answered HOME_GROUP_EXISTS and joins the first one's.
 */
export const NewGroup = Closed({ group: GroupId, groupInfo: GroupInfo, tree: Tree });
export type NewGroup = Static<typeof NewGroup>;

/** `GET conversations/:conversation/group`: what a device joins with by itself, in an external commit. */
export const GroupState = Closed({ group: GroupId, epoch: Epoch, groupInfo: GroupInfo, tree: Tree });
export type GroupState = Static<typeof GroupState>;

/**
 * `POST conversations/:conversation/group/joins`: a device wants to come into the group of a call, with a key package that it made for it.
 * Answered with what it joins with by itself; without, where others come or go in the same moment or many are there: then a member
 * lets in all of them by one commit, and its Welcome comes by its queue. Whoever waits for it in vain joins by himself.
 */
export const NewJoin = Closed({ keyPackage: Base64Url(16 * 1024) });
export type NewJoin = Static<typeof NewJoin>;
export const JoinAnswer = Closed({ state: Type.Optional(GroupState) });
export type JoinAnswer = Static<typeof JoinAnswer>;

/** By how many devices are in the group of a call: how often it changes at most, which is as long as a commit takes to come to all. ms */
const TICKS = [
  { upTo: 50, ms: 250 },
  { upTo: 100, ms: 500 },
  { upTo: 500, ms: 1_000 },
] as const;
const LONGEST_TICK_MS = 2_000;

/** ms */
export function tickOf(devices: number): number {
  return TICKS.find(({ upTo }) => devices <= upTo)?.ms ?? LONGEST_TICK_MS;
}

/** `GET conversations/:conversation/group/trees/:epoch`: the tree to a Welcome, for an hour. */
export const GroupTree = Closed({ tree: Tree });
export type GroupTree = Static<typeof GroupTree>;

/**
 * `POST conversations/:conversation/group/commits`. The hub takes one for each epoch; whoever comes later is answered
 * MLS_EPOCH_PAST with the epoch that there is, and finds the one that won in its queue. The own one comes there too, under its id.
 */
export const NewCommit = Closed({
  /** Of the request, fresh: 8 to 64 characters. The same again is answered the same. */
  id: Type.String({ minLength: 8, maxLength: 64, pattern: '^[A-Za-z0-9_-]+$' }),
  commit: Base64Url(MAX_PAYLOAD_BYTES),
  /** Where devices are added. */
  welcome: Type.Optional(Base64Url(MAX_PAYLOAD_BYTES)),
  /** Of the epoch that the commit makes, without the tree. */
  groupInfo: GroupInfo,
});
export type NewCommit = Static<typeof NewCommit>;

/** Another commit was first: the one that made `epoch`, and perhaps others before it. */
export class StaleCommit extends HawserError {
  readonly epoch: number;

  constructor(epoch: number) {
    super('MLS_EPOCH_PAST', `the group is in epoch ${epoch}`);
    this.epoch = epoch;
  }
}

/** The place of the commit in the queue, and the epoch that it made. */
export const TakenCommit = Closed({ position: Position, epoch: Epoch });
export type TakenCommit = Static<typeof TakenCommit>;

/**
 * `POST conversations/:conversation/group/turns`, without content: answered when it is the device's turn to commit. To be asked
 * after a lost race, so that of many who commit at once not all try again at once. `DELETE` gives it back unused.
 */

/** `POST messages`, and `send` over the WebSocket. */
export const NewMessage = Closed({
  conversation: ConversationId,
  /**
   * Counts the device's messages to this conversation, from 1. One that was accepted is accepted again without any effect, so
   * that a device that got no answer sends once more.
   */
  number: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
  /** An MLSMessage with a PrivateMessage (RFC 9420, section 6.3) of the current epoch or one of the two before it. */
  message: Base64Url(MAX_MESSAGE_BYTES),
  /**
   * Whether nobody needs to be woken for it: a receipt, somebody typing, a reaction. The server cannot see which of these it
   * is, and the size of a message says as much.
   */
  quiet: Type.Optional(Type.Boolean()),
});
export type NewMessage = Static<typeof NewMessage>;
/** Its place in the order of the conversation, and when the hub took it, ms since 1970. */
export const TakenMessage = Closed({ position: Position, at: Type.Integer({ minimum: 0 }) });
export type TakenMessage = Static<typeof TakenMessage>;
/**
 * It is on the disk of the device's own homeserver and waits for that of the hub, since then (ms since 1970). What becomes of it comes
 * as an entry of kind `sent` or `refused`. Those behind it may be handed in: they are passed on in order.
 */
export const WaitingMessage = Closed({ waiting: DomainName, since: Type.Integer({ minimum: 0 }) });
export type WaitingMessage = Static<typeof WaitingMessage>;
export const SentMessage = Type.Union([TakenMessage, WaitingMessage]);
export type SentMessage = Static<typeof SentMessage>;

export function isWaiting(sent: SentMessage): sent is WaitingMessage {
  return 'waiting' in sent;
}
