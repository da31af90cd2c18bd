/**
 * What goes over the wires of a call, and what of it anybody could read who records all of it: two browsers of two organisations, of which
 * one films and plays a marker that is known, with whole homeservers and SFTs between them. tcpdump records each packet on the ports of
 * both SFTs, on the link and the trunk between them, and on the doors of the homeservers, from before they start. The marker, names, what was
 * written and the keys of each epoch are looked for in it, once as it is, and once without TLS and SRTP, as the servers have it; with the keys of
 * a device that is in the call, the marker is there. Then one is taken out, and a second recording shows that he reads nothing of what crosses the trunk from then on.
 */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { onLoopback } from '#bench/people/person.ts';
import { type Browser, openBrowser } from '#cli/demo/browser.ts';
import { joinCall, leaveCall, signIn, startCall } from '#cli/demo/page.ts';
import type { Places } from '#cli/demo/places.ts';
import { testPlaces } from '#cli/demo/testing-places.ts';
import { CONVERSATION_TITLE, startTrial, type Trial } from '#cli/demo/trial.ts';
import { ensureTcpdump } from '#cli/setup/tcpdump.ts';
import { Account } from '#client/account.ts';
import { dialWebSocket } from '#client/dial.ts';
import { takeSound, vp8Frames } from '#client/media/node/frames.ts';
import { isMedia, isRtcp, parseHeader } from '#client/media/node/rtp.ts';
import { Messenger } from '#client/messenger.ts';
import type { Epoch } from '#client/sframe/epochs.ts';
import { Caller } from '#client/testing/caller.ts';
import { MemoryVault } from '#client/vault/memory.ts';
import { tickOf } from '#signalling/groups.ts';
import { type ConversationId, type ParticipantId, userIdOf, userOfDevice } from '#signalling/ids.ts';
import { PAYLOAD } from '#signalling/media-profile.ts';
import { LINK_PATH } from '#signalling/sft-link.ts';
import { until } from '#signalling/testing.ts';
import { buildWeb } from './build.ts';
import {
  decrypted,
  type Frame,
  formsOf,
  markedPictures,
  opened,
  toneIn,
  withoutSecret,
  writeMarker,
} from './testing/marker.ts';
import { type Connection, connectionsIn } from './testing/wire/connections.ts';
import { LinkTalk } from './testing/wire/link-talk.ts';
import type { Packet } from './testing/wire/pcap.ts';
import { Recording } from './testing/wire/recording.ts';
import { type OpenedRtp, TrunkOpener } from './testing/wire/srtp.ts';
import { isTls, openTls, readKeyLog } from './testing/wire/tls.ts';
import { messagesIn, pathOfWebSocket } from './testing/wire/websocket.ts';

const WORDS = 'the red anchor lies under the third bridge';
/** Of the device of the test. */
const DEVICE = 'lighthouse';
/** Pictures and pieces of sound that are to cross the trunk with keys that the test has. */
const [PICTURES, SOUNDS] = [100, 200];
const MEDIA_PORTS = 4;

// It is said and not hidden: without the right to record there is nothing to look at.
const tcpdump = await ensureTcpdump().catch((error: Error) => {
  console.warn(`What goes over the wires is not looked at. ${error.message}`);
  return undefined;
});

describe.skipIf(tcpdump === undefined)('on the wires of a call of two organisations', () => {
  const undo = new AsyncDisposableStack();
  let trial: Trial;
  let alice: Browser;
  let bob: Caller;
  /** Taken out of it in the end. */
  let carol: Caller;
  let alicesName: ParticipantId;
  let packets: readonly Packet[];
  /** As they were on the wire. */
  let connections: readonly Connection[];
  /** The same without TLS. */
  let read: readonly Connection[];
  let link: LinkTalk;
  /** Of the trunk, without SRTP. */
  let media: readonly OpenedRtp[];
  /** The same of what was sent after the tick in which Carol was taken out. */
  let later: readonly OpenedRtp[];
  let written: ReadonlyMap<string, Buffer>;

  beforeAll(async () => {
    await buildWeb();
    const folder = await mkdtemp(join(tmpdir(), 'hawser-wire-'));
    undo.defer(() => rm(folder, { recursive: true, force: true }));
    const marker = await writeMarker(folder);
    const places = await testPlaces('alpha', 'beta');
    const file = join(folder, 'wire.pcap');
    const ports = Object.values(places).flatMap(recordedPorts);
    const recording = undo.use(await Recording.start({ program: tcpdump ?? '', file, ports }));

    // Servers write down the keys of their TLS where whoever starts them tells Node to; nothing of ours does.
    const keyLog = join(folder, 'tls.keys');
    const { NODE_OPTIONS } = process.env;
    process.env.NODE_OPTIONS = `${NODE_OPTIONS ?? ''} --tls-keylog=${keyLog}`;
    try {
      trial = await startTrial({ places, say: () => undefined, onDied: (sentence) => console.error(sentence) });
    } finally {
      if (NODE_OPTIONS === undefined) delete process.env.NODE_OPTIONS;
      else process.env.NODE_OPTIONS = NODE_OPTIONS;
    }
    undo.defer(() => trial.stop());

    const open = async (devices: Parameters<typeof openBrowser>[0]) => {
      const browser = await openBrowser(devices);
      undo.defer(() => browser.close());
      return browser;
    };
    const [hers, his] = await Promise.all([open({ clip: marker.film, sound: marker.sound }), open({})]);
    alice = hers;
    await Promise.all([signIn(alice.page, trial.alice), signIn(his.page, trial.bob)]);
    await startCall(alice.page);
    await joinCall(his.page);
    bob = undo.use(await joinAsBob(trial));
    await bob.messenger.say(trial.conversation as ConversationId, {
      kind: 'message',
      body: { kind: 'text', text: { format: 'plain', text: WORDS } },
    });
    const administrator = undo.use(await deviceOfAlice(trial));
    carol = undo.use(await joinAsCarol(trial, administrator));
    alicesName = await until(() => participantAt(trial.alpha.domain), 'Alice is in the list of who can hear');
    // What she sends from now on, the test has the keys of.
    const [pictures, sounds] = [await crossed('camera'), await crossed('microphone')];
    const isEnough = async () =>
      (await crossed('camera')) > pictures + PICTURES && (await crossed('microphone')) > sounds + SOUNDS;
    await until(isEnough, 'enough of her has crossed the trunk', 40_000);
    const laterPackets = await recordedWithout(carol, administrator, join(folder, 'later.pcap'));

    // What is looked for was said, and has come to the other organisation.
    await leaveCall(alice.page);
    await alice.page.getByText(WORDS).first().waitFor();

    written = await filesIn(trial.folder);
    packets = await recording.stop();
    await his.close();
    bob[Symbol.dispose]();
    carol[Symbol.dispose]();
    connections = connectionsIn(packets);
    const log = readKeyLog(await readFile(keyLog, 'utf8'));
    read = connections.map((each) => (isTls(each) ? openTls(each, log) : each));
    link = LinkTalk.of(read.filter((each) => pathOfWebSocket(each) === LINK_PATH));
    const openers = new Map([...link.keys].map(([port, key]) => [port, new TrunkOpener(key)]));
    media = openTrunk(packets, openers);
    // Recorded twice, by itself and as the end of the whole: the openers know how far each stream has come.
    later = openTrunk(laterPackets, openers);
  }, 150_000);

  afterAll(() => undo.disposeAsync());

  function joinAsBob({ bob: { handle, password }, ...of }: Trial): Promise<Caller> {
    return joinAtBeta(of, { handle, password, name: DEVICE });
  }

  async function joinAsCarol({ beta, bob: { password }, conversation }: Trial, { home }: Messenger): Promise<Caller> {
    const handle = 'carol';
    await beta.createAccount(handle, 'Carol', password);
    await home.addMember(conversation as ConversationId, userIdOf(beta.domain, handle));
    return joinAtBeta({ beta, conversation }, { handle, password, name: 'buoy' });
  }

  function joinAtBeta(
    { beta, conversation: id }: Pick<Trial, 'beta' | 'conversation'>,
    who: { readonly handle: string; readonly password: string; readonly name: string },
  ): Promise<Caller> {
    const dial: typeof dialWebSocket = (to, ...rest) => dialWebSocket(onLoopback(to), ...rest);
    const url = `http://127.0.0.1:${beta.places.home}`;
    return Caller.join({ ...who, url, conversation: id as ConversationId, dial });
  }

  /** She administers the conversation, and her browser is busy with the call. */
  async function deviceOfAlice({ alpha, alice: { handle, password } }: Trial): Promise<Messenger> {
    const account = undo.use(new Account(`http://127.0.0.1:${alpha.places.home}`));
    await account.signIn(handle, password);
    return Messenger.open({ account, vault: new MemoryVault(), deviceName: 'Bridge' });
  }

  /** What crosses the trunk from the tick on in which somebody was taken out of the conversation. */
  async function recordedWithout(gone: Caller, { home }: Messenger, file: string): Promise<readonly Packet[]> {
    const newest = () => bob.epochs.at(-1)?.number ?? 0n;
    const before = newest();
    await home.removeMember(trial.conversation as ConversationId, userOfDevice(gone.messenger.device.id));
    await until(() => newest() > before, 'there are keys without her');
    const sendsWith = async () => BigInt((await alice.page.evaluate(() => window.hawser?.encryption?.epoch)) ?? 0);
    await until(async () => (await sendsWith()) > before, 'Alice sends with keys without her', 20_000);
    // What was on its way before has arrived by then.
    await wait(tickOf(bob.epochs.at(-1)?.participants.size ?? 0));
    const ports = [trial.alpha, trial.beta].flatMap(({ places: { trunk } }) =>
      run(trunk.from, trunk.to - trunk.from + 1),
    );
    await using recording = await Recording.start({ program: tcpdump ?? '', file, ports });
    const [pictures, sounds] = [await crossed('camera'), await crossed('microphone')];
    const isEnough = async () =>
      (await crossed('camera')) > pictures + PICTURES / 2 && (await crossed('microphone')) > sounds + SOUNDS / 2;
    await until(isEnough, 'enough of Alice has crossed the trunk without her', 40_000);
    return await recording.stop();
  }

  /** The participant of a person of this domain, as the group of the call proves it. */
  function participantAt(domain: string): ParticipantId | undefined {
    const devices = bob.call.roster.state?.devices ?? [];
    return devices.find(({ device }) => userOfDevice(device).startsWith(`mimi://${domain}/`))?.participant;
  }

  /** Packets of this kind that alpha has sent over the trunk. */
  async function crossed(kind: 'camera' | 'microphone'): Promise<number> {
    const { links } = await trial.alpha.sftState();
    const streams = links.flatMap(({ trunks }) => trunks).flatMap((trunk) => trunk.streams);
    return streams
      .filter((stream) => stream.kind === kind && stream.direction === 'out')
      .reduce((sum, stream) => sum + stream.packets, 0);
  }

  const isTrunk = ({ port }: Packet['from']) =>
    [trial.alpha, trial.beta].some(({ places: { trunk } }) => port >= trunk.from && port <= trunk.to);
  const onTrunk = (all = packets) =>
    all.filter(({ protocol, from, to }) => protocol === 'udp' && isTrunk(from) && isTrunk(to));
  const isRtp = ({ payload }: Packet) => isMedia(payload) && !isRtcp(payload);

  /** Fails where a packet of the trunk cannot be opened, or something of it is not SRTP. */
  function openTrunk(all: readonly Packet[], openers: ReadonlyMap<number, TrunkOpener>): readonly OpenedRtp[] {
    return onTrunk(all).flatMap(({ from, payload }) => {
      const opener = openers.get(from.port);
      if (isRtcp(payload)) {
        if (opener?.openRtcp(payload)) return [];
      } else {
        const packet = opener?.openRtp(payload);
        if (packet) return [packet];
      }
      throw new Error(`a packet from ${from.port}, of ${link.keys.size} keys, does not open`);
    });
  }

  /** What Alice sent, as the trunk carried it, without SRTP, by its SSRC. */
  function framesOf(kind: 'camera' | 'microphone', of = media): readonly (readonly Frame[])[] {
    const ssrcs = [...link.ssrcsOf(alicesName, kind)];
    return ssrcs.map((ssrc) => {
      const take = kind === 'camera' ? vp8Frames() : takeSound;
      const own = of.filter(({ header, payload }) => header.ssrc === ssrc && payload.length > 0);
      return own.flatMap(({ header, payload }) => take(header, payload) ?? []);
    });
  }

  /** All that crossed each of these ports, as it was on the wire, and what was said inside its WebSockets. */
  function onPorts(of: (places: Places) => readonly number[]): Buffer {
    const ports = [trial.alpha, trial.beta].flatMap(({ places }) => of(places));
    const touches = ({ from, to }: Packet) => ports.includes(from.port) || ports.includes(to.port);
    const streams = connections.filter(({ server }) => ports.includes(server.port));
    return Buffer.concat([...packets.filter(touches).map(({ payload }) => payload), ...streams.flatMap(bytesOf)]);
  }

  const NAMES = () => {
    const users = [trial.alice, trial.bob].map(({ organisation, handle }) => userIdOf(organisation.domain, handle));
    // None so short that chance would write it.
    return ['Alice', ...users, CONVERSATION_TITLE, DEVICE];
  };

  /** Those of these that are in the bytes. */
  const namesIn = (bytes: Buffer, names: readonly string[]) => names.filter((name) => bytes.includes(name));

  function expectNoSecret(bytes: Buffer): void {
    for (const form of formsOf(Buffer.from(WORDS))) expect(bytes.includes(form)).toBe(false);
    expect(bob.epochs.length).toBeGreaterThan(0);
    for (const { baseKey } of bob.epochs) for (const form of formsOf(baseKey)) expect(bytes.includes(form)).toBe(false);
  }

  test('media crossed the ports of both SFTs and the trunk, and all of it was recorded', () => {
    for (const { places } of [trial.alpha, trial.beta]) {
      const at = packets.filter(({ protocol }) => protocol === 'udp');
      const [into, out] = [
        at.filter(({ to }) => to.port === places.media),
        at.filter(({ from }) => from.port === places.media),
      ];
      expect(into.filter(isRtp).length).toBeGreaterThan(300);
      expect(out.filter(isRtp).length).toBeGreaterThan(300);
    }
    const trunk = onTrunk().filter(isRtp);
    const fromAlpha = ({ from }: Packet) =>
      from.port >= trial.alpha.places.trunk.from && from.port <= trial.alpha.places.trunk.to;
    expect(trunk.filter(fromAlpha).length).toBeGreaterThan(PICTURES + SOUNDS);
    expect(trunk.filter((each) => !fromAlpha(each)).length).toBeGreaterThan(100);
    // Nothing but STUN and DTLS was beside it that is not SRTP.
    expect(media.length).toBe(trunk.length);
  });

  test('neither names nor words nor keys are on the wires of the SFTs', () => {
    const bytes = onPorts(({ sft, link, media, trunk }) => [
      sft,
      link,
      ...run(media, MEDIA_PORTS),
      ...run(trunk.from, trunk.to - trunk.from + 1),
    ]);
    expect(bytes.length).toBeGreaterThan(1_000_000);
    expect(namesIn(bytes, NAMES())).toEqual([]);
    expectNoSecret(bytes);
    // What is said there in the clear is found: browsers speak to their SFT without TLS on one machine.
    expect(bytes.includes(alicesName)).toBe(true);
    // The keys of the trunk are there inside TLS only.
    for (const key of link.keys.values())
      for (const form of formsOf(Buffer.from(key, 'base64'))) expect(bytes.includes(form)).toBe(false);
  });

  test('neither words nor keys are on the wires of the homeservers, names at the door of people only', () => {
    const doors = onPorts(({ federation }) => [federation]);
    expect(doors.length).toBeGreaterThan(10_000);
    expect(namesIn(doors, NAMES())).toEqual([]);
    expectNoSecret(doors);
    const people = onPorts(({ home }) => [home]);
    expectNoSecret(people);
    // In the demo it is not behind TLS.
    expect(namesIn(people, NAMES())).toContain('Alice');
  });

  test('neither names nor words nor keys are in what SFTs say to each other and to their homeservers inside TLS', () => {
    const talks = read.filter(({ server }) =>
      [trial.alpha, trial.beta].some(({ places }) => server.port === places.link || server.port === places.federation),
    );
    const withSft = talks.filter((each) => pathOfWebSocket(each) !== undefined);
    const said = Buffer.concat(withSft.flatMap(bytesOf));
    expect(new Set(withSft.map(({ server }) => server.port)).size).toBeGreaterThanOrEqual(3);
    expect(said.includes(alicesName)).toBe(true);
    for (const key of link.keys.values()) expect(said.includes(key)).toBe(true);
    expect(namesIn(said, NAMES())).toEqual([]);
    expectNoSecret(said);
    // Homeservers tell each other who is in a conversation, and not what is said in it.
    const between = Buffer.concat(talks.filter((each) => pathOfWebSocket(each) === undefined).flatMap(bytesOf));
    expect(namesIn(between, NAMES())).toContain(userIdOf(trial.alpha.domain, trial.alice.handle));
    expectNoSecret(between);
  });

  test('neither names nor words nor keys are on the trunk without its SRTP', () => {
    const bytes = Buffer.concat(media.map(({ payload }) => payload));
    expect(bytes.length).toBeGreaterThan(100_000);
    expect(namesIn(bytes, NAMES())).toEqual([]);
    expectNoSecret(bytes);
  });

  test('neither words nor keys are in what homeservers and SFTs have written, to disk and log', () => {
    const whole = Buffer.concat([...written.values()]);
    expect([...written.keys()].filter((name) => name.endsWith('.log')).length).toBe(4);
    expectNoSecret(whole);
    expect(namesIn(whole, NAMES())).toContain('Alice');
    const ofSfts = [...written].flatMap(([name, data]) => (name.endsWith('sft.log') ? [data] : []));
    expect(namesIn(Buffer.concat(ofSfts), NAMES())).toEqual([]);
  });

  test('the marker is in the sound of the trunk for whoever has the keys of the call, and for nobody else', async () => {
    const sealed = onTrunk()
      .filter(isRtp)
      .flatMap(({ payload }) => rawFrame(payload, PAYLOAD.opus));
    expect(sealed.length).toBeGreaterThan(SOUNDS);
    expect(await toneIn(sealed)).toBeLessThan(0.05);
    const frames = framesOf('microphone').flat();
    expect(frames.length).toBeGreaterThan(SOUNDS);
    expect(await toneIn(frames)).toBeLessThan(0.05);
    const of = { participant: alicesName, kind: 'microphone' } as const;
    expect(await toneIn(await opened(frames, withoutSecret(bob.epochs), of))).toBe(0);
    const heard = await opened(frames, bob.epochs, of);
    expect(heard.length).toBeGreaterThan(SOUNDS / 2);
    expect(await toneIn(heard)).toBeGreaterThan(0.2);
  });

  test('the marker is in the picture of the trunk for whoever has the keys of the call, and for nobody else', async () => {
    const sealed = onTrunk()
      .filter(isRtp)
      .flatMap(({ payload }) => rawFrame(payload, PAYLOAD.vp8));
    expect(await markedPictures(alice.page, sealed.slice(0, 300))).toBe(0);
    const of = { participant: alicesName, kind: 'camera' } as const;
    let marked = 0;
    for (const frames of framesOf('camera')) {
      expect(await markedPictures(alice.page, frames)).toBe(0);
      expect(await opened(frames, withoutSecret(bob.epochs), of)).toEqual([]);
      marked += await markedPictures(alice.page, await opened(frames, bob.epochs, of));
    }
    expect(marked).toBeGreaterThan(10);
  });

  test.each(['camera', 'microphone'] as const)(
    'whoever was taken out reads nothing of a %s that crosses the trunk after the tick, with all keys that she ever had',
    async (kind) => {
      const of = { participant: alicesName, kind } as const;
      const readWith = async (keys: readonly Epoch[], packets: readonly OpenedRtp[]) => {
        const all = await Promise.all(framesOf(kind, packets).map((frames) => decrypted(frames, keys, of)));
        return all.reduce((sum, count) => sum + count, 0);
      };
      expect(await readWith(carol.epochs, media)).toBeGreaterThan(PICTURES / 4);
      const sent = framesOf(kind, later).flat().length;
      expect(sent).toBeGreaterThan(PICTURES / 8);
      expect(await readWith(carol.epochs, later)).toBe(0);
      expect(await readWith(bob.epochs, later)).toBe(sent);
    },
  );
});

/** All ports at which something of the call arrives; not those of administrators. */
function recordedPorts({ home, federation, sft, link, media, trunk }: Places): readonly number[] {
  return [home, federation, sft, link, ...run(media, MEDIA_PORTS), ...run(trunk.from, trunk.to - trunk.from + 1)];
}

function run(from: number, count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => from + index);
}

function bytesOf(connection: Connection): readonly Buffer[] {
  const { sent, received } = connection;
  const isWebSocket = pathOfWebSocket(connection) !== undefined;
  return [sent, received, ...(isWebSocket ? [...messagesIn(sent), ...messagesIn(received)] : [])];
}

/** What a packet of this type carries, as whoever has no keys would take it for a frame. */
function rawFrame(packet: Buffer, payloadType: number): readonly Frame[] {
  const header = parseHeader(packet);
  if (header?.payloadType !== payloadType) return [];
  return [{ data: packet.subarray(header.length), timestamp: header.timestamp }];
}

async function filesIn(folder: string): Promise<ReadonlyMap<string, Buffer>> {
  const found = new Map<string, Buffer>();
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) found.set(path.slice(folder.length), await readFile(path));
  }
  return found;
}
