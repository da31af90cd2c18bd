import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { DomainName } from '#signalling/ids.ts';
import { NodeEngine, type NodePublication, type NodeSource, type NodeStream } from '../media/node/engine.ts';
import { NodeTransport } from '../media/node/transport.ts';
import { MiniSft } from '../testing/mini-sft.ts';
import { Conference } from './conference.ts';
import type { Joined } from './state.ts';

let sft: MiniSft;
beforeAll(async () => {
  sft = await MiniSft.start();
});
afterAll(() => sft.close());

async function join(name: string, domain?: DomainName) {
  const engine = new NodeEngine();
  const conference = new Conference<NodeSource, NodeStream, NodePublication>({ engine });
  onTestFinished(() => conference.close());
  await conference.join(sft.ticket(name, domain));
  return { conference, engine };
}

/** A VP8 key frame of one packet as far as its header tells; 1,000 bytes. */
function keyFrame(width: number, height: number): Buffer {
  const payload = Buffer.alloc(1000, 7);
  payload.set([0x90, 0x80, 0x01, 0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a]);
  payload.writeUInt16LE(width, 9);
  payload.writeUInt16LE(height, 11);
  return payload;
}

const joinedWith = (condition: (state: Joined<NodeStream>) => boolean) => (state: { phase: string }) =>
  state.phase === 'joined' && condition(state as Joined<NodeStream>);

describe('a conference on the Node engine', () => {
  it('carries a camera of three layers and a microphone to another person, at the layer that was wished for', async () => {
    const alice = await join('alice');
    const bob = await join('bob', 'beta.example' as DomainName);
    const wantsKeyFrame = new Set<number>();
    const camera = await alice.conference.publish('camera', {
      onKeyFrameRequest: (layer) => wantsKeyFrame.add(layer),
    });
    const microphone = await alice.conference.publish('microphone', {});
    const sending = setInterval(() => {
      const timestamp = Math.round(performance.now() * 90) >>> 0;
      for (const layer of [0, 1, 2]) {
        const payload = keyFrame(320 * 2 ** layer, 180 * 2 ** layer);
        camera?.sendRtp({ layer, payload, timestamp, marker: true });
      }
      const sound = { payload: Buffer.from('opus'), timestamp: (timestamp * 48) / 90, marker: false, audioLevel: 30 };
      microphone?.sendRtp({ ...sound, timestamp: Math.round(sound.timestamp) >>> 0 });
    }, 20);
    onTestFinished(() => clearInterval(sending));

    const state = await bob.conference.store.when<Joined<NodeStream> & typeof bob.conference.state>(
      joinedWith(
        ({ participants }) => participants[0]?.sources.filter(({ renditions }) => renditions.length > 0).length === 2,
      ),
    );
    const seen = state.participants[0];
    expect(seen).toMatchObject({ domain: 'alpha.example', foreign: false, person: { name: 'alice' } });
    expect(seen?.sources.map(({ kind, layers }) => [kind, layers])).toEqual([
      ['camera', [0, 1, 2]],
      ['microphone', [0]],
    ]);
    const picture = seen?.sources.find(({ kind }) => kind === 'camera');
    const media = picture?.renditions[0]?.media;
    if (!picture || !media) throw new Error('no picture');
    await new Promise<void>((resolve) => {
      media.onRtp = () => resolve();
    });
    media.requestKeyFrame();
    await expect.poll(() => wantsKeyFrame.size).toBeGreaterThan(0);

    bob.conference.setWish(picture.source, 720);
    await expect
      .poll(async () => (await bob.conference.quality()).map(({ counters }) => counters.width), { timeout: 8_000 })
      .toContain(1280);
    const figures = await bob.conference.quality();
    expect(figures.find(({ kind }) => kind === 'camera')?.loss).toBe(0);
    expect(figures.find(({ kind }) => kind === 'microphone')?.counters.packets).toBeGreaterThan(0);
    expect(bob.conference.timings.report.steps).toHaveProperty('joined');
  });

  it('sends only the layers that somebody watches, and begins a layer with a key frame', async () => {
    const alice = await join('alice');
    const heard: string[] = [];
    const camera = await alice.conference.publish('camera', {
      onLayers: (layers) => heard.push(`layers ${layers}`),
      onKeyFrameRequest: (layer) => heard.push(`key frame ${layer}`),
    });
    const source = await camera?.source;
    if (!camera || !source) throw new Error('not published');
    const packets = () => {
      for (const layer of [0, 1, 2]) camera.sendRtp({ layer, payload: keyFrame(320, 180), timestamp: 1, marker: true });
      return camera.sent.map((each) => each.packets);
    };
    expect(packets()).toEqual([1, 1, 1]);
    sft.wantLayers(source, [0]);
    await expect.poll(() => heard).toEqual(['layers 0']);
    expect(packets()).toEqual([2, 1, 1]);
    sft.wantLayers(source, [0, 2]);
    await expect.poll(() => heard.slice(1)).toEqual(['layers 0,2', 'key frame 2']);
    await alice.conference.setMuted('camera', true);
    expect(packets()).toEqual([2, 1, 1]);
    sft.wantLayers(source, [1]);
    await expect.poll(() => heard.slice(3)).toEqual(['layers 1', 'key frame 1']);
    expect(packets()).toEqual([2, 1, 1]);
    await alice.conference.setMuted('camera', false);
    expect(packets()).toEqual([2, 2, 1]);
    sft.wantLayers(source, []);
    await expect.poll(() => heard.at(-1)).toBe('layers ');
    expect(packets()).toEqual([2, 2, 1]);
  });

  it('says to all others what only devices can read', async () => {
    const heard: string[] = [];
    const alice = await join('alice');
    const bob = new Conference<NodeSource, NodeStream, NodePublication>({
      engine: new NodeEngine(),
      onSignalled: (participant, payload) => heard.push(`${participant} ${payload}`),
    });
    onTestFinished(() => bob.close());
    await bob.join(sft.ticket('bob'));
    bob.signal('ZnJvbSBib2I');
    alice.conference.signal('QWhveQ');
    const me = alice.conference.state.phase === 'joined' ? alice.conference.state.me : undefined;
    await expect.poll(() => heard).toEqual([`${me} QWhveQ`]);
  });

  it('shows muting, unpublishing and leaving to the others', async () => {
    const alice = await join('alice');
    const bob = await join('bob');
    const me = alice.conference.state.phase === 'joined' ? alice.conference.state.me : undefined;
    const ofAlice = (check: (kinds: string[], muted: boolean) => boolean) =>
      bob.conference.store.when(
        joinedWith(({ participants }) => {
          const entry = participants.find(({ participant }) => participant === me);
          return check(
            entry?.sources.map(({ kind }) => kind) ?? ['gone'],
            entry?.sources.some(({ muted }) => muted) ?? false,
          );
        }),
      );
    await alice.conference.publish('microphone', {});
    await ofAlice((kinds, muted) => kinds.includes('microphone') && !muted);
    await alice.conference.setMuted('microphone', true);
    await ofAlice((_, muted) => muted);
    await alice.conference.unpublish('microphone');
    await ofAlice((kinds) => kinds.length === 0);
    await alice.conference.leave();
    expect(alice.conference.state).toMatchObject({ phase: 'left' });
    expect(alice.conference.state).not.toHaveProperty('reason');
    await ofAlice((kinds) => kinds[0] === 'gone');
  });

  it('shows a raised hand to everybody, and that it was lowered', async () => {
    const alice = await join('alice');
    const bob = await join('bob');
    const me = alice.conference.state.phase === 'joined' ? alice.conference.state.me : undefined;
    for (const raised of [true, false]) {
      alice.conference.raiseHand(raised);
      expect(alice.conference.state).toMatchObject({ hand: raised });
      await bob.conference.store.when(
        joinedWith(({ participants }) => participants.find(({ participant }) => participant === me)?.hand === raised),
      );
    }
  });

  it('sends on the next connection what it could not send because the way to the SFT did not come about', async () => {
    const silent = createSocket('udp4');
    silent.bind(0, '127.0.0.1');
    await once(silent, 'listening');
    onTestFinished(() => void silent.close());
    let paths = 0;
    const engine = new NodeEngine({
      openPath: (offer, events) => {
        paths += 1;
        if (paths > 1) return NodeTransport.open(offer, events);
        const { port } = silent.address(); // of the way on which it sends, the first time
        const iceCandidates = offer.iceCandidates.map((each) => ({ ...each, port }));
        return NodeTransport.open({ ...offer, iceCandidates }, events, 2_000);
      },
    });
    const ticket = sft.ticket('carol');
    const options = { engine, rejoin: async () => ticket };
    const conference = new Conference<NodeSource, NodeStream, NodePublication>(options);
    onTestFinished(() => conference.close());
    await conference.join(ticket);
    const phases = new Set<string>();
    onTestFinished(conference.store.subscribe(({ local }) => phases.add(local.microphone.phase)));
    expect(await conference.publish('microphone', {})).toBeUndefined();
    await expect.poll(() => sft.people.get(ticket.participant)?.entry.sources.length).toBe(1);
    await expect
      .poll(() => conference.state.local.microphone)
      .toMatchObject({ phase: 'on', source: expect.any(String) });
    expect(paths).toBe(4);
    expect(phases).not.toContain('failed');
  }, 20_000);

  it('says in words that the call has ended', async () => {
    const { conference } = await join('alice');
    sft.endAll('SFT_CONFERENCE_ENDED');
    const left = await conference.store.when(({ phase }) => phase === 'left');
    expect(left).toMatchObject({ reason: { code: 'SFT_CONFERENCE_ENDED', sentence: 'The call has ended.' } });
  });

  it('says in words that the server cannot be reached', async () => {
    const conference = new Conference({ engine: new NodeEngine() });
    const ticket = { ...sft.ticket('alice'), sft: 'ws://127.0.0.1:9/client/v1' };
    await expect(conference.join(ticket)).rejects.toMatchObject({ code: 'SIG_UNREACHABLE' });
    expect(conference.state).toMatchObject({ phase: 'left', reason: { retry: true } });
  });
});
