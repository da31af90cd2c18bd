/** `hawser top` beside real servers, for scripts and in a real terminal. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Organisation, organise, type World } from '#homeserver/testing/organisation.ts';
import { TestPerson } from '#sft/testing-people.ts';
import { until } from '#signalling/testing.ts';
import { say, startSite, type TestSite } from '../servers/testing.ts';
import { top } from '../top.ts';
import { TestTerminal } from './testing-terminal.ts';

let world: World;
let organisations: readonly [Organisation, Organisation];
const sites: TestSite[] = [];
let site: TestSite;

beforeAll(async () => {
  world = await organise('alpha.example', 'beta.example');
  organisations = world.organisations as [Organisation, Organisation];
  for (const each of organisations) sites.push(await startSite(each, world.folder));
  [site] = sites as [TestSite];
}, 60_000);
afterAll(async () => {
  for (const { sft } of sites) await sft.close();
  await world[Symbol.asyncDispose]();
});

it('prints one frame of a call across two organisations where the output is no terminal', async () => {
  const [alice, bob] = await Promise.all([organisations[0].person('alice'), organisations[1].person('bob')]);
  const { conversation } = await alice.create('Ropes', bob.id);
  const { call } = await alice.call(conversation);
  await until(async () => (await bob.conversations()).some((each) => each.call), 'the call at beta');
  using her = await TestPerson.enter(await alice.ticket(conversation));
  using him = await TestPerson.enter(await bob.ticket(conversation));
  await her.speak();
  await him.hears(her);
  const beta = /\nbeta\.example +allowed +0 +up +\d+ ms +0\.0% +(\d\.\d\d) +(\d\.\d\d) +-\n/;
  // A machine that is busy for a moment loses a packet, or a heartbeat.
  const frame = await until(
    async () => {
      const text = await say(site, top);
      return beta.test(text) && text;
    },
    'a frame in which all is well',
    20_000,
  );
  expect(frame).toMatch(
    /^ hawser top {3}alpha\.example .* UTC\nMedia server up +people 1, calls 1 +\d+ MB, \d+%, lag \d+ ms\n/,
  );
  expect(frame).toMatch(/\nHomeserver {3}up +pages \d, calls 1 .*\nWorkers {6}0: \d+%\n/);
  const [, incoming = '', outgoing = ''] = beta.exec(frame) ?? [];
  // A voice of some 30 kbit/s, and the reports about it.
  expect(Number(outgoing)).toBeGreaterThan(0.01);
  expect(Number(incoming)).toBeLessThan(Number(outgoing));
  const { conference } = call;
  expect(frame).toMatch(/ +anchor +2 +alpha\.example 1, beta\.example 1$/);
  expect(frame).toContain(`\n${conference.slice(0, 10)}  `);
}, 60_000);

const ENTERED = '\u001b[?1049h\u001b[?25l';
const LEFT = '\u001b[?25h\u001b[?1049l';

it('fills a terminal, follows its size, and leaves it as it was', async () => {
  using terminal = new TestTerminal(['top', '--config', site.config]);
  await until(() => terminal.frame.length === 24 && terminal.text.includes('beta.example'), 'a frame', 20_000);
  expect(terminal.text).toContain('\u001b[7m');
  expect(terminal.frame.every((line) => line.length <= 80)).toBe(true);
  terminal.resize(9, 50);
  await until(() => terminal.frame.length === 9 && terminal.frame[0]?.length === 50, 'a smaller frame');
  terminal.press('\u001b[B');
  await until(() => !terminal.frame.some((line) => line.startsWith('PEER')), 'one line is scrolled away');
  terminal.press('q');
  expect(await terminal.ended).toBe(0);
  expect(terminal.text.startsWith(ENTERED)).toBe(true);
  expect(terminal.text.endsWith(LEFT)).toBe(true);
}, 60_000);

it('leaves the terminal as it was after Ctrl-C too, and has no colours where none are wanted', async () => {
  using terminal = new TestTerminal(['top', '--config', site.config], { NO_COLOR: '1' });
  await until(() => terminal.frame.length === 24, 'a frame', 20_000);
  terminal.press('\u0003');
  expect(await terminal.ended).toBe(0);
  expect(terminal.text).not.toContain('\u001b[7m');
  expect(terminal.text.endsWith(LEFT)).toBe(true);
}, 60_000);
