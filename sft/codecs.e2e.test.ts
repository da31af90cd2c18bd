/** Codecs of pictures other than the usual one, as the SFT takes them from a client and announces them to others. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describing } from '#client/testing/describing-engine.ts';
import { PAYLOAD } from '#signalling/media-profile.ts';
import { until } from '#signalling/testing.ts';
import { temporaryFolder } from '#trust/testing-folder.ts';
import { newConferenceId, TestSft } from './testing.ts';
import { TestPerson } from './testing-people.ts';

const folder = temporaryFolder();
let alpha: TestSft;
let beta: TestSft;

beforeAll(async () => {
  const start = (name: string) => TestSft.start(folder, name, { mode: 'layers' });
  [alpha, beta] = await Promise.all([start('alpha'), start('beta')]);
  await alpha.allow({ of: beta.test });
  await beta.allow({ of: alpha.test });
});
afterAll(async () => {
  await Promise.all([alpha, beta].map((sft) => sft?.close()));
});

it('refuses AV1 and tells the person why and what to do', async () => {
  const conference = newConferenceId();
  using alice = await TestPerson.join(alpha, conference, alpha, describing('video/AV1', 45, 46, 'L1T3'));
  await expect(alice.film()).rejects.toThrow('not taken');
  expect(alice.conference.state.local.camera).toMatchObject({
    phase: 'failed',
    failure: {
      code: 'SFT_CODEC_REFUSED',
      sentence: expect.stringMatching(/AV1.*calls between organisations.*VP8 or VP9/),
    },
  });
  using bob = await TestPerson.join(alpha, conference);
  expect(bob.source(alice, 'camera')).toBeUndefined();
});

it('announces VP9 to other organisations as one stream, which nobody asks for who cannot show it', async () => {
  const conference = newConferenceId();
  beta.federate(conference, alpha);
  const vp9 = describing('video/VP9', PAYLOAD.vp9, PAYLOAD.vp9rtx, 'L3T3');
  using alice = await TestPerson.join(alpha, conference, alpha, vp9);
  using bob = await TestPerson.join(beta, conference, alpha);
  await Promise.all([alice.film(), alice.speak()]);
  await bob.watch(alice, 720);
  await bob.hears(alice);
  expect(bob.source(alice, 'camera')).toMatchObject({
    codec: 'vp9',
    layers: [0, 1, 2],
    decodable: false,
    renditions: [],
  });
  const pictures = async () =>
    (await alpha.state()).links
      .flatMap(({ trunks }) => trunks.flatMap(({ streams }) => streams))
      .filter(({ kind }) => kind === 'camera');
  await until(async () => (await pictures()).length > 0, 'the stream on the trunk');
  expect(await pictures()).toMatchObject([{ direction: 'out', layers: [0, 1, 2], packets: 0 }]);
}, 30_000);
