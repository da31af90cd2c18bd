/**
 * What a follower asks of a hub for one of its own devices: the requests of groups.ts, with who it is for. The follower has looked who
 * asks; the hub looks whether that device is of the asking domain, and decides as for its own people.
 */
import Type, { type Static } from 'typebox';
import { Closed } from './contract.ts';
import { Epoch, GroupState, NewCommit, NewGroup, NewJoin, TakenCommit } from './groups.ts';
import { DeviceId } from './ids.ts';
import { Position } from './queue.ts';

/**
 * Up to where the feed of the asking domain goes at the moment of the answer. The follower answers its device when it has that much,
 * so that nothing older comes after.
 */
const upTo = Position;

export const GroupInfoQuery = Closed({ device: DeviceId });
export const GroupInfoAnswer = Closed({ state: GroupState, upTo });
export type GroupInfoAnswer = Static<typeof GroupInfoAnswer>;

export const JoinQuery = Closed({ device: DeviceId, join: NewJoin });
/** Without a state, the feed brings the Welcome. */
export const JoinQueryAnswer = Closed({ state: Type.Optional(GroupState), upTo });
export type JoinQueryAnswer = Static<typeof JoinQueryAnswer>;

export const TreeQuery = Closed({ device: DeviceId, epoch: Epoch });

export const GroupCreation = Closed({ device: DeviceId, group: NewGroup });
export const GroupCreated = Closed({ state: GroupState, upTo });
export type GroupCreated = Static<typeof GroupCreated>;

export const CommitSubmission = Closed({ device: DeviceId, commit: NewCommit });
export const CommitAnswer = Closed({ taken: TakenCommit, upTo });
export type CommitAnswer = Static<typeof CommitAnswer>;

/** Answered within five seconds: `isTurn` false, and the follower asks again. */
export const TurnQuery = Closed({ device: DeviceId });
export const TurnAnswer = Closed({ isTurn: Type.Boolean() });

export const GoneDevices = Closed({ devices: Type.Array(DeviceId, { minItems: 1, maxItems: 100 }) });
