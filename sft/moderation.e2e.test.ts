/** What those who moderate a call decide, the SFT carries out: packets do not flow, whatever a client or the far side does. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { NodePublication } from '#client/media/node/engine.ts';
import { until } from '#signalling/testing.ts';
import { temporaryFolder } from '#trust/testing-folder.ts';
import { newConferenceId, TestSft } from './testing.ts';
import { TestPerson } from './testing-people.ts';

const folder = temporaryFolder();
let alpha: TestSft;
let beta: TestSft;

beforeAll(async () => {
  const start = (name: string) => TestSft.start(folder, name, { mode: 'layers' });
  [alpha, beta] = (await Promise.all(['alpha', 'beta'].map(start))) as [TestSft, TestSft];
  await alpha.allow({ of: beta.test });
  await beta.allow({ of: alpha.test });
});
afterAll(async () => {
  await Promise.all([alpha, beta].map((sft) => sft?.close()));
});

const packetsOf = ({ sent }: NodePublication) => sent.reduce((sum, { packets }) => sum + packets, 0);

/** Packets of a microphone that come to somebody while a second of it would go by. */
async function heardWhile(viewer: TestPerson, speaker: TestPerson, voice: NodePublication, also?: NodePublication) {
  const heard = async () => (await viewer.received(speaker, 'microphone'))?.packets ?? 0;
  const before = await heard();
  const sent = packetsOf(also ?? voice);
  await until(() => packetsOf(also ?? voice) > sent + 50, 'a second');
  return (await heard()) - before;
}

const isMuted = (viewer: TestPerson, of: TestPerson) => viewer.source(of, 'microphone')?.muted;

it('a microphone that is muted by whoever moderates is silent everywhere, until its owner switches it on', async () => {
  const conference = newConferenceId();
  beta.federate(conference, alpha);
  using alice = await TestPerson.join(alpha, conference);
  using anna = await TestPerson.join(alpha, conference);
  using bob = await TestPerson.join(beta, conference, alpha);
  const voice = await alice.speak();
  await Promise.all([anna.hears(alice), bob.hears(alice)]);

  alpha.mute(conference, alice.participant);
  await until(() => isMuted(anna, alice) && isMuted(bob, alice), 'both see that she is muted');
  const local = () => alice.conference.state.local.microphone;
  await until(
    () => local().phase === 'on' && 'muted' in local() && Reflect.get(local(), 'muted') === true,
    'her client knows',
  );
  const clock = await anna.speak();
  await Promise.all([alice.hears(anna), bob.hears(anna)]);
  expect(await heardWhile(anna, alice, voice, clock)).toBe(0);
  expect(await heardWhile(bob, alice, voice, clock)).toBe(0);

  await alice.conference.setMuted('microphone', false);
  await Promise.all([
    until(() => isMuted(anna, alice) === false, 'unmuted'),
    until(() => isMuted(bob, alice) === false, 'unmuted over there'),
  ]);
  await until(async () => (await heardWhile(bob, alice, voice)) > 10, 'the voice again');
}, 60_000);

it('whoever may not speak any more is muted, cannot unmute, and cannot publish again', async () => {
  const conference = newConferenceId();
  beta.federate(conference, alpha);
  using alice = await TestPerson.join(alpha, conference);
  using bob = await TestPerson.join(beta, conference, alpha);
  const voice = await alice.speak();
  const clock = await bob.speak();
  await Promise.all([bob.hears(alice), alice.hears(bob)]);

  alpha.permit(conference, ['video'], [alice.participant, ['video', 'screen']], [bob.participant, ['audio']]);
  beta.permit(conference, ['video'], [alice.participant, ['video', 'screen']], [bob.participant, ['audio']]);
  await until(() => isMuted(bob, alice), 'he sees that she is muted');
  // What came before is not counted any more, because the stream is gone.
  await until(async () => (await heardWhile(bob, alice, voice, clock)) === 0, 'silence');
  expect(await heardWhile(bob, alice, voice, clock)).toBe(0);
  await expect(alice.conference.setMuted('microphone', false)).rejects.toMatchObject({ code: 'SFT_NOT_PERMITTED' });
  expect(alice.conference.state.local.microphone).toMatchObject({ phase: 'on', muted: true });
  await alice.conference.unpublish('microphone');
  await expect(alice.speak()).rejects.toThrow('not taken');
  expect(alice.conference.state.local.microphone).toMatchObject({
    phase: 'failed',
    failure: { code: 'SFT_NOT_PERMITTED' },
  });
  // And he, whom it was left to, is still heard.
  await until(async () => (await heardWhile(alice, bob, clock)) > 10, 'his voice');

  for (const sft of [alpha, beta]) sft.permit(conference, ['audio', 'video', 'screen']);
  const again = await alice.speak();
  await until(async () => (await heardWhile(bob, alice, again)) > 10, 'her voice again');
}, 60_000);

it('the anchor takes nothing of whoever may not send it, where the far side lets him', async () => {
  const conference = newConferenceId();
  beta.federate(conference, alpha);
  using alice = await TestPerson.join(alpha, conference);
  using bob = await TestPerson.join(beta, conference, alpha);
  const voice = await bob.speak();
  await bob.film();
  await alice.watch(bob, 360);
  await Promise.all([alice.hears(bob), alice.sees(bob, 360)]);

  // Beta's homeserver says nothing of it to its own SFT.
  alpha.permit(conference, ['screen']);
  await until(() => isMuted(alice, bob) && alice.source(bob, 'camera')?.muted, 'what she is shown of him');
  const frames = async () => (await alice.received(bob, 'camera'))?.framesDecoded ?? 0;
  await until(async () => {
    const before = await frames();
    const heard = await heardWhile(alice, bob, voice);
    return heard === 0 && (await frames()) === before;
  }, 'nothing of him');
  // Nor does it cross the border for long: the anchor does not ask for it.
  const incoming = async () => {
    const { links } = await alpha.state();
    const streams = links.flatMap(({ trunks }) => trunks).flatMap((trunk) => trunk.streams);
    return streams.filter(({ direction }) => direction === 'in').reduce((sum, { packets }) => sum + packets, 0);
  };
  await until(
    async () => {
      const before = await incoming();
      await heardWhile(alice, bob, voice);
      return (await incoming()) === before;
    },
    'nothing on the trunk',
    15_000,
  );

  alpha.permit(conference, ['audio', 'video']);
  await alice.sees(bob, 360);
  await until(async () => (await heardWhile(alice, bob, voice)) > 10, 'his voice again');
}, 60_000);

it('holds for whoever comes later, and for a conference that nobody was in yet', async () => {
  const conference = newConferenceId();
  alpha.permit(conference, ['video']);
  using alice = await TestPerson.join(alpha, conference);
  await expect(alice.speak()).rejects.toThrow('not taken');
  expect(alice.conference.state.local.microphone).toMatchObject({ failure: { code: 'SFT_NOT_PERMITTED' } });
  await alice.film();
  expect(alice.conference.state.local.camera).toMatchObject({ phase: 'on' });
}, 30_000);
