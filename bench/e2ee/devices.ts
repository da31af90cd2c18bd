/** The process of devices that are in a call's group without media: the program of it, and what it can be asked. */
import { performance } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import { Account } from '#client/account.ts';
import { Messenger } from '#client/messenger.ts';
import { MemoryVault } from '#client/vault/memory.ts';
import { nodeEngine } from '#mls/node-engine.ts';
import type { CallTicket } from '#signalling/client-home.ts';
import type { ConversationId, UserId } from '#signalling/ids.ts';
import { answerCalls } from '../helper.ts';
import { inTurns } from '../people/crowd.ts';

export interface Login {
  readonly home: string;
  readonly handle: string;
  readonly password: string;
}

/** When it was in which epoch, and from when on it sent with it, as `performance.now`. */
interface Times {
  readonly known: Map<bigint, number>;
  readonly sent: Map<bigint, number>;
}

interface Seated {
  readonly messenger: Messenger;
  ticket: CallTicket | undefined;
  members: number;
  epoch: bigint;
  readonly times: Times;
}

const SETTLE_MS = 60_000;
const LOOK_MS = 5;

const devices: Seated[] = [];

const methods = {
  /** One device for each; its storage is in memory. */
  async open(logins: readonly Login[]): Promise<UserId[]> {
    const opened = await inTurns(logins, 8, async ({ home, handle, password }) => {
      const account = new Account(home);
      await account.signIn(handle, password);
      const options = { account, vault: new MemoryVault(), deviceName: 'Benchmark', keyPackages: 1 };
      return Messenger.open({ ...options, engine: nodeEngine });
    });
    for (const messenger of opened) {
      const times = { known: new Map(), sent: new Map() };
      devices.push({ messenger, ticket: undefined, members: 0, epoch: -1n, times });
    }
    return opened.map(({ device }) => device.user);
  },

  /** The first one makes a conversation with these. */
  async converse(users: readonly UserId[]): Promise<ConversationId> {
    const [first] = devices;
    if (!first) throw new Error('nobody is there');
    const { conversation } = await first.messenger.home.createConversation('Conference', [...users]);
    return conversation;
  },

  /** Resolves when all devices know of it. */
  async know(conversation: ConversationId): Promise<void> {
    const knows = ({ messenger }: Seated) =>
      messenger.home.store.state.conversations.some((each) => each.conversation === conversation);
    await until(() => devices.every(knows), 'not everybody has heard of the conversation');
  },

  /**
   * Some devices go into the call, each at a moment of its own.
   * @param withinMs the last one at the end of it
   * @returns from the first one's moment until all are in one epoch, ms; and which epoch that is
   */
  async enter({
    conversation,
    from,
    to,
    withinMs,
    inCall,
  }: {
    readonly conversation: ConversationId;
    readonly from: number;
    readonly to: number;
    readonly withinMs: number;
    /** Devices that are in the call then. */
    readonly inCall: number;
  }): Promise<{ readonly ms: number; readonly epoch: number }> {
    const some = devices.slice(from, to);
    const began = performance.now();
    const entering = some.map(async (device, at) => {
      await wait((withinMs * at) / Math.max(1, some.length - 1));
      const ticket = await device.messenger.home.startCall(conversation);
      device.ticket = ticket;
      await device.messenger.enterCall(conversation, ticket, keysOf(device));
    });
    await Promise.all(entering);
    const present = devices.filter(({ ticket }) => ticket !== undefined);
    await until(() => present.every(({ members }) => members === inCall), 'not everybody is in the group');
    const epochs = new Set(present.map(({ epoch }) => epoch));
    const [epoch = 0n] = epochs;
    await until(() => present.every((device) => device.epoch === present[0]?.epoch), 'they are in several epochs');
    const last = Math.max(...present.map((device) => device.times.known.get(device.epoch) ?? Number.NaN));
    return { ms: last - began, epoch: Number(epoch) };
  },

  /**
   * The first one takes the person of a device out of the conversation.
   * @returns from the click until all others send with keys that he does not have, ms
   */
  async remove({
    conversation,
    index,
  }: {
    readonly conversation: ConversationId;
    readonly index: number;
  }): Promise<number> {
    const [first] = devices;
    const gone = devices[index];
    if (!first || !gone) throw new Error('nobody to remove');
    const others = devices.filter((device) => device.ticket !== undefined && device !== gone);
    const { epoch } = first;
    const began = performance.now();
    await first.messenger.home.removeMember(conversation, gone.messenger.device.user);
    const sends = ({ times }: Seated) => [...times.sent].find(([number]) => number > epoch)?.[1];
    await until(() => others.every((device) => sends(device) !== undefined), 'somebody still encrypts to him');
    gone.ticket = undefined;
    return Math.max(...others.map((device) => sends(device) ?? Number.NaN)) - began;
  },
};
export type E2eeDevices = typeof methods;

function keysOf(device: Seated) {
  return {
    addEpoch: ({
      number,
      participants,
    }: {
      readonly number: bigint;
      readonly participants: ReadonlyMap<number, unknown>;
    }) => {
      device.epoch = number;
      device.members = participants.size;
      device.times.known.set(number, performance.now());
    },
    sendWith: (number: bigint) => void device.times.sent.set(number, performance.now()),
  };
}

/** @throws Error with what is not so */
async function until(isSo: () => boolean, otherwise: string): Promise<void> {
  const began = performance.now();
  while (!isSo()) {
    if (performance.now() - began > SETTLE_MS) throw new Error(`After a minute ${otherwise}.`);
    await wait(LOOK_MS);
  }
}

answerCalls(methods, () => {
  for (const { messenger } of devices) messenger[Symbol.dispose]();
});
