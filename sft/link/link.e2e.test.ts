import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Note } from '#signalling/contract.ts';
import type { DomainName, SourceId, TrunkId } from '#signalling/ids.ts';
import { HEARTBEAT_MS, LINK_VERSIONS, type LinkSource, SFT_LINK } from '#signalling/sft-link.ts';
import { until } from '#signalling/testing.ts';
import { temporaryFolder } from '#trust/testing-folder.ts';
import { newConferenceId, newParticipantId, randomId, TestSft } from '../testing.ts';
import { TestPerson } from '../testing-people.ts';
import { LEAST_AGE_MS, RETIRE_MS } from '../trunk/rotation.ts';

const folder = temporaryFolder();
let alpha: TestSft;
let beta: TestSft;
let gamma: TestSft;

type LinkNote<M extends 'sources' | 'streams' | 'demand'> = Note<typeof SFT_LINK, M>;

beforeAll(async () => {
  const start = (name: string) => TestSft.start(folder, name);
  [alpha, beta, gamma] = (await Promise.all(['alpha', 'beta', 'gamma'].map(start))) as [TestSft, TestSft, TestSft];
  await alpha.allow({ of: beta.test, mediaPrefixes: ['127.0.0.0/24'] }, { of: gamma.test });
  await beta.allow({ of: alpha.test });
  await gamma.allow({ of: alpha.test });
});
afterAll(async () => {
  await Promise.all([alpha, beta, gamma].map((sft) => sft?.close()));
});

const helloOf = (domain: DomainName, versions: { min: number; max: number } = LINK_VERSIONS) => ({
  versions,
  domain,
  software: 'test',
  workers: [{ index: 0 }],
});
const address = { ip: '127.0.0.1', port: 50_000 };
const srtp = () => ({ suite: 'AEAD_AES_256_GCM' as const, key: Buffer.alloc(44, 7).toString('base64') });
const newTrunk = () => ({ trunk: randomId<TrunkId>(12), from: 0, to: 0, address, srtp: srtp() });

/** A link of beta that has said hello. */
async function greeted() {
  const link = await beta.dialLink(alpha);
  await link.rpc.request('hello', helloOf(beta.domain));
  return link;
}

/** A link of beta that has joined a conference of alpha. */
async function joined() {
  const link = await greeted();
  const conference = newConferenceId();
  const grant = await alpha.grant({ conference, domain: beta.domain });
  await link.rpc.request('join', { conference, grant, worker: 0 });
  return { ...link, conference };
}

describe('a link', () => {
  it('begins with hello, which names the versions, the workers and the domain of the certificate', async () => {
    using link = await beta.dialLink(alpha);
    const hello = await link.rpc.request('hello', helloOf(beta.domain));
    expect(hello).toMatchObject({ domain: alpha.domain, versions: LINK_VERSIONS, workers: [{ index: 0 }] });
  });

  it.each([
    ['another domain than its certificate', () => helloOf('gamma.example' as DomainName), 'TRUST_WRONG_NAME'],
    [
      'versions that are too new',
      () => helloOf(beta.domain, { min: LINK_VERSIONS.max + 1, max: 9 }),
      'SIG_UNSUPPORTED_VERSION',
    ],
  ])('is refused when hello names %s', async (_, hello, code) => {
    using link = await beta.dialLink(alpha);
    await expect(link.rpc.request('hello', hello())).rejects.toMatchObject({ code });
    await expect(
      link.rpc.request('join', { conference: newConferenceId(), grant: 'x', worker: 0 }),
    ).rejects.toMatchObject({ code: 'SIG_ORDER' });
  });

  it('refuses everything before hello, and a trunk before a join', async () => {
    using link = await beta.dialLink(alpha);
    await expect(
      link.rpc.request('join', { conference: newConferenceId(), grant: 'x', worker: 0 }),
    ).rejects.toMatchObject({ code: 'SIG_ORDER' });
    await link.rpc.request('hello', helloOf(beta.domain));
    await expect(link.rpc.request('hello', helloOf(beta.domain))).rejects.toMatchObject({ code: 'SIG_ORDER' });
    await expect(link.rpc.request('trunk', newTrunk())).rejects.toMatchObject({ code: 'SIG_ORDER' });
    await alpha.idle();
  });

  it('needs a grant of the anchor for this conference and this domain', async () => {
    using link = await greeted();
    const conference = newConferenceId();
    const grants = [
      'not a grant',
      await beta.grant({ conference, domain: beta.domain }),
      await alpha.grant({ conference: newConferenceId(), domain: beta.domain }),
      await alpha.grant({ conference, domain: 'gamma.example' as DomainName }),
      await alpha.grant({ conference, domain: beta.domain, iat: 1, exp: 2 }),
      await alpha.ticket({ conference }),
    ];
    for (const grant of grants) {
      await expect(link.rpc.request('join', { conference, grant, worker: 0 })).rejects.toMatchObject({
        code: 'SFT_LINK_GRANT_REFUSED',
      });
    }
    await alpha.idle();
  });

  it('beats often enough to notice a dead peer, and hears the beats of the other side', async () => {
    using link = await greeted();
    await until(() => link.rpc.rttMs !== undefined, 'an answered heartbeat');
    await until(() => link.rpc.silentForMs < 3 * HEARTBEAT_MS, 'a beat of the other side');
  });

  it('ends when the peer is blocked, with all that came over it', async () => {
    const link = await joined();
    using _ = link;
    expect((await alpha.state()).conferences).toHaveLength(1);
    await alpha.allow({ of: beta.test, state: 'blocked' });
    await link.closed;
    await alpha.idle();
    expect(alpha.log).toContain('TRUST_BLOCKED');
    expect(await alpha.metric('hawser_sft_refused_links_total', 'code="TRUST_BLOCKED"')).toBeGreaterThan(0);
    await alpha.allow({ of: beta.test, mediaPrefixes: ['127.0.0.0/24'] }, { of: gamma.test });
  });
});

describe('a trunk', () => {
  it('is opened once for a pair of workers, with an address and a key of its own', async () => {
    const link = await joined();
    using _ = link;
    const opened = await link.rpc.request('trunk', newTrunk());
    expect(opened.address.ip).toBe('127.0.0.1');
    expect(opened.srtp.suite).toBe('AEAD_AES_256_GCM');
    expect(opened.srtp.key).not.toBe(srtp().key);
    await expect(link.rpc.request('trunk', newTrunk())).rejects.toMatchObject({ code: 'SIG_ORDER' });
  });

  it('is not replaced at once, whichever side asks', async () => {
    for (;;) {
      const link = await joined();
      using _ = link;
      const begin = performance.now();
      const { trunk } = newTrunk();
      await link.rpc.request('trunk', { ...newTrunk(), trunk });
      const asked = link.rpc.request('trunk', { ...newTrunk(), replaces: trunk }).catch(({ code }) => code);
      const codes = [await asked, (await alpha.rotate(beta)).code];
      // Else the machine stood still, and it was old enough when they asked.
      if (performance.now() - begin >= LEAST_AGE_MS) continue;
      expect(codes).toEqual(['SIG_ORDER', 'SIG_ORDER']);
      expect(link.heard.map(({ method }) => method)).not.toContain('rotate');
      return;
    }
  });

  it('is replaced by another one only where it stands, and one at a time', async () => {
    const link = await joined();
    using _ = link;
    const first = newTrunk();
    const opened = await link.rpc.request('trunk', first);
    const replace = (replaces: TrunkId, address_ = address) =>
      link.rpc.request('trunk', { ...newTrunk(), address: address_, replaces });
    const another = randomId<TrunkId>(12);
    await expect(replace(another)).rejects.toMatchObject({ code: 'SIG_ORDER' });
    const elsewhere = { ip: '192.0.2.1', port: 50_000 };
    await until(
      async () => (await replace(first.trunk, elsewhere).catch(({ code }) => code)) === 'SFT_LINK_ADDRESS',
      'the trunk old enough',
    );
    const both = await Promise.allSettled([replace(first.trunk), replace(first.trunk)]);
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    const fresh = both.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))[0];
    expect(fresh?.srtp.key).not.toBe(opened.srtp.key);
    expect(fresh?.address.port).not.toBe(opened.address.port);
    // Nothing was on the first one, so that nothing keeps it.
    const ports = async () =>
      (await alpha.state()).links.flatMap(({ trunks }) => trunks).map((trunk) => trunk.address.port);
    await until(
      async () => JSON.stringify(await ports()) === JSON.stringify([fresh?.address.port]),
      'the fresh one alone',
    );
    await expect(replace(first.trunk)).rejects.toMatchObject({ code: 'SIG_ORDER' });
    await until(async () => (await alpha.rotate(beta)).rotated === 1, 'the fresh one old enough');
    await until(() => link.heard.some(({ method }) => method === 'rotate'), 'the wish of the acceptor');
  });

  it('keeps what it carries, for some seconds at the most, for a peer that does not move', async () => {
    const link = await joined();
    using _ = link;
    const { conference } = link;
    const first = newTrunk();
    const { address: old } = await link.rpc.request('trunk', first);
    using alice = await TestPerson.join(alpha, conference);
    await alice.speak();
    const told = (method: string) => link.heard.filter((each) => each.method === method).map(({ note }) => note);
    const streams = () => told('streams').at(-1) as LinkNote<'streams'> | undefined;
    await until(() => streams()?.streams.length === 1, 'her voice');
    const before = streams();
    const fresh = newTrunk();
    await until(
      async () =>
        (await link.rpc.request('trunk', { ...fresh, replaces: first.trunk }).catch(() => undefined)) !== undefined,
      'another trunk',
    );
    await until(() => streams()?.trunk === fresh.trunk, 'her voice on the fresh trunk');
    expect(streams()?.streams[0]?.ssrc).not.toBe(before?.streams[0]?.ssrc);
    const ports = async () =>
      (await alpha.state()).links.flatMap(({ trunks }) => trunks).map((trunk) => trunk.address.port);
    expect(await ports()).toContain(old.port);
    await until(async () => !(await ports()).includes(old.port), 'the end of the old trunk', RETIRE_MS + 3_000);
    expect(link.rpc.isOpen).toBe(true);
  });

  it('goes only to addresses within the approved prefixes', async () => {
    const link = await joined();
    using _ = link;
    for (const ip of ['127.0.1.1', '192.0.2.1', '::1', '0.0.0.0', '255.255.255.255']) {
      const trunk = { ...newTrunk(), address: { ip, port: 50_000 } };
      await expect(link.rpc.request('trunk', trunk)).rejects.toMatchObject({ code: 'SFT_LINK_ADDRESS' });
    }
    expect((await alpha.state()).links.flatMap(({ trunks }) => trunks)).toEqual([]);
  });

  it.each([
    ['a weaker suite', { suite: 'AES_CM_128_HMAC_SHA1_80', key: srtp().key }],
    ['a short key', { suite: 'AEAD_AES_256_GCM', key: 'AAAA' }],
  ])('is never opened with %s', async (_, weak) => {
    const link = await joined();
    using _link = link;
    await expect(link.rpc.request('trunk', { ...newTrunk(), srtp: weak as never })).rejects.toMatchObject({
      code: 'SIG_SCHEMA',
    });
    expect(await link.closed).toBe('SIG_SCHEMA');
    await alpha.idle();
  });

  it('is gone when the link is, and its port free again', async () => {
    const ports = new Set<number>();
    for (let i = 0; i < 15; i++) {
      const link = await joined();
      const { address: here } = await link.rpc.request('trunk', newTrunk());
      ports.add(here.port);
      link[Symbol.dispose]();
      await alpha.idle();
    }
    expect(ports.size).toBeLessThanOrEqual(9);
  });

  it('has no key in the log or the state of either side', async () => {
    const link = await joined();
    using _ = link;
    const { srtp: theirs } = await link.rpc.request('trunk', newTrunk());
    const state = JSON.stringify(await alpha.state());
    for (const key of [theirs.key, srtp().key]) {
      expect(alpha.log).not.toContain(key);
      expect(state).not.toContain(key);
    }
  });
});

describe('a peer that lies', () => {
  const source = (participant: string, origin: DomainName) => ({
    source: randomId<SourceId>(12),
    participant: participant as never,
    origin,
    kind: 'camera' as const,
    codec: 'vp8' as const,
    layers: [0, 1, 2],
    muted: false,
  });

  it('is cut off when it announces people of another domain', async () => {
    const link = await joined();
    using _ = link;
    const participant = newParticipantId();
    const origin = 'gamma.example' as DomainName;
    link.rpc.notify('sources', {
      conference: link.conference,
      seq: 1,
      participants: [{ participant, origin, hand: false }],
      sources: [source(participant, origin)],
    });
    expect(await link.closed).toBe('SFT_LINK_FOREIGN_PARTICIPANT');
    await alpha.idle();
  });

  it('changes nothing with a statement about a conference that it is not in', async () => {
    const victim = await joined();
    using _victim = victim;
    using liar = await greeted();
    liar.rpc.notify('sources', { conference: victim.conference, seq: 99, participants: [], sources: [] });
    liar.rpc.notify('demand', { conference: victim.conference, seq: 99, ready: 0, since: 0, demands: [] });
    await liar.rpc.request('leave', { conference: victim.conference });
    expect((await alpha.state()).conferences.map(({ conference }) => conference)).toContain(victim.conference);
  });

  describe('in a conference with somebody of the anchor', () => {
    const CAMERA = { kind: 'camera' as const, codec: 'vp8' as const, layers: [0, 1, 2], muted: false };

    /** A link of beta in a conference in which somebody of alpha shows a camera. */
    async function withAlice() {
      const link = await joined();
      const alice = await TestPerson.join(alpha, link.conference);
      await alice.film();
      const told = () => link.heard.findLast(({ method }) => method === 'sources')?.note as LinkNote<'sources'>;
      await until(() => told()?.sources.length === 1, 'her camera');
      const [camera] = told().sources;
      if (!camera) throw new Error('no camera');
      const dispose = () => {
        alice[Symbol.dispose]();
        link[Symbol.dispose]();
      };
      return { ...link, alice, camera, [Symbol.dispose]: dispose };
    }

    it.each([
      ['the participant', (hers: LinkSource) => ({ participant: hers.participant, source: randomId<SourceId>(12) })],
      ['the camera', (hers: LinkSource) => ({ participant: newParticipantId(), source: hers.source })],
    ])('is cut off when it takes %s of another side for its own', async (_, taken) => {
      using link = await withAlice();
      const { participant, source: id } = taken(link.camera);
      link.rpc.notify('sources', {
        conference: link.conference,
        seq: 1,
        participants: [{ participant, origin: beta.domain, hand: false }],
        sources: [{ ...CAMERA, source: id, participant, origin: beta.domain }],
      });
      expect(await link.closed).toBe('SFT_LINK_FOREIGN_PARTICIPANT');
      await until(() => link.alice.others.length === 0, 'nobody of beta');
    });

    it.each(['owner', 'kind'])('is cut off when it gives a source another %s', async (what) => {
      using link = await withAlice();
      const people = [newParticipantId(), newParticipantId()] as const;
      const participants = people.map((participant) => ({ participant, origin: beta.domain, hand: false }));
      const mine = { ...CAMERA, source: randomId<SourceId>(12), participant: people[0], origin: beta.domain };
      const state = (seq: number, announced: LinkSource) =>
        link.rpc.notify('sources', { conference: link.conference, seq, participants, sources: [announced] });
      state(1, mine);
      await until(() => link.alice.others.length === 2, 'both');
      state(2, what === 'kind' ? { ...mine, kind: 'screen', layers: [0] } : { ...mine, participant: people[1] });
      expect(await link.closed).toBe('SFT_LINK_FOREIGN_PARTICIPANT');
    });

    it('offers nothing under the name of a source that is not its own', async () => {
      using link = await withAlice();
      using viewer = await TestPerson.join(alpha, link.conference);
      await viewer.watch(link.alice, 180);
      await viewer.sees(link.alice, 180);
      const trunk = newTrunk();
      await link.rpc.request('trunk', trunk);
      const producers = async () => (await alpha.state()).workers[0]?.producers;
      const before = await producers();
      const { conference, camera } = link;
      const streams = [0, 1, 2].map((layer) => ({
        source: camera.source,
        layers: [layer],
        ssrc: 900 + layer,
        rtxSsrc: 910 + layer,
      }));
      link.rpc.notify('streams', { conference, seq: 1, trunk: trunk.trunk, streams });
      const mine = {
        ...source(newParticipantId(), beta.domain),
        kind: 'microphone' as const,
        codec: 'opus' as const,
        layers: [0],
      };
      const participants = [{ participant: mine.participant, origin: beta.domain, hand: false }];
      link.rpc.notify('sources', { conference, seq: 1, participants, sources: [mine] });
      const offered = [...streams, { source: mine.source, layers: [0], ssrc: 920 }];
      link.rpc.notify('streams', { conference, seq: 2, trunk: trunk.trunk, streams: offered });
      await until(async () => (await producers()) === (before ?? 0) + 1, 'the one that it may offer');
      const seen = (await viewer.received(link.alice, 'camera'))?.packets ?? 0;
      await until(
        async () => ((await viewer.received(link.alice, 'camera'))?.packets ?? 0) > seen + 20,
        'her own pictures',
      );
    });

    it('is offered nothing of people whom it may not meet, whatever it demands', async () => {
      using link = await withAlice();
      const { conference } = link;
      alpha.allowIn(conference, [beta], [gamma]);
      gamma.federate(conference, alpha);
      using carol = await TestPerson.join(gamma, conference, alpha);
      await carol.film();
      await link.alice.watch(carol, 180);
      await link.alice.sees(carol, 180);
      const hers = link.alice.source(carol, 'camera')?.source;
      if (!hers) throw new Error('no camera');
      const trunk = newTrunk();
      await link.rpc.request('trunk', trunk);
      const demands = [hers, link.camera.source].map((id) => ({ source: id, layers: [0, 1, 2] }));
      link.rpc.notify('demand', { conference, seq: 1, ready: 99, since: 0, demands });
      const told = (method: string) => link.heard.filter((each) => each.method === method).map(({ note }) => note);
      await until(() => JSON.stringify(told('streams')).includes(link.camera.source), 'what it may have');
      expect(JSON.stringify(link.heard)).not.toContain(hers);
      expect(JSON.stringify(link.heard)).not.toContain(carol.participant);
      const out = (await alpha.state()).links
        .filter(({ peer }) => peer === beta.domain)
        .flatMap(({ trunks }) => trunks.flatMap(({ streams }) => streams))
        .filter(({ direction }) => direction === 'out');
      expect(new Set(out.map((each) => each.source))).toEqual(new Set([link.camera.source]));
    });
  });

  it('changes nothing of what the same organisation does over another link', async () => {
    using victim = await joined();
    using liar = await joined();
    const participant = newParticipantId();
    const { conference } = victim;
    const participants = [{ participant, origin: beta.domain, hand: false }];
    victim.rpc.notify('sources', { conference, seq: 1, participants, sources: [source(participant, beta.domain)] });
    const there = async () =>
      (await alpha.state()).conferences.find((each) => each.conference === conference)?.sides[0]?.participants;
    await until(async () => (await there()) === 1, 'its participant');
    liar.rpc.notify('sources', { conference, seq: 2, participants: [], sources: [] });
    await liar.rpc.request('leave', { conference });
    expect(await there()).toBe(1);
  });

  it('harms only itself with streams that repeat an SSRC or belong to nobody', async () => {
    const link = await joined();
    using _ = link;
    const trunk = newTrunk();
    await link.rpc.request('trunk', trunk);
    const people = [newParticipantId(), newParticipantId()];
    const sources = people.map((participant) => source(participant, beta.domain));
    link.rpc.notify('sources', {
      conference: link.conference,
      seq: 1,
      participants: people.map((participant) => ({ participant, origin: beta.domain, hand: false })),
      sources,
    });
    const streams = sources.map(({ source: id }) => ({ source: id, layers: [0], ssrc: 4_711, rtxSsrc: 4_712 }));
    const nobody = { source: randomId<SourceId>(12), layers: [0], ssrc: 5_000 };
    link.rpc.notify('streams', {
      conference: link.conference,
      seq: 1,
      trunk: trunk.trunk,
      streams: [...streams, nobody],
    });
    const demanded = () => link.heard.filter(({ method }) => method === 'demand').length;
    await until(async () => (await alpha.state()).workers[0]?.producers === 1, 'the first of the two');
    expect(link.rpc.isOpen).toBe(true);
    expect(demanded()).toBeLessThan(10);
  });

  it('stands whatever is sent on a link', async () => {
    const name = fc.constantFrom(...Object.keys(SFT_LINK.requests), ...Object.keys(SFT_LINK.notifications));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.record({ name, params: fc.anything() }), { maxLength: 5 }), async (messages) => {
        using link = await greeted();
        for (const { name: method, params } of messages) {
          if (!link.rpc.isOpen) break;
          if (method in SFT_LINK.requests)
            await link.rpc.request(method as 'leave', params as never).catch(() => undefined);
          else if (method !== 'ended') link.rpc.notify(method as 'demand', params as never);
        }
      }),
      { numRuns: 40 },
    );
    await alpha.idle();
    using link = await greeted();
    expect(link.rpc.isOpen).toBe(true);
  });
});
