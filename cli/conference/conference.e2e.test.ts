/** What an administrator sees of a real call between two organisations, and does in it: real homeservers, media servers and media. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Organisation, organise, type World } from '#homeserver/testing/organisation.ts';
import type { Person } from '#homeserver/testing/person.ts';
import { TestPerson } from '#sft/testing-people.ts';
import { until } from '#signalling/testing.ts';
import { conferenceEnd, conferenceKick, conferenceList, conferenceMute, conferenceShow } from '../conference.ts';
import { say as run, startSite, type TestSite } from '../servers/testing.ts';

let world: World;
const sites: TestSite[] = [];
let alpha: TestSite;
let beta: TestSite;
let alice: Person;
let bob: Person;

beforeAll(async () => {
  world = await organise('alpha.example', 'beta.example');
  const organisations = world.organisations as [Organisation, Organisation];
  for (const organisation of organisations) sites.push(await startSite(organisation, world.folder));
  [alpha, beta] = sites as [TestSite, TestSite];
  [alice, bob] = await Promise.all([organisations[0].person('alice'), organisations[1].person('bob')]);
}, 60_000);
afterAll(async () => {
  for (const { sft } of sites) await sft.close();
  await world[Symbol.asyncDispose]();
});

const endOf = async ({ conference }: TestPerson) => {
  await until(() => conference.state.phase === 'left', 'the end of it');
  return conference.state.phase === 'left' ? conference.state.reason?.code : undefined;
};

it('a call is listed and shown at both, muted, somebody is put out and stays out, and it ends for all', async () => {
  expect(await run(alpha, conferenceList)).toBe('No conference goes on.');
  const { conversation } = await alice.create('Budget', bob.id);
  await until(async () => (await bob.conversations()).length > 0, 'the conversation at beta');
  const { call } = await alice.call(conversation);
  await until(async () => (await bob.conversation(conversation)).call, 'the call at beta');
  using her = await TestPerson.enter(await alice.ticket(conversation));
  const admission = await bob.ticket(conversation);
  using him = await TestPerson.enter(admission);
  await her.film();
  await her.speak();
  await him.speak();
  await him.watch(her, 360);
  await Promise.all([him.sees(her, 360), her.hears(him), him.hears(her)]);
  const { conference } = call;

  await until(
    async () => /alpha\.example 1, beta\.example 1/.test(await run(alpha, conferenceList)),
    'both are listed',
  );
  expect(await run(alpha, conferenceList)).toMatch(
    new RegExp(`${conference} .* anchor +alpha.example +alpha.example +2`),
  );
  expect(await run(beta, conferenceList)).toMatch(/ federated +alpha\.example +alpha\.example +2 /);
  expect(await run(alpha, conferenceList, '--json')).not.toContain('Budget');

  const shown = await run(alpha, conferenceShow, '--', conference.slice(0, 8));
  expect(shown).toContain('Organisations: alpha.example 1, beta.example 1');
  // Bob watches the middle layer, which comes beside the smallest, or alone.
  expect(shown).toMatch(
    /@alice +alpha\.example +(?:microphone, )?camera [\d+]+.* udp +(?:\d+ ms|-) +\S+ +\d+\.\d\d\/\d+\.\d\d/,
  );
  expect(shown).toMatch(new RegExp(`${him.participant} +- +beta\\.example +microphone +- `));
  expect(await run(beta, conferenceShow, '--', conference)).toMatch(/@bob +beta\.example +microphone +udp/);

  const isMuted = (viewer: TestPerson, of: TestPerson) => viewer.source(of, 'microphone')?.muted === true;
  const muteHim = await run(alpha, conferenceMute, '--', conference, him.participant);
  expect(muteHim).toBe(`${him.participant} of beta.example is muted.`);
  await until(() => isMuted(her, him), 'she sees it');
  expect(await run(beta, conferenceMute, '--all', '--', conference)).toBe(
    'Everybody of beta.example is muted. alpha.example leads the call: only its administrator can mute the others.',
  );
  expect(await run(alpha, conferenceMute, '--all', '--', conference)).toBe('Everybody is muted.');
  await until(() => isMuted(him, her), 'he sees it');

  await expect(run(beta, conferenceKick, '--', conference, her.participant)).rejects.toThrow(
    /\(alpha\.example\) People of this domain can be put out and muted here\.$/,
  );
  await expect(run(beta, conferenceEnd, '--', conference)).rejects.toThrow(
    'led by the homeserver of another organisation',
  );
  expect(await run(alpha, conferenceKick, '--', conference, him.participant)).toContain(
    'beta.example is out, and comes in',
  );
  expect(await endOf(him)).toBe('SFT_REMOVED');
  await expect(bob.ticket(conversation)).rejects.toMatchObject({ code: 'HOME_CALL_BARRED' });

  expect(await run(alpha, conferenceEnd, '--', conference)).toContain('is over for all organisations.');
  expect(await endOf(her)).toBe('SFT_CONFERENCE_ENDED');
  await until(async () => (await run(beta, conferenceList)) === 'No conference goes on.', 'the end at beta');
}, 60_000);

it('one whom his own administrator puts out of a call that is led elsewhere does not come back', async () => {
  const { conversation } = await alice.create('Again', bob.id);
  await until(async () => (await bob.conversations()).length > 1, 'the conversation at beta');
  const { call } = await alice.call(conversation);
  await until(async () => (await bob.conversation(conversation)).call, 'the call at beta');
  using her = await TestPerson.enter(await alice.ticket(conversation));
  const [now, later] = [await bob.ticket(conversation), await bob.ticket(conversation)];
  using him = await TestPerson.enter(now);
  await until(() => her.others.length === 1, 'both are in');
  await until(async () => (await run(beta, conferenceList)).includes('beta.example 1'), 'he is listed');
  expect(await run(beta, conferenceKick, '--', call.conference, '@bob')).toBe(
    '@bob of beta.example is out, and gets no ticket for this call any more. alpha.example leads it and does not know of this.',
  );
  expect(await endOf(him)).toBe('SFT_REMOVED');
  // With a ticket that he had before.
  const again = await TestPerson.enter(later).catch((error: unknown) => error);
  // It is so quick that he is out before he is quite in, or just after.
  if (again instanceof TestPerson) expect(await endOf(again)).toBe('SFT_REMOVED');
  else expect(again).toMatchObject({ code: 'SIG_CLOSED' });
  await expect(bob.ticket(conversation)).rejects.toMatchObject({ code: 'HOME_CALL_BARRED' });
  await until(() => her.others.length === 0, 'she is alone');
  await run(alpha, conferenceEnd, '--', call.conference);
  expect(await endOf(her)).toBe('SFT_CONFERENCE_ENDED');
}, 60_000);
