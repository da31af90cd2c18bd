import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PathReport, PortsLeft, ProbeReport } from '#signalling/probe.ts';
import { mediaSteps, rangesOf } from './media.ts';
import { linesOf, verdict } from './step.ts';

const whole: PathReport = {
  ...{ tried: 200, unsent: 0, silent: [], lostSizes: [], translated: undefined },
  stream: { sentPackets: 800, packets: 800, kbps: 4_000 },
};

function stepsOf(out: Partial<PathReport>, back: Partial<PathReport> = {}, rttMs: number | undefined = 20) {
  const path = { out: { ...whole, ...out }, in: { ...whole, ...back }, rttMs };
  const steps = mediaSteps({ path, left: { own: NONE, far: NONE } }, SIDES);
  return steps.filter(({ outcome }) => outcome !== 'ok' && outcome !== 'skipped');
}

const SIDES = { own: 'alpha.example', peer: 'beta.example' };
const NONE: PortsLeft = { busy: [], taken: [], late: [] };
/** Of a report about ports that were left out. */
function portsOf(
  own: Partial<PortsLeft>,
  far: Partial<PortsLeft>,
  more: Pick<ProbeReport, 'ended'> = {},
  tried = true,
) {
  const left = { own: { ...NONE, ...own }, far: { ...NONE, ...far } };
  const path = { out: whole, in: whole, rttMs: 20 };
  return mediaSteps({ left, ...(tried && { path }), ...more }, SIDES).find(({ step }) => step === 'ports');
}

const pairs = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ from: 41_000 + index, to: 42_000 + index }));

describe('the way of media', () => {
  it('is well where all of it arrives', () => expect(stepsOf({})).toEqual([]));

  it.each([
    ['nothing arrives there', { silent: pairs(200) }, {}, 'media-out', 'them', 'trunk-in:alpha.example'],
    [
      'our own machine lets nothing out',
      { silent: pairs(200), unsent: 1_600 },
      {},
      'media-out',
      'you',
      'trunk-out:beta.example',
    ],
    ['nothing arrives here', {}, { silent: pairs(200) }, 'media-in', 'you', 'trunk-in:beta.example'],
    [
      'their machine lets nothing out',
      {},
      { silent: pairs(200), unsent: 1_600 },
      'media-in',
      'them',
      'trunk-out:alpha.example',
    ],
    ['some ports are closed', { silent: pairs(3) }, {}, 'media-out', 'them', 'trunk-in:alpha.example'],
  ] as const)('%s', (_what, out, back, step, who, rule) => {
    expect(stepsOf(out, back)).toMatchObject([{ step, outcome: 'failed', who, rule }]);
  });

  it('names the ports that are closed, as those who own them number them', () => {
    const [out] = stepsOf({ silent: pairs(3) });
    expect(out?.saw).toContain('ports 42000-42002 of beta.example');
    const [back] = stepsOf({}, { silent: [{ from: 42_005, to: 41_007 }] });
    expect(back?.saw).toContain('ports 42005 of beta.example');
  });

  it('warns of loss that people notice, and fails where they cannot talk', () => {
    const lost = (share: number) => ({ stream: { ...whole.stream, packets: 800 * (1 - share) } });
    expect(stepsOf(lost(0.01))).toEqual([]);
    expect(stepsOf(lost(0.05))).toMatchObject([{ step: 'trunk', outcome: 'warning' }]);
    expect(stepsOf({}, lost(0.2))).toMatchObject([{ step: 'trunk', outcome: 'failed' }]);
    expect(stepsOf({}, {}, 400)).toMatchObject([
      { step: 'trunk', outcome: 'warning', saw: expect.stringContaining('400.0 ms') },
    ]);
  });

  it.each([
    ['out', { lostSizes: [1_400] }, {}, 'you', 'from alpha.example 1400 bytes never arrive'],
    ['in', {}, { lostSizes: [1_200, 1_400] }, 'them', 'from beta.example 1200, 1400 bytes never arrive'],
    ['both', { lostSizes: [1_400] }, { lostSizes: [1_400] }, 'both', 'from alpha.example 1400'],
  ] as const)('lets whoever sends what is lost look first: large datagrams, %s', (_way, out, back, who, saw) => {
    const [sizes] = stepsOf(out, back);
    expect(sizes).toMatchObject({ step: 'sizes', outcome: 'failed', who, saw: expect.stringContaining(saw) });
    expect(sizes?.cause).toContain('nobody sees from here');
  });

  it.each([
    ['out', 0.2, 0, 'you', 'from alpha.example'],
    ['in', 0, 0.2, 'them', 'from beta.example'],
    ['both', 0.2, 0.05, 'both', 'in both directions'],
  ] as const)('lets whoever sends what is lost look first: a part of all packets, %s', (_way, out, back, who, way) => {
    const lost = (share: number) => ({ stream: { ...whole.stream, packets: 800 * (1 - share) } });
    const [trunk] = stepsOf(lost(out), lost(back));
    expect(trunk).toMatchObject({ step: 'trunk', outcome: 'failed', who, cause: expect.stringContaining(way) });
  });

  it('tells a changed port from a changed address', () => {
    const said = { ip: '20.1.0.2', port: 41_000 };
    const [port] = stepsOf({ translated: { said, seen: { ...said, port: 50_000 } } });
    expect(port).toMatchObject({ step: 'translation', who: 'you', todo: expect.stringContaining('one to one') });
    const [address] = stepsOf({}, { translated: { said, seen: { ...said, ip: '20.1.0.9' } } });
    expect(address).toMatchObject({ step: 'translation', who: 'them', todo: expect.stringContaining('20.1.0.9') });
  });
});

describe('trunk ports that were left out', () => {
  it('are none, or those of calls', () => {
    expect(portsOf({}, {})).toMatchObject({ outcome: 'ok', saw: 'all of them were tried' });
    expect(portsOf({ busy: [41_000] }, { busy: [42_000, 42_001] })).toMatchObject({
      outcome: 'ok',
      saw: '41000 of alpha.example are left to calls; 42000-42001 of beta.example are left to calls; all others were tried',
    });
  });

  it.each([
    ['held by another program here', { taken: [41_003] }, {}, {}, 'you', /41003 of alpha\.example are held by another/],
    ['held by another program there', {}, { taken: [42_003] }, {}, 'them', /42003 of beta\.example were not to be had/],
    [
      'more than are tried',
      { late: [41_005] },
      { late: [42_005] },
      {},
      'you',
      /41005 of alpha\.example were not tried/,
    ],
    ['a way that is slow', {}, { late: [42_005] }, { ended: 'SIG_TIMEOUT' }, 'you', /broke off \(SIG_TIMEOUT\)/],
  ] as const)('are warned of: %s', (_what, own, far, more, who, saw) => {
    expect(portsOf(own, far, more)).toMatchObject({ outcome: 'warning', who, saw: expect.stringMatching(saw) });
  });

  it('are what is wrong where another program holds all of them', () => {
    expect(portsOf({ taken: [41_000, 41_001] }, {}, {}, false)).toMatchObject({ outcome: 'failed', who: 'you' });
  });

  it('are no closed way, and nobody is told that it is open', () => {
    const steps = mediaSteps({ left: { own: NONE, far: { ...NONE, late: [42_000] } }, ended: 'SIG_TIMEOUT' }, SIDES);
    expect(steps.map(({ step, outcome }) => `${step} ${outcome}`)).toEqual([
      'ports warning',
      ...['media-out', 'media-in', 'sizes', 'translation', 'trunk'].map((step) => `${step} skipped`),
    ]);
    expect(verdict(steps, 'calls work')).toMatch(/^What was tried is well\. Not tried: UDP from your trunk ports/);
  });
});

it('writes numbers as ranges from which they can be read again', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 300 })), (numbers) => {
      const read = rangesOf(numbers)
        .split(', ')
        .filter((range) => range !== '')
        .flatMap((range) => {
          const [from = 0, to = from] = range.split('-').map(Number);
          return Array.from({ length: to - from + 1 }, (_, index) => from + index);
        });
      expect(read).toEqual([...new Set(numbers)].sort((a, b) => a - b));
    }),
  );
});

it('ends with one line: ready, or the first thing that is not well and how many more', () => {
  const [one] = stepsOf({ silent: pairs(200) });
  if (!one) throw new Error('that is not well');
  expect(verdict([], 'calls work')).toBe('Ready: calls work.');
  expect(verdict([one, one], 'calls work')).toMatch(/^Not ready: .*nothing arrived at beta\.example, and 1 more\.$/);
  expect(linesOf(one, 'beta.example').join('\n')).toMatch(
    /^FAILED .*\n {9}Most likely: .*\n {9}To do, by the administrator of beta\.example: /,
  );
});
