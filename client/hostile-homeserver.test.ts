/**
 * Homeservers that lie about a call: one that puts a device of its own into it, one that keeps a commit from some, and one that makes two groups of
 * one. What the devices find out by themselves, what they show, and that nothing is heard by whom it was not meant for.
 */
import { beforeEach, expect, test } from 'vitest';
import type { Group } from '#mls/group.ts';
import { TestHub } from '#mls/testing/hub.ts';
import { request, type TestDevice } from '#mls/testing/world.ts';
import { toBase64Url } from '#signalling/base64.ts';
import type { ParticipantId } from '#signalling/ids.ts';
import { callCodeOf } from './device/call-code.ts';
import { lockOf, rosterOf, unexpectedIn } from './groups/call-roster.ts';
import { Epochs } from './sframe/epochs.ts';
import { IncomingFrames, type Refusal, WAIT_MS } from './sframe/incoming-frames.ts';
import { leafBitsOf } from './sframe/key-id.ts';
import { nodeEngine } from './sframe/node-engine.ts';
import { OutgoingFrames } from './sframe/outgoing-frames.ts';
import { LASTING_MS, Unreadable } from './sframe/unreadable.ts';

const named = (byte: number) => toBase64Url(new Uint8Array(16).fill(byte)) as ParticipantId;

/** A device in a call: its group, and what encrypts its sound. */
class Caller {
  readonly device: TestDevice;
  readonly epochs = new Epochs(nodeEngine, () => this.now);
  readonly refused: Refusal[] = [];
  now = 0;
  readonly #outgoing = new OutgoingFrames(this.epochs, { number: 0, kind: 'microphone', layer: 0 });
  readonly #incoming = new Map<ParticipantId, IncomingFrames<{ data: Uint8Array; clear: number; timestamp: number }>>();
  #timestamp = 0;

  constructor(device: TestDevice) {
    this.device = device;
  }

  get group(): Group {
    return this.device.group;
  }

  get participant(): ParticipantId {
    return this.group.participants.get(this.group.leafIndex) as ParticipantId;
  }

  /** Takes the keys of the group as it is now, and sends with them. */
  async follow(): Promise<void> {
    const { epoch: number = 0n, leafIndex: leaf, participants, treeWidth } = this.group;
    const baseKey = await this.group.export('SFrame 1.0 Base Key', new Uint8Array(), 16);
    this.epochs.add({ number, baseKey, leafBits: leafBitsOf(treeWidth), leaf, participants });
    this.epochs.sendWith(number);
  }

  async say(words: string) {
    this.#timestamp += 960;
    const data = await this.#outgoing.seal({ data: new TextEncoder().encode(words), clear: 0 });
    return { from: this.participant, data, timestamp: this.#timestamp };
  }

  async hear({ from, data, timestamp }: Awaited<ReturnType<Caller['say']>>): Promise<string[]> {
    if (!data) return [];
    const incoming =
      this.#incoming.get(from) ??
      new IncomingFrames({
        ...{ epochs: this.epochs, participant: from, kind: 'microphone', now: () => this.now },
        onRefused: (refusal) => this.refused.push(refusal),
      });
    this.#incoming.set(from, incoming);
    return (await incoming.take({ data, clear: 0, timestamp })).map((each) => new TextDecoder().decode(each.data));
  }

  code(): Promise<string> {
    return callCodeOf(this.group.epochAuthenticator);
  }
}

let hub: TestHub;
let alice: Caller;
let bob: Caller;
let carol: Caller;

beforeEach(async () => {
  hub = await TestHub.make();
  const devices = await hub.world.devices('alice/laptop', 'bob@beta/phone', 'carol/laptop');
  for (const [at, device] of devices.entries()) device.keys = { ...device.keys, participant: named(at + 1) };
  await hub.world.group(...devices);
  await hub.follow(devices[0]);
  [alice, bob, carol] = devices.map((device) => new Caller(device)) as [Caller, Caller, Caller];
  for (const caller of [alice, bob, carol]) await caller.follow();
  expect(await bob.hear(await alice.say('Ahoy'))).toEqual(['Ahoy']);
  expect(new Set([await alice.code(), await bob.code(), await carol.code()]).size).toBe(1);
});

test('one that makes two groups of one: neither half reads the other, says so, and the codes differ', async () => {
  // Of two commits of one epoch each half is told the other one.
  const ofAlice = await alice.group.commit({}, request());
  const ofBob = await bob.group.commit({}, request());
  await alice.group.accepted(ofAlice.id);
  await carol.group.receive(ofAlice.commit);
  await bob.group.accepted(ofBob.id);
  for (const caller of [alice, bob, carol]) await caller.follow();
  expect(await carol.hear(await alice.say('one half'))).toEqual(['one half']);
  const unreadable = new Unreadable();
  for (let at = 0; at <= LASTING_MS; at += 1_000) {
    expect(await bob.hear(await alice.say('for one half'))).toEqual([]);
    expect(await alice.hear(await bob.say('for the other half'))).toEqual([]);
    unreadable.note(
      alice.participant,
      { forged: bob.refused.splice(0).filter((kind) => kind === 'forged').length },
      at,
    );
  }
  expect([...unreadable.at(LASTING_MS)]).toEqual([alice.participant]);
  expect(new Set(alice.refused)).toEqual(new Set(['forged']));
  expect(await alice.code()).toBe(await carol.code());
  expect(await alice.code()).not.toBe(await bob.code());
});

test('one that keeps a removal from somebody: he hears nothing more of those who know of it, and they nothing of him', async () => {
  const removal = await alice.group.commit({ remove: [carol.device.id] }, request());
  await alice.group.accepted(removal.id);
  await alice.follow();
  // Bob is not told, and goes on with Carol.
  expect(await bob.hear(await carol.say('still here'))).toEqual(['still here']);
  expect(await bob.hear(await alice.say('without Carol'))).toEqual([]);
  expect(await carol.hear(await alice.say('without Carol'))).toEqual([]);
  bob.now += WAIT_MS;
  await bob.hear(await alice.say('without Carol'));
  expect(bob.refused).toContain('unknownKey');
  // For a while what was under way is heard; then nothing of those who do not follow.
  alice.now += 10_001;
  expect(await alice.hear(await bob.say('who is there?'))).toEqual([]);
  expect(await alice.code()).not.toBe(await bob.code());
});

test('one that puts a device into it: it is listed, the lock says so, and whoever compared the person sends it nothing', async () => {
  const before = await rosterOf(alice.group);
  const compared = new Map(before.devices.map(({ device, fingerprint }) => [device, fingerprint]));
  expect(lockOf(before, compared, alice.device.id)).toBe('verified');
  // Beta's homeserver certifies what it likes as a device of its own people.
  const fake = await hub.world.device('bob@beta/fake');
  fake.keys = { ...fake.keys, participant: named(9) };
  const commit = await fake.joinExternally(alice.device);
  for (const caller of [alice, bob, carol]) await caller.group.receive(commit);
  const roster = await rosterOf(alice.group);
  expect(roster.devices.map(({ device }) => device)).toContain(fake.id);
  expect(lockOf(roster, compared, alice.device.id)).toBe('encrypted');
  expect(unexpectedIn(roster.devices, compared, alice.device.id).map(({ device }) => device)).toEqual([fake.id]);
  // As the page and the SDK do it: nothing is sent before somebody has decided, with new keys or with old ones.
  alice.epochs.hold();
  expect((await alice.say('a secret')).data).toBeUndefined();
  // It is shown to Bob too: a device of his own that he does not know.
  const ofBob = new Map(before.devices.map(({ device, fingerprint }) => [device, fingerprint]));
  expect(unexpectedIn((await rosterOf(bob.group)).devices, ofBob, bob.device.id).map(({ device }) => device)).toEqual([
    fake.id,
  ]);
});
