/** A member of a group, whichever implementation is behind it: what it is told and what it gives are bytes of RFC 9420. */

export interface Wishes {
  /** Key packages, as MLSMessages. */
  readonly add?: readonly Uint8Array[];
  /** Names of members. */
  readonly remove?: readonly string[];
}

/** MLSMessages; the commit counts at once, because nobody contests it. */
export interface Made {
  readonly commit: Uint8Array;
  readonly welcome: Uint8Array | undefined;
  /** With the tree, and with the key for external commits. */
  readonly groupInfo: Uint8Array;
}

export type Heard =
  | { readonly kind: 'message'; readonly content: Uint8Array; readonly sender: string }
  | { readonly kind: 'epoch' }
  | { readonly kind: 'proposal' }
  /** A commit without this member. */
  | { readonly kind: 'removed' };

export interface Shown {
  readonly epoch: number;
  /** Names, sorted. */
  readonly members: readonly string[];
  /** RFC 9420, section 8.5: 32 bytes, with the label "exporter" and no context. */
  readonly exported: Uint8Array;
}

export interface Member {
  /** Alone in a new group. @param hubKey Ed25519, 32 bytes: of the external sender that the group names */
  create(hubKey?: Uint8Array): Promise<void>;
  keyPackage(): Promise<Uint8Array>;
  /** With nothing it renews its keys, and takes up what the hub proposed. */
  commit(wishes: Wishes): Promise<Made>;
  join(welcome: Uint8Array): Promise<void>;
  /** By an external commit, in the place of the leaf that this member has where it is one. */
  joinExternally(groupInfo: Uint8Array): Promise<Made>;
  receive(message: Uint8Array): Promise<Heard>;
  send(content: Uint8Array): Promise<Uint8Array>;
  show(): Promise<Shown>;
}

/** The ciphersuite, the group and the name of the hub are the same for both. */
export const GROUP_ID = 'mimi://alpha.example/g/AAECAwQFBgcICQoLDA0ODw';

/** A name as core-crypto writes it: user, device and domain. */
export function nameOf(number: number): string {
  const digits = number.toString(16);
  return `00000000-0000-4000-8000-${digits.padStart(12, '0')}:${digits}@alpha.example`;
}
