/** What people say to everybody crosses all SFTs of a conference, in nobody else's name, and not without measure. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { CONFERENCE_SIGNALS, LINK_SIGNALS, MAX_SIGNAL_BYTES, PARTICIPANT_SIGNALS } from '#signalling/signal.ts';
import { until } from '#signalling/testing.ts';
import { temporaryFolder } from '#trust/testing-folder.ts';
import { newConferenceId, newParticipantId, TestSft } from './testing.ts';
import { FarSide } from './testing-far-side.ts';
import { TestPerson } from './testing-people.ts';

const folder = temporaryFolder();
let alpha: TestSft;
let beta: TestSft;
let gamma: TestSft;

beforeAll(async () => {
  const start = (name: string) => TestSft.start(folder, name);
  [alpha, beta, gamma] = (await Promise.all(['alpha', 'beta', 'gamma'].map(start))) as [TestSft, TestSft, TestSft];
  await alpha.allow({ of: beta.test }, { of: gamma.test });
  await Promise.all([beta, gamma].map((sft) => sft.allow({ of: alpha.test })));
});
afterAll(async () => {
  await Promise.all([alpha, beta, gamma].map((sft) => sft?.close()));
});

const say = (person: TestPerson, words: string) => person.conference.signal(Buffer.from(words).toString('base64url'));
const heardBy = ({ heard }: TestPerson) =>
  heard.map(({ participant, payload }) => [participant, Buffer.from(payload, 'base64url').toString()]);
const dropped = (sft: TestSft, where: string) => sft.metric('hawser_sft_dropped_signals_total', `where="${where}"`);

it('reaches everybody else, also the third organisation by the anchor, whatever they may send', async () => {
  const conference = newConferenceId();
  for (const sft of [beta, gamma]) sft.federate(conference, alpha);
  using alice = await TestPerson.join(alpha, conference);
  using bob = await TestPerson.join(beta, conference, alpha);
  using ben = await TestPerson.join(beta, conference, alpha);
  using carol = await TestPerson.join(gamma, conference, alpha);
  const everybody = [alice, bob, ben, carol];
  await until(() => everybody.every(({ others }) => others.length === 3), 'all know each other');
  for (const sft of [alpha, beta]) sft.permit(conference, []);

  say(bob, 'from bob');
  const others = [alice, ben, carol];
  await until(() => others.every(({ heard }) => heard.length === 1), 'all others hear him');
  for (const each of others) expect(heardBy(each)).toEqual([[bob.participant, 'from bob']]);
  say(alice, 'from alice');
  await until(() => [bob, ben, carol].every((each) => heardBy(each).at(-1)?.[1] === 'from alice'), 'and her');
  expect(heardBy(bob)).toEqual([[alice.participant, 'from alice']]);
  expect(alpha.log + beta.log).not.toContain(Buffer.from('from bob').toString('base64url'));
}, 40_000);

it('is for people who may meet', async () => {
  const conference = newConferenceId();
  for (const sft of [beta, gamma]) sft.federate(conference, alpha);
  alpha.allowIn(conference, [beta], [gamma]);
  using alice = await TestPerson.join(alpha, conference);
  using bob = await TestPerson.join(beta, conference, alpha);
  using carol = await TestPerson.join(gamma, conference, alpha);
  await until(() => alice.others.length === 2, 'she knows both');
  await until(() => bob.others.length === 1 && carol.others.length === 1, 'each knows her');
  say(bob, 'from bob');
  await until(() => alice.heard.length === 1, 'she hears him');
  say(alice, 'from alice');
  await until(() => carol.heard.length === 1, 'both hear her');
  expect(heardBy(carol)).toEqual([[alice.participant, 'from alice']]);
}, 40_000);

it('lets one person say so much and no more, and nobody else less', async () => {
  const conference = newConferenceId();
  beta.federate(conference, alpha);
  using alice = await TestPerson.join(alpha, conference);
  using anna = await TestPerson.join(alpha, conference);
  using bob = await TestPerson.join(beta, conference, alpha);
  await until(() => bob.others.length === 2 && anna.others.length === 2, 'all know each other');
  for (let i = 0; i < 100; i++) say(alice, `${i}`);
  const fromAlice = () => bob.heard.filter(({ participant }) => participant === alice.participant).length;
  await until(async () => (await dropped(alpha, 'participant')) + fromAlice() === 100, 'all of it is counted');
  say(anna, 'last');
  await until(() => heardBy(bob).at(-1)?.[1] === 'last', 'he hears the other one');
  const ofAlice = fromAlice();
  // A burst, and what a second more lets through while they are said.
  expect(ofAlice).toBeGreaterThanOrEqual(PARTICIPANT_SIGNALS.burst);
  expect(ofAlice).toBeLessThanOrEqual(PARTICIPANT_SIGNALS.burst + PARTICIPANT_SIGNALS.perSecond);
}, 40_000);

it('takes from a link what its own people say, once they are known, and a part of a flood', async () => {
  const conference = newConferenceId();
  using alice = await TestPerson.join(alpha, conference);
  using far = await FarSide.join(beta, alpha, conference);
  const { rpc, closed } = far.link;
  const payload = Buffer.from('x').toString('base64url');
  const participants = Array.from({ length: 30 }, () => newParticipantId());
  const people = participants.map((participant) => ({ participant, origin: beta.domain, hand: false }));
  rpc.notify('signal', { conference, participant: newParticipantId(), payload });
  rpc.notify('sources', { conference, seq: 1, participants: people, sources: [] });
  await until(() => alice.others.length === 30, 'she sees them');
  expect(alice.heard).toEqual([]);
  expect(await dropped(alpha, 'unknown')).toBe(1);

  for (let i = 0; i < 20; i++)
    for (const participant of participants) rpc.notify('signal', { conference, participant, payload });
  const total = async () => (await dropped(alpha, 'link-in')) + alice.heard.length;
  await until(async () => (await total()) > 400, 'all of it is counted');
  expect(alice.heard.length).toBeGreaterThan(50);
  expect(alice.heard.length).toBeLessThanOrEqual(LINK_SIGNALS.burst + CONFERENCE_SIGNALS.burst);
  expect(rpc.isOpen).toBe(true);

  // After the flood some more are dropped unread.
  await until(() => {
    if (rpc.isOpen) rpc.notify('signal', { conference, participant: alice.participant, payload });
    return !rpc.isOpen;
  }, 'the link is closed');
  expect(await closed).toBe('SFT_LINK_FOREIGN_PARTICIPANT');
  await until(() => alice.others.length === 0, 'they are gone with the link');
}, 40_000);

it('is not said to an older media server, which does not know it and goes on without', async () => {
  const conference = newConferenceId();
  using alice = await TestPerson.join(alpha, conference);
  using old = await FarSide.join(beta, alpha, conference, { min: 1, max: 1 });
  using today = await FarSide.join(gamma, alpha, conference);
  const signalsTo = ({ link }: FarSide) => link.heard.filter(({ method }) => method === 'signal').length;
  say(alice, 'from alice');
  await until(() => signalsTo(today) === 1, 'the other one hears it');
  expect(signalsTo(old)).toBe(0);
  expect(old.link.rpc.isOpen).toBe(true);
}, 40_000);

it('is of a few bytes', async () => {
  const conference = newConferenceId();
  using alice = await TestPerson.join(alpha, conference);
  using anna = await TestPerson.join(alpha, conference);
  await until(() => alice.others.length === 1, 'they know each other');
  say(alice, 'x'.repeat(MAX_SIGNAL_BYTES));
  await until(() => anna.heard.length === 1, 'she hears it');
  say(alice, 'x'.repeat(MAX_SIGNAL_BYTES + 1));
  await until(() => alice.conference.state.phase === 'left', 'the connection is closed');
  expect(alice.conference.state).toMatchObject({ reason: { code: 'SIG_SCHEMA' } });
  expect(anna.heard).toHaveLength(1);
}, 40_000);
