import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DomainName, SourceId, TrunkId } from '#signalling/ids.ts';
import { HEARTBEAT_MS, LINK_VERSIONS, SFT_LINK } from '#signalling/sft-link.ts';
import { until } from '#signalling/testing.ts';
import { temporaryFolder } from '#trust/testing-folder.ts';
import { newConferenceId, newParticipantId, randomId, TestSft } from '../testing.ts';

const folder = temporaryFolder();
let alpha: TestSft;
let beta: TestSft;

beforeAll(async () => {
  [alpha, beta] = (await Promise.all(['alpha', 'beta'].map((name) => TestSft.start(folder, name)))) as [
    TestSft,
    TestSft,
  ];
  await alpha.allow({ of: beta.test, mediaPrefixes: ['127.0.0.0/24'] });
  await beta.allow({ of: alpha.test });
});
afterAll(async () => {
  await Promise.all([alpha, beta].map((sft) => sft?.close()));
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
    ['versions that are too new', () => helloOf(beta.domain, { min: 2, max: 3 }), 'SIG_UNSUPPORTED_VERSION'],
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
    await until(() => link.rpc.rttMs !== undefined, 'an answered heartbeat', 4 * HEARTBEAT_MS);
    expect(link.rpc.silentForMs).toBeLessThan(3 * HEARTBEAT_MS);
  });

  it('ends within a second when the peer is blocked, with all that came over it', async () => {
    const link = await joined();
    using _ = link;
    expect((await alpha.state()).conferences).toHaveLength(1);
    const begin = performance.now();
    await alpha.allow({ of: beta.test, state: 'blocked' });
    await link.closed;
    expect(performance.now() - begin).toBeLessThan(1_500);
    await alpha.idle();
    expect(alpha.log).toContain('TRUST_BLOCKED');
    expect(await alpha.metric('hawser_sft_refused_links_total', 'code="TRUST_BLOCKED"')).toBeGreaterThan(0);
    await alpha.allow({ of: beta.test, mediaPrefixes: ['127.0.0.0/24'] });
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
    liar.rpc.notify('demand', { conference: victim.conference, seq: 99, demands: [] });
    await liar.rpc.request('leave', { conference: victim.conference });
    expect((await alpha.state()).conferences.map(({ conference }) => conference)).toContain(victim.conference);
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
