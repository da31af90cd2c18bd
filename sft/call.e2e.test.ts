import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '#signalling/testing.ts';
import { temporaryFolder } from '#trust/testing-folder.ts';
import { newConferenceId, newParticipantId, TestSft } from './testing.ts';
import { TestPerson } from './testing-people.ts';

const folder = temporaryFolder();
let alpha: TestSft;
let beta: TestSft;
let gamma: TestSft;

beforeAll(async () => {
  [alpha, beta, gamma] = (await Promise.all(['alpha', 'beta', 'gamma'].map((name) => TestSft.start(folder, name)))) as [
    TestSft,
    TestSft,
    TestSft,
  ];
  await alpha.allow({ of: beta.test }, { of: gamma.test });
  await beta.allow({ of: alpha.test });
  await gamma.allow({ of: alpha.test });
});
afterAll(async () => {
  await Promise.all([alpha, beta, gamma].map((sft) => sft?.close()));
});

/** What an administrator's dashboard is drawn from. */
const FIGURES = [
  'conferences',
  'participants',
  'links',
  'link_rtt_seconds',
  'trunk_bytes_total',
  'trunk_stream_bytes_total',
  'trunk_stream_packets_total',
  'trunk_lost_packets_total',
  'trunk_key_frame_requests_total',
  'trunk_jitter_seconds',
  'trunk_layers_wanted',
  'trunk_layers_flowing',
  'resumes_total',
  'homeserver_connected',
  'join_seconds_bucket',
  'worker_cpu_seconds_total',
  'certificate_expiry_seconds',
].map((name) => `hawser_sft_${name}`);

const allIdle = () => Promise.all([alpha.idle(), beta.idle(), gamma.idle()]);

function federated() {
  const conference = newConferenceId();
  for (const sft of [beta, gamma]) sft.federate(conference, alpha);
  return conference;
}

describe('on one SFT', () => {
  it('gives each viewer the layer that he wants, and nothing that he does not', async () => {
    const conference = newConferenceId();
    using publisher = await TestPerson.join(alpha, conference);
    using large = await TestPerson.join(alpha, conference);
    using small = await TestPerson.join(alpha, conference);
    using blind = await TestPerson.join(alpha, conference);
    await Promise.all([publisher.film(), publisher.speak()]);
    await large.watch(publisher, 720);
    await small.watch(publisher, 180);
    await Promise.all([large.sees(publisher, 720), small.sees(publisher, 180), blind.hears(publisher)]);
    expect(await blind.received(publisher, 'camera')).toBeUndefined();

    await small.watch(publisher, 'none');
    const flows = () => small.source(publisher, 'camera')?.renditions.some(({ layer }) => layer !== undefined);
    await until(() => flows() === false, 'the end of the picture');
    const packets = async (viewer: TestPerson) => (await viewer.received(publisher, 'camera'))?.packets ?? 0;
    const goesOn = async () => {
      const before = await packets(large);
      await until(async () => (await packets(large)) > before + 20, 'pictures for who wants them');
    };
    // What was under way comes to its end first.
    await goesOn();
    const before = await packets(small);
    await goesOn();
    expect(before).toBeGreaterThan(0);
    expect(await packets(small)).toBe(before);

    await large.watch(publisher, 180);
    await large.sees(publisher, 180);
  });

  it('tells everybody who speaks', async () => {
    const conference = newConferenceId();
    using speaker = await TestPerson.join(alpha, conference);
    using listener = await TestPerson.join(alpha, conference);
    await speaker.speak();
    const heard = () => listener.conference.state.phase === 'joined' && listener.conference.state.speaker;
    await until(() => heard() === speaker.participant, 'the active speaker', 10_000);
  });

  it('stops a muted source at the SFT and starts it again', async () => {
    const conference = newConferenceId();
    using speaker = await TestPerson.join(alpha, conference);
    using listener = await TestPerson.join(alpha, conference);
    await speaker.speak();
    await listener.hears(speaker);
    await speaker.conference.setMuted('microphone', true);
    await until(() => listener.source(speaker, 'microphone')?.muted === true, 'the mute');
    const quiet = (await listener.received(speaker, 'microphone'))?.packets ?? 0;
    await speaker.conference.setMuted('microphone', false);
    await until(
      async () => ((await listener.received(speaker, 'microphone'))?.packets ?? 0) > quiet,
      'the voice again',
    );
  });

  it('forgets somebody who vanishes without a word', async () => {
    await allIdle();
    const conference = newConferenceId();
    const publisher = await TestPerson.join(alpha, conference);
    using viewer = await TestPerson.join(alpha, conference);
    await publisher.film();
    await viewer.watch(publisher, 180);
    await viewer.sees(publisher, 180);
    publisher[Symbol.dispose]();
    await until(() => viewer.others.length === 0, 'the roster without him');
    await viewer.leave();
    await allIdle();
  });
});

describe('between two organisations', () => {
  it('brings picture and sound both ways, says by which way, and leaves nothing behind', async () => {
    const conference = federated();
    using alice = await TestPerson.join(alpha, conference);
    using bob = await TestPerson.join(beta, conference, alpha);
    await Promise.all([alice.film(), alice.speak(), bob.film(), bob.speak()]);
    await Promise.all([alice.watch(bob, 720), bob.watch(alice, 360)]);
    await Promise.all([alice.sees(bob, 720), bob.sees(alice, 360), alice.hears(bob), bob.hears(alice)]);
    expect(bob.others.map(({ domain, via }) => [domain, via])).toEqual([[alpha.domain, [alpha.domain]]]);
    expect(alice.others.map(({ domain, via }) => [domain, via])).toEqual([[beta.domain, [beta.domain]]]);

    const trunk = (await alpha.state()).links[0]?.trunks[0];
    const streams = trunk?.streams
      .filter(({ direction }) => direction === 'out')
      .map(({ kind, layer }) => `${kind} ${layer}`);
    expect(streams?.sort()).toEqual(['camera 0', 'camera 1', 'camera 2', 'microphone 0']);
    expect(trunk?.sent).toBeGreaterThan(0);
    expect(trunk?.received).toBeGreaterThan(0);

    const scrape = await alpha.metrics();
    for (const name of FIGURES) expect(scrape, name).toMatch(new RegExp(`^${name}[{ ].*[0-9]$`, 'm'));
    expect(await alpha.metric('hawser_sft_participants', 'domain="beta.example"')).toBe(1);
    expect(await alpha.metric('hawser_sft_trunk_bytes_total', 'peer="beta.example",direction="out"')).toBeGreaterThan(
      0,
    );

    await bob.leave();
    await until(() => alice.others.length === 0, 'alice alone');
    await beta.idle();
    await until(async () => (await beta.state()).links.length === 0, 'the idle link closed');
    await alice.leave();
    await allIdle();
  });

  it('shows a screen beside the camera, and takes it away again', async () => {
    const conference = federated();
    using alice = await TestPerson.join(alpha, conference);
    using bob = await TestPerson.join(beta, conference, alpha);
    await Promise.all([alice.film(), alice.share()]);
    await Promise.all([bob.watch(alice, 720, 'screen'), bob.watch(alice, 180)]);
    await Promise.all([bob.sees(alice, 360, 'screen'), bob.sees(alice, 180)]);
    await alice.conference.unpublish('screen');
    await until(() => bob.source(alice, 'screen') === undefined, 'the screen gone');
    expect(bob.source(alice, 'camera')).toBeDefined();
  });

  it('stops sending to a side that has nobody left', async () => {
    const conference = federated();
    using alice = await TestPerson.join(alpha, conference);
    const bob = await TestPerson.join(beta, conference, alpha);
    await alice.film();
    await bob.watch(alice, 180);
    await bob.sees(alice, 180);
    bob[Symbol.dispose]();
    await beta.idle();
    await until(async () => (await alpha.state()).links.every(({ trunks }) => trunks.length === 0), 'no trunk');
  });

  it('goes on for those who are left when the anchor has no people of its own', async () => {
    const conference = federated();
    const alice = await TestPerson.join(alpha, conference);
    using bob = await TestPerson.join(beta, conference, alpha);
    using carol = await TestPerson.join(gamma, conference, alpha);
    await carol.film();
    await bob.watch(carol, 180);
    await bob.sees(carol, 180);
    await alice.leave();
    await until(() => bob.others.length === 1, 'two left');
    const before = (await bob.received(carol, 'camera'))?.packets ?? 0;
    await until(async () => ((await bob.received(carol, 'camera'))?.packets ?? 0) > before + 20, 'pictures of carol');
  });

  it('joins again by itself after the link was lost', async () => {
    const conference = federated();
    using alice = await TestPerson.join(alpha, conference);
    using bob = await TestPerson.join(beta, conference, alpha);
    await alice.film();
    await bob.watch(alice, 180);
    await bob.sees(alice, 180);
    const ofAlpha = `peer="${alpha.domain}"`;
    const figures = async () => ({
      unjoined: await beta.metric('hawser_sft_unjoined_conferences', ofAlpha),
      losses: await beta.metric('hawser_sft_link_losses_total', ofAlpha),
      received: await beta.metric('hawser_sft_trunk_bytes_total', `${ofAlpha},direction="in"`),
      lossesOfAnchor: await alpha.metric('hawser_sft_link_losses_total', `peer="${beta.domain}"`),
      lost: await alpha.metric('hawser_sft_lost_sides', `peer="${beta.domain}"`),
    });
    const before = await figures();
    expect(before.unjoined).toBe(0);
    await alpha.allow({ of: gamma.test });
    await until(() => bob.others.length === 0, 'alice gone at bob', 5_000);
    expect(alice.others).toEqual([]);
    const meanwhile = await figures();
    // Whom the anchor does not allow it does not miss.
    expect(meanwhile).toMatchObject({
      unjoined: 1,
      losses: before.losses + 1,
      lossesOfAnchor: before.lossesOfAnchor + 1,
      lost: 0,
    });
    // Its trunk is gone; what was counted is not.
    expect(meanwhile.received).toBeGreaterThanOrEqual(before.received);
    await alpha.allow({ of: beta.test }, { of: gamma.test });
    await until(() => bob.others.length === 1, 'alice back', 10_000);
    await bob.watch(alice, 180);
    await bob.sees(alice, 180);
    const after = await figures();
    expect(after.unjoined).toBe(0);
    expect(after.received).toBeGreaterThan(meanwhile.received);
  });

  it('is missed by the anchor while it does not come back', async () => {
    const conference = federated();
    using alice = await TestPerson.join(alpha, conference);
    using bob = await TestPerson.join(beta, conference, alpha);
    await until(() => bob.others.length === 1, 'both in the call');
    const lost = () => alpha.metric('hawser_sft_lost_sides', `peer="${beta.domain}"`);
    expect(await lost()).toBe(0);
    await beta.allow({ of: gamma.test });
    await until(async () => (await lost()) === 1, 'the loss', 5_000);
    expect(alice.others).toEqual([]);
    await beta.allow({ of: alpha.test }, { of: gamma.test });
    await until(() => bob.others.length === 1, 'bob back', 10_000);
    expect(await lost()).toBe(0);
  });
});

it('passes media of one organisation on to a third by the anchor, marked with where it comes from', async () => {
  const conference = federated();
  using alice = await TestPerson.join(alpha, conference);
  using bob = await TestPerson.join(beta, conference, alpha);
  using carol = await TestPerson.join(gamma, conference, alpha);
  await Promise.all([bob.film(), bob.speak(), carol.film()]);
  await Promise.all([carol.watch(bob, 720), bob.watch(carol, 180), alice.watch(bob, 180)]);
  await Promise.all([carol.sees(bob, 720), bob.sees(carol, 180), alice.sees(bob, 180), carol.hears(bob)]);
  const of = (person: TestPerson, other: TestPerson) =>
    person.others.find(({ participant }) => participant === other.participant);
  expect(of(carol, bob)).toMatchObject({ domain: beta.domain, via: [alpha.domain, beta.domain] });
  expect(of(bob, carol)).toMatchObject({ domain: gamma.domain, via: [alpha.domain, gamma.domain] });
});

it('tells everybody when a media worker dies, and takes new calls on the next one', async () => {
  await allIdle();
  const conference = newConferenceId();
  using person = await TestPerson.join(alpha, conference);
  const { workers } = await alpha.state();
  process.kill(workers[0]?.pid ?? 0, 'SIGKILL');
  await until(() => person.conference.state.phase === 'left', 'the end of the call');
  expect(person.conference.state).toMatchObject({ reason: { code: 'SFT_WORKER_DIED' } });
  using again = await TestPerson.join(alpha, newConferenceId());
  expect(again.conference.state.phase).toBe('joined');
  expect(await alpha.metric('hawser_sft_worker_deaths_total')).toBe(1);
});

it('counts whoever was cut off and came back under the same name', async () => {
  const conference = newConferenceId();
  const participant = newParticipantId();
  const join = async () => {
    const client = await alpha.connect();
    await client.rpc.request('join', { conference, ticket: await alpha.ticket({ conference, participant }) });
    return client;
  };
  using stays = await TestPerson.join(alpha, conference);
  const first = await join();
  const back = () => alpha.metric('hawser_sft_resumes_total', 'outcome="back"');
  const before = await back();
  first.rpc.close('SIG_CLOSED');
  await until(() => stays.others.length === 0, 'nobody else is there');
  const second = await join();
  expect(await back()).toBe(before + 1);
  second.rpc.close();
});
