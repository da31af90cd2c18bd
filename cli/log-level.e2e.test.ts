/** How much the servers of a site log while they run, and what is in it. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Organisation, organise, PASSWORD, type World } from '#homeserver/testing/organisation.ts';
import { TestPerson } from '#sft/testing-people.ts';
import { until } from '#signalling/testing.ts';
import { logLevel } from './log-level.ts';
import { say, startSite, type TestSite } from './servers/testing.ts';

let world: World;
let alpha: Organisation;
let beta: Organisation;
let site: TestSite;
let far: TestSite;

beforeAll(async () => {
  world = await organise('alpha.example', 'beta.example');
  [alpha, beta] = world.organisations as [Organisation, Organisation];
  site = await startSite(alpha, world.folder);
  far = await startSite(beta, world.folder);
}, 60_000);
afterAll(async () => {
  await site.sft.close();
  await far.sft.close();
  await world[Symbol.asyncDispose]();
});

const isDebug = (line: string) => line.includes('"level":20');
const debugged = () => ({ sft: site.logged.filter(isDebug), homeserver: alpha.logged.filter(isDebug) });

it('is shown and changed in both servers while they run, and goes back', async () => {
  expect(await say(site, logLevel)).toBe('The media server logs at info.\nThe homeserver logs at debug.');
  expect(await say(site, logLevel, 'info')).toBe('The media server logs at info.\nThe homeserver logs at info.');
  expect(await say(site, logLevel, 'warn', '--for', '1s', '--part', 'sft')).toMatch(
    /^The media server logs at warn until \d\d:\d\d:\d\d UTC, then at info again\.$/,
  );
  await until(async () => (await say(site, logLevel)).startsWith('The media server logs at info.'), 'it goes back');
  await expect(say(site, logLevel, 'debgu')).rejects.toThrow('Did you mean debug?');
  await expect(say(site, logLevel, 'debug', '--for', '10')).rejects.toThrow('--for takes a time such as 30s');
  await expect(say(site, logLevel, '--for', '10m')).rejects.toThrow('--for needs a level.');
  await expect(say(site, logLevel, 'debug', '--for', '25h')).rejects.toThrow('a day at most');
});

it('at debug a call can be followed, and nothing secret or personal is in it', async () => {
  const alice = await alpha.person('alicia', 'Alicia Smith');
  const bob = await beta.person('roberto');
  alpha.logged.length = 0;
  expect(debugged()).toEqual({ sft: [], homeserver: [] });
  const state = JSON.parse(await say(site, logLevel, 'debug', '--for', '10m', '--json')) as Record<string, object>;
  expect(state).toEqual({
    sft: { level: 'debug', back: 'info', until: expect.any(Number) },
    homeserver: { level: 'debug', back: 'info', until: expect.any(Number) },
  });
  const { conversation } = await alice.create('Takeover of Gamma', bob.id);
  const { call } = await alice.call(conversation);
  await until(async () => (await bob.conversations()).some((each) => each.call), 'the call at beta');
  const tickets = [await alice.ticket(conversation), await bob.ticket(conversation)] as const;
  using her = await TestPerson.enter(tickets[0]);
  using him = await TestPerson.enter(tickets[1]);
  await her.speak();
  await him.hears(her);
  await Promise.all([her.leave(), him.leave()]);
  await until(() => debugged().homeserver.some((line) => line.includes('"participants":0')), 'the end of it');

  const { sft, homeserver } = debugged();
  const seen = (lines: readonly string[], ...parts: string[]) =>
    lines.some((line) => parts.every((part) => line.includes(part)));
  const { conference } = call;
  expect(seen(sft, conference, her.participant, '"step":"connect"')).toBe(true);
  expect(seen(sft, conference, 'beta.example', '"step":"let in"')).toBe(true);
  expect(seen(sft, 'beta.example', '"step":"trunk stands"')).toBe(true);
  expect(seen(homeserver, '"route":"/api/v1/conversations/:conversation/call/tickets"', '"status":')).toBe(true);
  expect(seen(homeserver, 'asked another domain', 'beta.example')).toBe(true);
  expect(seen(homeserver, conference, 'who is there')).toBe(true);

  const everything = [...site.logged, ...alpha.logged].join('');
  const { accessToken } = alice.session;
  for (const secret of [
    'alicia',
    'Alicia',
    'roberto',
    'Takeover',
    PASSWORD,
    accessToken,
    ...tickets.map(({ ticket }) => ticket),
  ])
    expect(everything).not.toContain(secret);
  // Keys of trunks, grants and tickets are longer than any id.
  expect(everything.match(/[A-Za-z0-9+/_-]{40,}/g)).toBeNull();
}, 60_000);
