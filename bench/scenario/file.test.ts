import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { SiteError } from '#site/mistakes.ts';
import { describe } from './describe.ts';
import { type Instead, loadScenario, parseScenario, scenarioNames } from './file.ts';

const read = (text: string, instead?: Instead) => parseScenario('mine', text, 'mine.yaml', instead);

const GOOD = `people:
  - { at: alpha, count: 2, publish: [camera, microphone] }
  - { at: beta, publish: [microphone] }
  - { at: beta, watch: { layout: small, small: 2 } }
speech:
  - { who: everybody, to: 5 }
`;

it('reads a file and fills in what it leaves out', () => {
  const { people, turns, ...rest } = read(GOOD);
  expect(rest).toMatchObject({ name: 'mine', seconds: 20, settleSeconds: 2, entrance: 'webrtc' });
  expect(people.map(({ name, publishes }) => `${name} ${publishes.join()}`)).toEqual([
    'alpha-1 camera,microphone',
    'alpha-2 camera,microphone',
    'beta-1 microphone',
    'beta-2 ',
  ]);
  expect(turns.map(({ who, from, to }) => `${who} ${from} ${to}`)).toEqual([
    'alpha-1 0 5',
    'alpha-2 0 5',
    'beta-1 0 5',
  ]);
  expect(read(GOOD, { seconds: 60, entrance: 'plain' })).toMatchObject({ seconds: 60, entrance: 'plain' });
});

it('reads each scenario that comes with the benchmark, and can say it in words', async () => {
  const names = await scenarioNames();
  expect(names).toEqual([
    'gallery',
    'large',
    'nobody-watches',
    'one-thumbnail',
    'screen-share',
    'speaker',
    'spread',
    'three-domains',
    'thumbnails-30',
  ]);
  const sizes = new Map<string, number>();
  for (const name of names) {
    const scenario = await loadScenario(name);
    sizes.set(name, scenario.people.length);
    expect(describe(scenario.file).length).toBeGreaterThan(2);
  }
  expect(sizes.get('large')).toBe(240);
  expect(sizes.get('speaker')).toBe(20);
});

const PEOPLE = 'people:\n  - { at: alpha, count: 2, publish: [camera, microphone] }\n  - { at: beta }\n';

it.each([
  ['an option that does not exist', 'second: 5\n', 'mine.yaml:1:1: There is no option "second". Did you mean seconds?'],
  ['nobody', 'seconds: 5\n', 'mine.yaml:1:1: people is missing: who is where, as a list of groups.'],
  [
    'another organisation',
    'people:\n  - { at: omega }\n',
    'mine.yaml:2:11: people.1.at must be one of alpha, beta, gamma, delta, not "omega".',
  ],
  ['too long', `seconds: 1000\n${PEOPLE}`, 'mine.yaml:1:10: seconds must be a whole number from 2 to 600, not 1000.'],
  [
    'nobody at the anchor',
    'people:\n  - { at: beta, publish: [camera] }\n',
    'mine.yaml:2:11: nobody is at alpha, which is the anchor: the call is started there. Put somebody at alpha.',
  ],
  [
    'nobody elsewhere',
    'people:\n  - { at: alpha, publish: [camera] }\n',
    'mine.yaml:2:11: everybody is at alpha, so that nothing crosses a border. Put somebody at another organisation, such as beta.',
  ],
  [
    'nothing published',
    'people:\n  - { at: alpha }\n  - { at: beta }\n',
    'mine.yaml:2:11: nobody publishes anything. Give somebody publish: [camera, microphone].',
  ],
  [
    'too many people',
    `${PEOPLE}  - { at: beta, count: 398 }\n`,
    'mine.yaml:2:11: 401 people are in the call; there may be 400.',
  ],
  [
    'more small pictures than there are',
    `${PEOPLE}  - { at: beta, watch: { layout: speaker, small: 2 } }\n`,
    'mine.yaml:4:50: people.3.watch.small: 2 small pictures are asked for, and there are 1: write 1 or less, or leave it out for all.',
  ],
  [
    'small pictures in a gallery',
    `${PEOPLE}  - { at: beta, watch: { layout: gallery, small: 2 } }\n`,
    'mine.yaml:4:50: people.3.watch.small: the layout gallery has no small pictures; leave it out.',
  ],
  [
    'no screen to look at',
    `${PEOPLE}  - { at: beta, watch: { layout: screen } }\n`,
    'mine.yaml:4:34: people.3.watch.layout: nobody else publishes a screen to look at. Give somebody publish: [screen].',
  ],
  [
    'somebody who is not there',
    `${PEOPLE}speech:\n  - { who: alpha-3 }\n`,
    'mine.yaml:5:12: speech.1.who: there is no alpha-3; 2 people are at alpha.',
  ],
  [
    'somebody without a microphone',
    `${PEOPLE}speech:\n  - { who: beta-1 }\n`,
    'mine.yaml:5:12: speech.1.who: beta-1 has no microphone. Add microphone to what that group publishes.',
  ],
  [
    'a turn that ends before it begins',
    `${PEOPLE}speech:\n  - { who: alpha-1, from: 9, to: 3 }\n`,
    'mine.yaml:5:27: speech.1.from: the turn must end after it begins; it is from 9 to 3 s.',
  ],
  [
    'a turn after the end',
    `seconds: 10\n${PEOPLE}speech:\n  - { who: alpha-1, from: 10 }\n`,
    'mine.yaml:6:27: speech.1.from: the turn begins at 10 s, when the measurement of 10 s is over.',
  ],
  [
    'turns too short to be judged',
    `${PEOPLE}speech:\n  - { who: alpha-1, to: 10 }\n  - { who: alpha-2, from: 12 }\n`,
    'mine.yaml:5:12: who speaks is the same for 2 s only, from 10 to 12 s; it must stay so for 5 s, so that what comes then can be judged.',
  ],
])('says of %s on which line it is and what to write', (_, text, sentence) => {
  expect(() => read(text)).toThrow(sentence);
});

it('throws nothing but mistakes with their lines, whatever the text is', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json(),
        fc.tuple(fc.nat(GOOD.length), fc.string()).map(([at, text]) => GOOD.slice(0, at) + text),
      ),
      (text) => {
        try {
          read(text);
        } catch (error) {
          expect(error).toBeInstanceOf(SiteError);
        }
      },
    ),
  );
});

it('finds a file by its path and tells a name from one', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'hawser-test-'));
  try {
    const path = join(folder, 'mine.yaml');
    await writeFile(path, GOOD);
    expect((await loadScenario(path)).name).toBe('mine');
    await expect(loadScenario(join(folder, 'other.yaml'))).rejects.toThrow(
      `${join(folder, 'other.yaml')}: there is no such file.`,
    );
  } finally {
    await rm(folder, { recursive: true });
  }
  await expect(loadScenario('speeker')).rejects.toThrow(
    'There is no scenario speeker. Did you mean speaker? A file of your own needs a path: ./speeker.yaml.',
  );
  await expect(loadScenario('x')).rejects.toThrow('There are gallery, large');
});
