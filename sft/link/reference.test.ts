/** The reference page says what the contract says, so that a stranger who follows it is understood. */
import { readFile } from 'node:fs/promises';
import { getSupportedRtpCapabilities } from 'mediasoup';
import type { TObject } from 'typebox';
import { describe, expect, test } from 'vitest';
import { PAYLOAD, SRTP_SUITE } from '#signalling/media-profile.ts';
import {
  CONSENT_MS,
  DEMAND_SPACING_MS,
  HEARTBEAT_MS,
  LINK_PATH,
  LINK_VERSIONS,
  LinkParticipant,
  LinkSource,
  LinkStream,
  MAX_LEVELS,
  SFT_LINK,
  ShedReason,
  SUSPECT_MS,
} from '#signalling/sft-link.ts';
import {
  CONFERENCE_SIGNALS,
  LINK_SIGNALS,
  MAX_SIGNAL_BYTES,
  PARTICIPANT_SIGNALS,
  type SignalLimit,
} from '#signalling/signal.ts';
import { MOST_DEMAND_CHANGES } from '../trunk/account.ts';
import { FIRST_BACK_OFF_MS, LAST_BACK_OFF_MS } from '../trunk/back-off.ts';
import { LEAST_AGE_MS, RETIRE_MS, ROTATION } from '../trunk/rotation.ts';

const page = await readFile(new URL('../../docs/reference/sft-link.md', import.meta.url), 'utf8');
/** The cells of the row that begins with it. */
const row = (first: string): string[] => {
  const line = page.split('\n').find((each) => each.startsWith(`| \`${first}\` |`));
  return (line ?? expect.fail(`no row of ${first}`)).split(' | ').map((cell) => cell.trim());
};
const members = (schema: TObject) => Object.keys(schema.properties).filter((name) => name !== 'conference');

describe('messages', () => {
  test.each(Object.entries(SFT_LINK.requests))('the request %s, its parameters and its result', (name, spec) => {
    const [, parameters = '', result = ''] = row(name);
    for (const member of Object.keys(spec.params.properties)) expect(parameters).toContain(`\`${member}\``);
    // The acceptor's hello is the dialler's.
    if (name !== 'hello')
      for (const member of Object.keys(spec.result.properties)) expect(result).toContain(`\`${member}\``);
  });

  test.each(Object.entries(SFT_LINK.notifications))(
    'the notification %s, who says it, and its members',
    (name, spec) => {
      const [, from, says = ''] = row(name);
      expect(from).toBe(spec.from);
      for (const member of members(spec.params)) expect(says).toContain(`\`${member}\``);
    },
  );

  test.each([
    ['sources', [LinkParticipant, LinkSource]],
    ['streams', [LinkStream]],
  ] as const)('what %s lists', (name, schemas) => {
    const [, , says = ''] = row(name);
    for (const schema of schemas) for (const member of members(schema)) expect(says).toContain(`\`${member}\``);
  });

  test('nothing that there is not', () => {
    const rows = [...page.matchAll(/^\| `([a-z]+)` \| (both|acceptor|dialler) \|/gm)].map(([, name]) => name);
    expect(rows).toEqual(['sources', 'streams', 'demand', 'levels', 'shed', 'signal', 'rotate', 'ended']);
    expect(new Set(rows)).toEqual(new Set(Object.keys(SFT_LINK.notifications)));
  });

  test('why something is left out', () => {
    const reasons: readonly string[] = Reflect.get(ShedReason, 'enum') ?? [];
    expect(reasons.length).toBeGreaterThan(0);
    for (const reason of reasons) expect(page).toContain(`\`${reason}\``);
  });
});

test('figures', () => {
  const seconds = (ms: number) => `${ms / 1_000} s`;
  const atOnce = ({ burst }: SignalLimit) => `(${burst} at once)`;
  const inWords = page.replaceAll('\n', ' ');
  for (const words of [
    `${LINK_PATH}\``,
    `versions ${LINK_VERSIONS.min} to ${LINK_VERSIONS.max}`,
    `\`${SFT_LINK.protocol}\``,
    `a message: ${SFT_LINK.maxLength.dialler / 1024 / 1024} MiB`,
    `a heartbeat every ${HEARTBEAT_MS} ms`,
    `${SUSPECT_MS} ms of silence`,
    `after ${seconds(CONSENT_MS)} of it`,
    `One statement in ${DEMAND_SPACING_MS} ms counts`,
    `no more than one in ${DEMAND_SPACING_MS * 1.25} ms`,
    `Above ${MOST_DEMAND_CHANGES} a second`,
    `\`level\`}] (${MAX_LEVELS})`,
    `when ${ROTATION.streams.toLocaleString('en')} SSRCs were used on it, or after ${ROTATION.ageMs / 3_600_000} hours`,
    `younger than ${seconds(LEAST_AGE_MS)} is not replaced`,
    `after ${seconds(RETIRE_MS)} at the latest`,
    `refused for ${seconds(FIRST_BACK_OFF_MS)}`,
    `up to ${LAST_BACK_OFF_MS / 60_000} minutes`,
    `\`${SRTP_SUITE}\``,
    `(${MAX_SIGNAL_BYTES} bytes, base64url)`,
    `${PARTICIPANT_SIGNALS.perSecond} a second of one participant ${atOnce(PARTICIPANT_SIGNALS)}`,
    `${CONFERENCE_SIGNALS.perSecond} of a conference ${atOnce(CONFERENCE_SIGNALS)}`,
    `${LINK_SIGNALS.perSecond} on a link in each direction ${atOnce(LINK_SIGNALS)}`,
  ])
    expect(inWords).toContain(words);
});

test('payload types and header extensions, which nobody negotiates', () => {
  const types = [...page.matchAll(/^\| (?:Opus|VP8|VP9)[^|]*\| (\d+) \| (?:RTX[^|]*? (\d+) under)?/gm)];
  const { opus, vp8, vp8rtx, vp9, vp9rtx } = PAYLOAD;
  expect(types.map(([, type, rtx]) => [Number(type), rtx && Number(rtx)])).toEqual([
    [opus, undefined],
    [vp8, vp8rtx],
    [vp9, vp9rtx],
  ]);
  const extensions = [...page.matchAll(/^\| `(urn:[^`]+)` \| (\d+) \|/gm)];
  expect(extensions).toHaveLength(2);
  const known = getSupportedRtpCapabilities().headerExtensions ?? [];
  for (const [, uri, id] of extensions)
    expect(known.filter((each) => each.uri === uri).map((each) => each.preferredId)).toContain(Number(id));
});
