/** All calls between homeservers in one table: who asks whom what, and how the answer looks. The reference page is made of it. */
import type { TSchema } from 'typebox';
import { Nothing } from './contract.ts';
import { Claimed } from './devices.ts';
import {
  type FederationCall,
  GrantAnswer,
  GrantRequest,
  IdentifierAnswer,
  IdentifierQuery,
  NotifyAnswer,
  Operation,
  PeersAnswer,
  PeersQuery,
  ReachAnswer,
  Statement,
  Versions,
} from './federation.ts';
import { Feed, FeedAnswer, Submissions, SubmissionsAnswer } from './federation-feed.ts';
import {
  CommitAnswer,
  CommitSubmission,
  GoneDevices,
  GroupCreated,
  GroupCreation,
  GroupInfoAnswer,
  GroupInfoQuery,
  JoinQuery,
  JoinQueryAnswer,
  TreeQuery,
  TurnAnswer,
  TurnQuery,
} from './federation-groups.ts';
import { ConsentStatement, DomainKeys, KeyMaterialQuery, SearchAnswer, SearchQuery } from './federation-people.ts';
import { GroupTree } from './groups.ts';

export interface CallSpec {
  /** Who asks whom. */
  readonly from: 'anybody' | 'a hub to a follower' | 'a follower to a hub' | 'a domain to the anchor';
  /** Absent where it is a GET. */
  readonly question?: TSchema;
  /** Absent where the answer is a file. */
  readonly answer?: TSchema;
  /** One sentence for the reference. */
  readonly says: string;
}

const FOLLOWER = 'a follower to a hub';
const HUB = 'a hub to a follower';

export const FEDERATION_CALLS: Readonly<Record<FederationCall, CallSpec>> = {
  versions: {
    from: 'anybody',
    answer: Versions,
    says: 'Which versions a homeserver speaks. Asked before anything else.',
  },
  identifierQuery: {
    from: 'anybody',
    question: IdentifierQuery,
    answer: IdentifierAnswer,
    says: 'Somebody by his exact handle, where the policy lets the asking domain search at all.',
  },
  peersQuery: {
    from: 'anybody',
    question: PeersQuery,
    answer: PeersAnswer,
    says: 'With which of some domains the asked one does not federate, before a hub brings them together.',
  },
  update: {
    from: FOLLOWER,
    question: Operation,
    answer: Statement,
    says: 'What one of the people of the asking domain does to a conversation.',
  },
  notify: {
    from: HUB,
    question: Statement,
    answer: NotifyAnswer,
    says: 'The newest state of a conversation, whole and numbered.',
  },
  grant: {
    from: 'a domain to the anchor',
    question: GrantRequest,
    answer: GrantAnswer,
    says: 'What lets the SFT of the asking domain link to the SFT of the anchor for one conference.',
  },
  keys: { from: 'anybody', answer: DomainKeys, says: 'With what the domain signs, and what speaks for its devices.' },
  reach: {
    from: 'anybody',
    question: Nothing,
    answer: ReachAnswer,
    says: 'Whether the asked one reaches the door of the asking one, dialled anew. Asked by an administrator who looks for a fault.',
  },
  feed: {
    from: HUB,
    question: Feed,
    answer: FeedAnswer,
    says: 'Everything that is new for the devices of the asked domain, in order.',
  },
  submit: {
    from: FOLLOWER,
    question: Submissions,
    answer: SubmissionsAnswer,
    says: 'Messages of the people of the asking domain. They come back by the feed.',
  },
  createGroup: {
    from: FOLLOWER,
    question: GroupCreation,
    answer: GroupCreated,
    says: 'Makes the MLS group of a conversation, with one device of the asking domain in it.',
  },
  groupInfo: {
    from: FOLLOWER,
    question: GroupInfoQuery,
    answer: GroupInfoAnswer,
    says: 'What a device joins by itself with, in an external commit.',
  },
  join: {
    from: FOLLOWER,
    question: JoinQuery,
    answer: JoinQueryAnswer,
    says: 'A device wants to come into the group of a call: by itself, with the answered state, or with others, by a Welcome in the feed.',
  },
  tree: { from: FOLLOWER, question: TreeQuery, answer: GroupTree, says: 'The tree to a Welcome, for an hour.' },
  commit: {
    from: FOLLOWER,
    question: CommitSubmission,
    answer: CommitAnswer,
    says: 'Changes a group. The hub takes one commit for each epoch; the same id again is answered the same.',
  },
  turn: {
    from: FOLLOWER,
    question: TurnQuery,
    answer: TurnAnswer,
    says: 'Waits for the turn of a device that lost a race; answered within five seconds, also where it is not its turn yet.',
  },
  endTurn: { from: FOLLOWER, question: TurnQuery, answer: Nothing, says: 'Gives a turn back unused.' },
  goneDevices: {
    from: FOLLOWER,
    question: GoneDevices,
    answer: Nothing,
    says: 'Devices that were removed: the hub proposes to take them out of all its groups.',
  },
  keyMaterial: {
    from: 'anybody',
    question: KeyMaterialQuery,
    answer: Claimed,
    says: 'One key package of each device of somebody who is to be added.',
  },
  consent: {
    from: 'anybody',
    question: ConsentStatement,
    answer: Nothing,
    says: 'Whether somebody wants to be connected to somebody of the asked domain. Blocking and ignoring show nowhere.',
  },
  search: {
    from: 'anybody',
    question: SearchQuery,
    answer: SearchAnswer,
    says: 'People by the beginning of handle or name, as far as the policy lets the asking domain.',
  },
  proxyDownload: {
    from: 'anybody',
    says: 'The bytes of an encrypted file of the asked domain, whole or in part (Range).',
  },
};
