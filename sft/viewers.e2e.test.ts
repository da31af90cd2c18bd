import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type {} from '#client/testing/browser-person.ts';
import { until } from '#signalling/testing.ts';
import { temporaryFolder } from '#trust/testing-folder.ts';
import { newConferenceId, TestSft } from './testing.ts';
import { TestBrowsers } from './testing-browsers.ts';
import { NarrowPath } from './testing-narrow-path.ts';
import { TestPerson } from './testing-people.ts';

/** Where the people of beta reach their SFT. */
const CLIENT_IP = '127.0.3.1';

const folder = temporaryFolder();
let alpha: TestSft;
let beta: TestSft;
let browsers: TestBrowsers;
let path: NarrowPath;

beforeAll(async () => {
  browsers = await TestBrowsers.start();
  alpha = await TestSft.start(folder, 'alpha', { mode: 'layers' });
  beta = await TestSft.start(folder, 'beta', { mode: 'layers', clientIp: CLIENT_IP });
  await alpha.allow({ of: beta.test });
  await beta.allow({ of: alpha.test });
  path = await NarrowPath.open({ announcedIp: CLIENT_IP, port: beta.site.sft.media.port });
});
afterAll(async () => {
  await browsers?.close();
  await Promise.all([alpha, beta].map((sft) => sft?.close()));
  await path?.close();
});

/** Resolves when the SFT delivers these layers of somebody's camera and no others. */
async function gets(page: Page, of: TestPerson, layers: readonly number[]): Promise<void> {
  const now = () => page.evaluate((participant) => window.person.layersOf(participant), of.participant);
  const is = async () => (await now()).join() === layers.join();
  await until(is, `the layers ${layers}`, 40_000).catch(async (error: unknown) => {
    throw new Error(`${error}, but ${await now()}`);
  });
}

const look = (page: Page, of: TestPerson, pixels: number) =>
  page.evaluate(([participant, shown]) => window.person.lookAt(participant, shown), [of.participant, pixels] as const);

it('gives a viewer whose path is too narrow for the large picture the middle one, until it is wide again', async () => {
  path.limit();
  const conference = newConferenceId();
  beta.federate(conference, alpha);
  using alice = await TestPerson.join(alpha, conference);
  await alice.film();
  const page = await browsers.join(beta, conference, alpha);
  await page.waitForFunction(() => window.person.cameras.length === 1);
  await look(page, alice, 720);
  await gets(page, alice, [0, 2]);
  // 1.65 Mbit/s do not fit, 0.65 do; the lowest layer is there all the time.
  path.limit(1.2);
  await gets(page, alice, [0, 1]);
  const { frames } = await page.evaluate(() => window.person.seen());
  await until(async () => (await page.evaluate(() => window.person.seen())).frames > frames + 20, 'more pictures');
  expect(await page.evaluate(() => window.person.seen())).toMatchObject({ height: 360 });
  path.limit();
  await gets(page, alice, [0, 2]);
}, 120_000);

it('gives the large picture its room before others get more than their smallest', async () => {
  path.limit(2.2);
  const conference = newConferenceId();
  beta.federate(conference, alpha);
  using alice = await TestPerson.join(alpha, conference);
  using carol = await TestPerson.join(alpha, conference);
  await Promise.all([alice.film(), carol.film()]);
  const page = await browsers.join(beta, conference, alpha);
  await page.waitForFunction(() => window.person.cameras.length === 2);
  await look(page, carol, 360);
  await gets(page, carol, [0, 1]);
  // 2.3 Mbit/s together.
  await look(page, alice, 720);
  await gets(page, alice, [0, 2]);
  await gets(page, carol, [0]);
  path.limit();
  await gets(page, carol, [0, 1]);
  await gets(page, alice, [0, 2]);
}, 120_000);
