/** A media server that is drained: calls that are here go on, with all that belongs to it, and no others begin. */

import { pino } from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { until } from '#signalling/testing.ts';
import { temporaryFolder } from '#trust/testing-folder.ts';
import { type RunningSft, startSft } from './main.ts';
import { newConferenceId, TestSft } from './testing.ts';
import { TestPerson } from './testing-people.ts';

const folder = temporaryFolder();
let alpha: TestSft;
let beta: TestSft;
let running: RunningSft;
let isDrained = false;

beforeAll(async () => {
  const log = pino({ level: 'silent' });
  const run: NonNullable<Parameters<typeof TestSft.start>[2]>['run'] = async (site) => {
    running = await startSft({ site, log, linkIdleMs: 50 });
    void running.drained.then(() => {
      isDrained = true;
    });
    return running;
  };
  alpha = await TestSft.start(folder, 'alpha', { mode: 'layers', run });
  beta = await TestSft.start(folder, 'beta', { mode: 'layers' });
  await alpha.allow({ of: beta.test });
  await beta.allow({ of: alpha.test });
});
afterAll(() => Promise.all([alpha, beta].map((sft) => sft?.close())));

const at = (path: string) => `http://${alpha.site.sft.admin.listen}${path}`;

async function drain(body: object, sft = alpha) {
  const response = await fetch(`http://${sft.site.sft.admin.listen}/drain`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: response.status, answer: (await response.json()) as Record<string, unknown> };
}

it('goes on for whoever is in a call or comes into it, also from elsewhere, and ends with the last one', async () => {
  const [here, elsewhere, other] = [newConferenceId(), newConferenceId(), newConferenceId()];
  for (const conference of [here, elsewhere]) beta.federate(conference, alpha);
  using alice = await TestPerson.join(alpha, here);
  const lone = await alpha.connect();
  await lone.rpc.request('join', { conference: other, ticket: await alpha.ticket({ conference: other }) });
  await alice.speak();
  expect((await fetch(at('/ready'))).status).toBe(200);
  const headers = { origin: 'http://page.example', 'content-type': 'application/json' };
  const ofPage = { method: 'POST', body: '{"minutes":30}', headers };
  expect((await fetch(at('/drain'), ofPage)).status).toBe(400);
  expect(await drain({ minutes: -1 })).toMatchObject({ status: 400, answer: { code: 'SIG_SCHEMA' } });
  expect(await drain({ minutes: 30 })).toMatchObject({ status: 200, answer: { conferences: 2, participants: 2 } });

  const ready = await fetch(at('/ready'));
  expect([ready.status, await ready.json()]).toEqual([503, expect.objectContaining({ ok: true, draining: true })]);
  expect(await (await fetch(at('/health'))).json()).toMatchObject({ draining: true, until: expect.any(Number) });
  expect(await alpha.metric('hawser_sft_draining')).toBe(1);
  await until(() => alpha.drainsUntil !== undefined, 'its homeserver is told');

  // No conference begins, neither for the own people nor for a link.
  await expect(TestPerson.join(alpha, newConferenceId())).rejects.toMatchObject({
    code: 'SFT_DRAINING',
    retry: true,
    message: expect.stringMatching(/\(at 20.*Z at the latest\)$/),
  });
  expect(await alpha.metric('hawser_sft_refused_tickets_total', 'code="SFT_DRAINING"')).toBe(1);
  using waits = await TestPerson.join(beta, elsewhere, alpha);
  await until(() => beta.log.includes('SFT_DRAINING'), 'beta is refused');
  await waits.leave();

  // What is here works as ever.
  using anna = await TestPerson.join(alpha, here);
  using bob = await TestPerson.join(beta, here, alpha);
  await bob.speak();
  await Promise.all([anna.hears(alice), bob.hears(alice), alice.hears(bob)]);

  // The last one of a call is cut off and comes back.
  const told = () => alpha.presence.get(other)?.length;
  lone.rpc.close('SIG_TIMEOUT');
  await until(async () => (await alpha.state()).conferences.length === 1, 'nobody is in the other call');
  expect(told()).toBe(1);
  using again = await TestPerson.join(alpha, other);

  await again.leave();
  await Promise.all([alice.leave(), anna.leave()]);
  await until(async () => (await alpha.state()).conferences.every(({ roster }) => roster.length === 1), 'Bob is alone');
  expect(isDrained).toBe(false);
  await bob.leave();
  await until(() => isDrained, 'it is drained');
}, 60_000);

it('answers whoever wants it to end at once, before it does', async () => {
  const own = Promise.withResolvers<void>();
  const log = pino({ level: 'silent' });
  await using gamma = await TestSft.start(folder, 'gamma', {
    run: async (site) => {
      const sft = await startSft({ site, log });
      void sft.drained.then(() => sft.close()).then(own.resolve);
      return { close: () => own.promise };
    },
  });
  using _alone = await TestPerson.join(gamma, newConferenceId());
  expect(await drain({ minutes: 0 }, gamma)).toMatchObject({ status: 200, answer: { conferences: 1 } });
  await own.promise;
  await expect(gamma.state()).rejects.toThrow('fetch failed');
}, 60_000);
