/**
 * A media server that lies, in the middle of a call of three programs: whatever it does to what it forwards, nobody hears or sees anything but
 * what the one who is named has said or shown, in the order in which he did; and what it tried is counted.
 */
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { until } from '#homeserver/testing/world.ts';
import type { ParticipantId, SourceId } from '#signalling/ids.ts';
import { parseHeader } from './media/node/rtp.ts';
import { Epochs } from './sframe/epochs.ts';
import { IncomingFrames } from './sframe/incoming-frames.ts';
import { nodeEngine } from './sframe/node-engine.ts';
import { CallWorld } from './testing/call-world.ts';
import { Caller } from './testing/caller.ts';
import type { Meddle } from './testing/mini-sft.ts';

const honest: Meddle = (packet, _from, send) => send(packet);

let meddle: Meddle;
let world: CallWorld;
beforeAll(async () => {
  world = await CallWorld.start(undefined, (...given) => meddle(...given));
});
afterAll(() => world[Symbol.asyncDispose]());
beforeEach(() => {
  meddle = honest;
});

let friends: ReturnType<CallWorld['friends']>;

/** Alice and Bob send, and hear each other. */
async function join(name: string, url: string, handle: string): Promise<Caller> {
  const { password, conversation } = await friends;
  const caller = await Caller.join({ url, handle, password, conversation, name });
  onTestFinished(() => caller[Symbol.dispose]());
  return caller;
}

/** Alice and Bob send, and hear each other. */
async function two(): Promise<readonly [Caller, Caller]> {
  friends = world.friends();
  const { handle, bobsHandle } = await friends;
  const alice = await join('alice', world.url, handle);
  const bob = await join('bob', world.farUrl, bobsHandle);
  await alice.hears(bob);
  await bob.hears(alice);
  return [alice, bob];
}

/** Of all that anybody heard: only what the one who is named said himself, each piece once, and at its place: sound by its time, pictures as they come. */
function isTrue(...people: readonly Caller[]): void {
  for (const one of people) {
    expect(one.garbage).toEqual([]);
    for (const other of people) {
      for (const kind of ['microphone', 'camera']) {
        const heard = one.from(other.participant, kind);
        expect(heard.filter(({ name }) => name !== other.name)).toEqual([]);
        const played = kind === 'camera' ? heard : heard.toSorted((a, b) => a.timestamp - b.timestamp);
        const numbers = played.map(({ number }) => number);
        expect(numbers).toEqual([...new Set(numbers)].toSorted((a, b) => a - b));
      }
    }
  }
}

const kindsOf = ({ refused }: Caller) => new Set(refused.map(({ refusal }) => refusal));

const SLOW = { timeout: 90_000 };

test('an honest one lets everybody hear and see everybody', SLOW, async () => {
  const [alice, bob] = await two();
  isTrue(alice, bob);
  // Whoever comes in the middle of a picture waits for the next whole one.
  const seen = new Set([...kindsOf(alice), ...kindsOf(bob)]);
  expect([...seen].filter((kind) => kind !== 'incomplete' && kind !== 'unknownKey')).toEqual([]);
});

test('one that drops, repeats and reorders packets', SLOW, async () => {
  const [alice, bob] = await two();
  let count = 0;
  const held: (() => void)[] = [];
  meddle = (packet, _from, send) => {
    count += 1;
    if (count % 23 === 0) return;
    if (count % 17 === 0) return void held.push(() => send(packet));
    send(packet);
    if (count % 3 === 0) send(packet);
    if (held.length > 2) for (const late of held.splice(0).toReversed()) late();
  };
  await bob.hears(alice, 40);
  isTrue(alice, bob);
  expect(kindsOf(bob).has('repeated')).toBe(true);
});

test('one that changes what it forwards', SLOW, async () => {
  const [alice, bob] = await two();
  let count = 0;
  meddle = (packet, _from, send) => {
    count += 1;
    const changed = Buffer.from(packet);
    if (count % 2 === 0) {
      const at = changed.length - 1 - (count % 30);
      changed[at] = (changed[at] ?? 0) ^ (1 << (count % 8));
    }
    send(changed);
  };
  await until(() => bob.refused.length > 40, 'he counts them');
  isTrue(alice, bob);
  expect(kindsOf(bob).has('forged')).toBe(true);
});

test("one that sends what one says as another one's, or his voice as his picture", SLOW, async () => {
  const [alice, bob] = await two();
  const sources = new Map<string, SourceId>();
  meddle = (packet, { participant, kind, source }, send) => {
    sources.set(`${participant} ${kind}`, source);
    const other = participant === alice.participant ? bob : alice;
    send(packet);
    send(packet, sources.get(`${other.participant} ${kind}`));
  };
  await until(() => bob.refused.length + alice.refused.length > 40, 'they count them');
  isTrue(alice, bob);
  expect(kindsOf(alice).has('otherSender') || kindsOf(bob).has('otherSender')).toBe(true);
});

test('one that sends again later what was said before, also of an epoch that is over', SLOW, async () => {
  const [alice, bob] = await two();
  const kept: { packet: Buffer; source: SourceId }[] = [];
  let isReplaying = false;
  let count = 0;
  meddle = (packet, { source }, send) => {
    send(packet);
    if (!isReplaying && kept.length < 200) kept.push({ packet: Buffer.from(packet), source });
    const again = isReplaying ? kept[count++ % kept.length] : undefined;
    if (again) send(count % 2 === 0 ? again.packet : withTimeOf(packet, again.packet), again.source);
  };
  await until(() => kept.length === 200, 'it has some');
  const { handle } = await friends;
  const epoch = alice.call.roster.state?.epoch ?? 0n;
  const carol = await join('carol', world.url, handle);
  await until(() => (alice.call.roster.state?.epoch ?? 0n) > epoch, 'there are other keys');
  isReplaying = true;
  await until(() => bob.refused.length > 40, 'he counts them');
  await bob.hears(alice);
  isTrue(alice, bob, carol);
  expect(kindsOf(bob).has('repeated') || kindsOf(bob).has('reordered')).toBe(true);
});

test("one that repeats reactions, changes them, and shows them as another one's", SLOW, async () => {
  const [alice, bob] = await two();
  const { handle } = await friends;
  const carol = await join('carol', world.url, handle);
  await carol.hears(bob);
  await until(() => alice.call.roster.state?.epoch === bob.call.roster.state?.epoch, 'they have the same keys');
  const seen = ({ call }: Caller) => call.reactions.store.state.map(({ participant, sign }) => [participant, sign]);
  expect(await alice.call.reactions.react('🎉')).toBe(true);
  await until(() => seen(bob).length === 1 && seen(carol).length === 1, 'both see it');
  expect(seen(bob)).toEqual([[alice.participant, '🎉']]);

  const payload = world.sft.signals.at(-1)?.payload ?? '';
  const before = bob.refused.length;
  const say = (participant: ParticipantId, what: string) =>
    world.sft.people.get(bob.participant)?.rpc.notify('signalled', { participant, payload: what });
  say(alice.participant, payload);
  say(carol.participant, payload);
  say(bob.participant, payload);
  say(
    alice.participant,
    payload.replace(/.$/, (last) => (last === 'A' ? 'Q' : 'A')),
  );
  const refusals = () => bob.refused.slice(before).flatMap(({ kind, refusal }) => (kind === 'signal' ? [refusal] : []));
  await until(() => refusals().length === 4, 'he counts them');
  expect(refusals()).toEqual(['repeated', 'forged', 'otherSender', 'forged']);
  expect(seen(bob)).toEqual([[alice.participant, '🎉']]);
});

/** An old packet that says that it is of now: else it could be thrown away for its age alone. */
function withTimeOf(packet: Buffer, old: Buffer): Buffer {
  const other = Buffer.from(old);
  other.writeUInt32BE(packet.readUInt32BE(4), 4);
  return other;
}

test(
  'whoever was taken out reads nothing of what is sent after the tick, with all keys that he ever had',
  SLOW,
  async () => {
    const [alice, bob] = await two();
    const { handle, bob: gone, conversation } = await friends;
    const carol = await join('carol', world.url, handle);
    await carol.hears(alice);
    const captured: Buffer[] = [];
    meddle = (packet, { participant, kind }, send) => {
      send(packet);
      if (participant === alice.participant && kind === 'microphone') captured.push(Buffer.from(packet));
    };
    await until(() => captured.length > 20, 'he captures');
    const before = captured.splice(0);
    const removedAt = alice.epochs.at(-1)?.number ?? 0n;
    const without = () =>
      alice.sendsWith.find(({ epoch }) => {
        const found = alice.epochs.find(({ number }) => number === epoch);
        return epoch > removedAt && ![...(found?.participants.values() ?? [])].includes(bob.participant);
      });
    await alice.messenger.home.removeMember(conversation, gone.id);
    const { after } = await until(without, 'she sends with keys without him');
    const since = () => captured.filter((packet) => (parseHeader(packet)?.timestamp ?? 0) > after);
    await until(() => since().length >= 20, 'he captures what she sends with them');
    await carol.hears(alice, 20);
    expect(await readableWith(bob, alice.participant, before)).toBe(before.length);
    expect(await readableWith(bob, alice.participant, since())).toBe(0);
    isTrue(alice, carol);
  },
);

/** How many of captured packets of sound can be decrypted with the keys that somebody ever had. */
async function readableWith({ epochs: had }: Caller, participant: ParticipantId, packets: readonly Buffer[]) {
  const epochs = new Epochs(nodeEngine, () => 0);
  for (const epoch of had) epochs.add(epoch);
  let [count, now] = [0, 0];
  const incoming = new IncomingFrames({
    ...{ epochs, participant, kind: 'microphone', now: () => now, onRefused: () => undefined },
  });
  for (const packet of packets) {
    const header = parseHeader(packet);
    if (!header) continue;
    now += 20;
    const data = packet.subarray(header.length);
    count += (await incoming.take({ data, clear: 0, timestamp: header.timestamp })).length;
  }
  return count;
}
