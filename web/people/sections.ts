/** Which people are shown under which heading, and what can be done about each. Pure. */
import { DeviceError } from '#client/failure.ts';
import type { User } from '#signalling/client-home.ts';
import type { Connection, ConnectionOperation, ConnectionState } from '#signalling/connections.ts';
import type { UserId } from '#signalling/ids.ts';

export interface Verb {
  readonly operation: ConnectionOperation;
  readonly label: string;
  /** Said when it is done. */
  readonly done: string;
}

export interface Section {
  readonly title: string;
  readonly words: string;
  readonly people: readonly Connection[];
  readonly verbs: readonly Verb[];
}

const ACCEPT: Verb = { operation: 'accept', label: 'Accept', done: 'connected' };
const IGNORE: Verb = { operation: 'ignore', label: 'Ignore', done: 'ignored' };
const TAKE_BACK: Verb = { operation: 'cancel', label: 'Take back', done: 'taken back' };
const END: Verb = { operation: 'cancel', label: 'End', done: 'not connected any more' };
const BLOCK: Verb = { operation: 'block', label: 'Block…', done: 'blocked' };
const UNBLOCK: Verb = { operation: 'unblock', label: 'Unblock', done: 'not blocked any more' };

const SECTIONS: readonly (Omit<Section, 'people'> & { readonly state: ConnectionState })[] = [
  {
    state: 'received',
    title: 'They ask to connect',
    words: 'Nobody learns whether you have ignored or blocked somebody.',
    verbs: [ACCEPT, IGNORE, BLOCK],
  },
  { state: 'sent', title: 'You have asked', words: 'They have not answered yet.', verbs: [TAKE_BACK, BLOCK] },
  {
    state: 'connected',
    title: 'Connected',
    words: 'You can write to and call each other.',
    verbs: [END, BLOCK],
  },
  { state: 'ignored', title: 'Ignored', words: 'They have asked, and wait.', verbs: [ACCEPT, BLOCK] },
  {
    state: 'blocked',
    title: 'Blocked',
    words: 'They can add you to nothing, and their calls do not ring here.',
    verbs: [UNBLOCK],
  },
];

/** Only headings under which there is somebody; people by name. */
export function sections(connections: readonly Connection[]): readonly Section[] {
  return SECTIONS.map(({ state, ...section }) => ({
    ...section,
    people: connections
      .filter((each) => each.state === state)
      .sort((a, b) => a.name.localeCompare(b.name) || (a.user < b.user ? -1 : 1)),
  })).filter(({ people }) => people.length > 0);
}

/** How many wait for an answer of this person. */
export function waiting(connections: readonly Connection[]): number {
  return connections.filter(({ state }) => state === 'received').length;
}

/**
 * Whoever can be asked.
 * @param user what was typed, parsed
 * @throws DeviceError ADDRESS_FORM, ADDRESS_OWN
 */
export function whoToAsk(user: UserId | undefined, me: Pick<User, 'user'>): UserId {
  if (user === undefined) throw new DeviceError('ADDRESS_FORM');
  if (user === me.user) throw new DeviceError('ADDRESS_OWN');
  return user;
}
