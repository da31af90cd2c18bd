import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PathReport, ProbeReport } from '#signalling/probe.ts';
import { mediaSteps, rangesOf } from './media.ts';
import { linesOf, verdict } from './step.ts';

const whole: PathReport = {
  ...{ tried: 200, unsent: 0, silent: [], lostSizes: [], translated: undefined },
  stream: { sentPackets: 800, packets: 800, kbps: 4_000 },
};

function stepsOf(out: Partial<PathReport>, back: Partial<PathReport> = {}, rttMs: number | undefined = 20) {
  const path = { out: { ...whole, ...out }, in: { ...whole, ...back }, rttMs, busy: { own: [], far: [] } };
  const report: Pick<ProbeReport, 'path'> = { path };
  const steps = mediaSteps(report, { own: 'alpha.example', peer: 'beta.example' });
  return steps.filter(({ outcome }) => outcome !== 'ok' && outcome !== 'skipped');
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

  it('tells a changed port from a changed address', () => {
    const said = { ip: '20.1.0.2', port: 41_000 };
    const [port] = stepsOf({ translated: { said, seen: { ...said, port: 50_000 } } });
    expect(port).toMatchObject({ step: 'translation', who: 'you', todo: expect.stringContaining('one to one') });
    const [address] = stepsOf({}, { translated: { said, seen: { ...said, ip: '20.1.0.9' } } });
    expect(address).toMatchObject({ step: 'translation', who: 'them', todo: expect.stringContaining('20.1.0.9') });
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
