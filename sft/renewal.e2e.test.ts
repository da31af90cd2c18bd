/** All certificates of two organisations are renewed while their people talk: nobody misses a frame, and nobody joins again. */
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { certsRenew } from '#cli/certs.ts';
import { until } from '#signalling/testing.ts';
import { replaceFile } from '#trust/replace.ts';
import type { TestCertificate } from '#trust/testing.ts';
import { temporaryFolder } from '#trust/testing-folder.ts';
import { believe, shownAt } from '#trust/testing-tls.ts';
import { newConferenceId, TestSft } from './testing.ts';
import { type Ledger, MarkedPerson } from './testing-marks.ts';

const FRAME_MS = 20;
const MOST_GAP_MS = 100;
const MOST_LATE_MS = 200;

const folder = temporaryFolder();
let sfts: readonly [TestSft, TestSft];
let stopBelieving: readonly (() => void)[] = [];

beforeAll(async () => {
  const start = (name: string) => TestSft.start(folder, name, { mode: 'layers', entrance: 'plain', tls: true });
  sfts = [await start('alpha'), await start('beta')];
  const [alpha, beta] = sfts;
  await alpha.allow({ of: beta.test });
  await beta.allow({ of: alpha.test });
  stopBelieving = sfts.map(({ test }) => believe(test.authority));
});
afterAll(async () => {
  for (const stop of stopBelieving.toReversed()) stop();
  await Promise.all(sfts.map((sft) => sft.close()));
});

/** Everything that is new after somebody joined again, or after a link or trunk broke. */
async function standing() {
  const states = await Promise.all(sfts.map((sft) => sft.state()));
  return states.map(({ links, conferences }) => ({
    trunks: links.map(({ peer, dialled, trunks }) => ({ peer, dialled, trunks: trunks.map(({ trunk }) => trunk) })),
    roster: conferences.map(({ roster }) => roster.map(({ participant }) => participant)),
  }));
}

const print = async ({ certificate }: TestCertificate) =>
  new X509Certificate(await readFile(certificate)).fingerprint256;

/** What `hawser certs renew` and an ACME client do, and until the servers show it. */
async function renew(sft: TestSft): Promise<void> {
  const { test, site } = sft;
  const out = () => undefined;
  expect(await certsRenew.execute([test.folder], { out, err: out, signal: new AbortController().signal })).toBe(0);
  const { tls } = site.sft.client;
  if (!tls) throw new Error('no TLS');
  const fresh = await test.issue({ names: ['127.0.0.1'] });
  for (const which of ['certificate', 'key'] as const) {
    await replaceFile(tls[which], await readFile(fresh[which], 'utf8'), 0o600);
  }
  for (const [url, certificate] of [
    [site.sft.client.url, tls],
    [site.sft.link.url, test.sft],
    [site.sft.homeserver, test.homeserver],
  ] as const) {
    const wanted = await print(certificate);
    await until(async () => (await shownAt(Number(new URL(url).port))) === wanted, `the new certificate at ${url}`);
  }
}

it('goes on over the trunk and at the door of browsers, frame by frame', async () => {
  const [alpha, beta] = sfts;
  const ledger: Ledger = { faults: [], sources: new Map(), packets: 0 };
  const conference = newConferenceId();
  beta.federate(conference, alpha);
  const people = await Promise.all(sfts.map((sft) => MarkedPerson.join(sft, conference, alpha, ledger)));
  let sent = performance.now();
  const sending = setInterval(() => {
    // What a moment without the processor kept from being sent at once would be more than a socket holds.
    if (performance.now() - sent > MOST_LATE_MS) sent = performance.now();
    for (; sent + FRAME_MS <= performance.now(); sent += FRAME_MS) for (const person of people) person.send(FRAME_MS);
  }, 5);
  try {
    for (const person of people) for (const kind of ['microphone', 'camera'] as const) await person.publish(kind);
    const complete = (person: MarkedPerson) => person.others.flatMap(({ sources }) => sources).length === 2;
    await until(() => people.every(complete), 'both rosters');
    for (const person of people) person.watch(180);
    await until(() => people.every(({ got }) => got.size === 2), 'both heard and seen', 20_000);

    const frames = new Map<string, Set<number>>();
    for (const person of people) {
      person.onPacket = ({ kind, layer, frame }) => {
        const key = `${kind} ${layer} at ${person.sft.domain}`;
        frames.set(key, (frames.get(key) ?? new Set()).add(frame));
      };
    }
    const least = () => Math.min(...[...frames.values()].map(({ size }) => size));
    await until(() => frames.size === 4 && least() > 10, 'all of them flowing');
    const before = await standing();
    for (const sft of sfts) await renew(sft);
    const renewed = least();
    await until(() => least() > renewed + 50, 'all of them flowing on');

    expect(await standing()).toEqual(before);
    expect(people.map(({ isIn }) => isIn)).toEqual([true, true]);
    for (const [key, seen] of frames) {
      const all = [...seen].toSorted((a, b) => a - b);
      const missing = (all.at(-1) ?? 0) - (all[0] ?? 0) + 1 - all.length;
      if (key.startsWith('camera')) expect([key, missing]).toEqual([key, 0]);
      else expect(missing * FRAME_MS, key).toBeLessThan(MOST_GAP_MS);
    }
    for (const { log } of sfts) expect(log).not.toContain('a link ended');
    // The keys of the trunk are changed over a link that began with the old certificates.
    await until(async () => (await alpha.rotate(beta)).rotated === 1, 'the command taken');
    const trunk = before[0]?.trunks[0]?.trunks[0];
    await until(async () => (await standing())[0]?.trunks[0]?.trunks.every((each) => each !== trunk), 'another trunk');
  } finally {
    clearInterval(sending);
    for (const person of people) person[Symbol.dispose]();
  }
  expect(ledger.faults).toEqual([]);
  await Promise.all(sfts.map((sft) => sft.idle()));

  // Who calls afterwards does so with the new certificates on both sides.
  await until(async () => (await standing()).every(({ trunks }) => trunks.length === 0), 'no link any more');
  const next = newConferenceId();
  alpha.federate(next, beta);
  using here = await MarkedPerson.join(alpha, next, beta, ledger);
  using there = await MarkedPerson.join(beta, next, beta, ledger);
  await until(() => here.others.length + there.others.length === 2, 'both once more');
  for (const sft of sfts) expect(await sft.metric('hawser_sft_faults_total')).toBe(0);
});
