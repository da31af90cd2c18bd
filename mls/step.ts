/** What an operation makes of a state: the next state, what to tell, and which secrets are over once the next state is stored. */
import type { ClientState } from 'ts-mls';
import { allSecretTreeValues } from 'ts-mls/internal/secretTree.js';
import type { ErrorCode } from '#signalling/errors.ts';
import type { Identity } from './identity.ts';
import type { Member } from './members.ts';
import { dropOld } from './past.ts';
import type { GroupState } from './state.ts';

/** What came of a message, or of the answer to an own commit. */
export type Received =
  | {
      readonly kind: 'message';
      readonly epoch: bigint;
      readonly sender: Member;
      readonly content: Uint8Array;
      readonly authenticatedData: Uint8Array;
    }
  | {
      readonly kind: 'commit';
      /** The epoch that it made. */
      readonly epoch: bigint;
      readonly by: Identity;
      readonly joined: readonly Identity[];
      readonly left: readonly Member[];
      /** 'own': the one that waited; 'won': of another, while an own one waited, which is void now. */
      readonly race: 'none' | 'own' | 'won';
    }
  | { readonly kind: 'proposal' }
  /** This device is not in the group any more. */
  | { readonly kind: 'removed'; readonly by: Identity }
  /** It waits, stored, for its epoch. */
  | { readonly kind: 'waiting'; readonly epoch: bigint }
  /** It had waited, and turned out to be bad when its epoch came. */
  | { readonly kind: 'dropped'; readonly code: ErrorCode };

export interface Step {
  readonly state: GroupState;
  readonly received: readonly Received[];
  /** Not before the next state is stored: until then, the state before is the one that counts. */
  readonly wipe: readonly Uint8Array[];
}

/** Forgets epochs that are too old, as a part of every step. */
export function forgetOld(step: Step, now: number): Step {
  const { kept, dropped } = dropOld(step.state.past, now);
  if (dropped.length === 0) return step;
  const wipe = dropped.flatMap(({ data }) => [...allSecretTreeValues(data.secretTree), data.senderDataSecret]);
  return { ...step, state: { ...step.state, past: kept }, wipe: [...step.wipe, ...wipe.filter((each) => each)] };
}

/** The secrets of a state that are in neither of two others: what a new epoch, or a void commit, leaves behind. */
export function secretsOnlyIn(state: ClientState, ...others: readonly (ClientState | undefined)[]): Uint8Array[] {
  const kept = new Set(others.flatMap((other) => (other === undefined ? [] : secretsOf(other))));
  return secretsOf(state).filter((secret) => !kept.has(secret));
}

function secretsOf({ keySchedule, privatePath, secretTree }: ClientState): Uint8Array[] {
  const values = [...Object.values(keySchedule), ...Object.values(privatePath.privateKeys)];
  return [...values, ...allSecretTreeValues(secretTree)].filter((each) => each instanceof Uint8Array);
}
