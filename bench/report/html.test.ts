import { expect, it } from 'vitest';
import type { Flow, Point } from '../measure/timeline.ts';
import type { Run } from './figures.ts';
import { htmlOf } from './html.ts';
import { barChart, histogram, timeChart } from './html-charts.ts';
import { type HtmlReport, modesOf } from './html-facts.ts';
import { markup } from './html-markup.ts';
import { commonEnds, figure, roundStep, ticksTo } from './html-scale.ts';
import { runFrom, told, twoReadings } from './testing.ts';

const flow = (layer2: number): Flow => {
  const parts = { layer0: 0.15, layer1: 0, layer2, microphone: 0.032, screen: 0, overhead: 0.1 };
  return { ...parts, border: layer2 + 0.282 };
};
const quiet: Flow = { layer0: 0, layer1: 0, layer2: 0, microphone: 0, screen: 0, overhead: 0.008, border: 0.008 };

function run(mode: string, scale: number): Run {
  const base = runFrom(twoReadings(), { floor: {} });
  const timeline: Point[] = [0.5, 1.5, 2.5].map((at, index) => {
    return { at, directions: { 'alpha>beta': flow(scale * (1 + index)), 'beta>alpha': quiet } };
  });
  const independent = { ...base.independent, 'alpha>beta': { mbps: 2 * scale } };
  const border = {
    ...base.border,
    'alpha>beta': {
      mbps: 2 * scale,
      byLayer: { '0': 0, '1': 0, '2': 0 },
      byKind: base.border['alpha>beta']?.byKind ?? { camera: 0, microphone: 0, screen: 0, overhead: 0 },
    },
  };
  return { ...base, mode, independent, border, timeline, cpu: { ...base.cpu, 'SFT of alpha': 3.25 * scale } };
}

const report: HtmlReport = {
  scenario: {
    ...told,
    seconds: 3,
    command: './hawser bench trunk --html report.html',
  },
  runs: [run('everything', 10), run('layers', 3), run('layers', 1), run('layers', 2)],
};

/** Throws where a text is not well-formed XML: elements, attributes and references, as far as a page has them. */
function checkXml(text: string): string[] {
  const open: string[] = [];
  const elements: string[] = [];
  const body = text.replace(/^<!DOCTYPE html>\n/, '');
  const token = /<(\/?)([a-zA-Z][\w]*)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>|([^<]+)/gy;
  let at = 0;
  for (let match = token.exec(body); match; match = token.exec(body)) {
    at = token.lastIndex;
    const [, end, name = '', attributes = '', empty, words] = match;
    const text = words ?? attributes;
    expect(text.replace(/&(amp|lt|gt|quot|#39);/g, '')).not.toContain('&');
    const names = [...attributes.matchAll(/([\w:-]+)=/g)].map(([, each]) => each);
    expect(new Set(names).size).toBe(names.length);
    if (words !== undefined) continue;
    if (end) expect(open.pop()).toBe(name);
    else {
      elements.push(name);
      if (!empty) open.push(name);
    }
  }
  expect(body.slice(at)).toBe('');
  expect(open).toEqual([]);
  return elements;
}

const count = (text: string, part: string | RegExp) => text.split(part).length - 1;

it('is well-formed, with a title and a description of every chart and a table beside it', () => {
  const html = htmlOf(report);
  const elements = checkXml(html);
  expect(elements.filter((name) => name === 'svg')).toHaveLength(3);
  for (const [, svg = ''] of html.matchAll(/(<svg [\s\S]*?<\/svg>)/g)) {
    const [, titleId, textId] = /^<svg role="img" [^>]*aria-labelledby="(\S+) (\S+)"/.exec(svg) ?? [];
    expect(svg).toContain(`<title id="${titleId}">`);
    expect(svg).toContain(`<desc id="${textId}">`);
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
  }
  for (const [, inside = ''] of html.matchAll(/<figure[^>]*>([\s\S]*?)<\/figure>/g))
    expect(inside).toMatch(/<svg [\s\S]*<table>/);
  const ids = [...html.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id);
  expect(new Set(ids).size).toBe(ids.length);
});

it('says what was measured, and the figures of every mode', () => {
  const html = htmlOf(report);
  for (const part of [
    'mine',
    'P, 2 cores, 8 GiB',
    '0123456789ab',
    './hawser bench trunk --html report.html',
    '150 + 499 + 1498',
  ])
    expect(html).toContain(part);
  expect(html).toContain('From alpha to beta there crossed, in Mbit/s, 20.0 in mode everything, 4.00 in mode layers.');
  expect(html).toContain('<td>alpha&gt;beta</td><td>20.0</td><td>20.0</td><td>0.00</td>');
  expect(html).toContain('3 s a run, 2 runs a mode');
  // Of three runs the one in the middle is drawn; its processor stands in the table.
  expect(html).toContain('The run in the middle of 3.');
  expect(html).toContain('<th scope="row">SFT of alpha</th><td>32.5</td><td>6.5</td>');
  expect(html).toContain('No media crossed beta&gt;alpha');
});

it('loads nothing, from nowhere', () => {
  const html = htmlOf(report);
  expect(html).toContain(
    'content="default-src &#39;none&#39;; style-src &#39;unsafe-inline&#39;"'.replaceAll('&#39;', "'"),
  );
  expect(html).not.toMatch(/<(script|link|img|iframe|object|embed|image|use|base|form)\b/i);
  expect(html).not.toMatch(/\b(src|href|action|srcset|style|on\w+)=|url\(|@import|javascript:/i);
  // The one address in it is the name of a namespace.
  expect([...html.matchAll(/https?:[^"'\s<]*/g)].map(([address]) => address)).toEqual(['http://www.w3.org/1999/xhtml']);
});

it('escapes everything that is put into it', () => {
  const evil = `</style><script>alert("x")</script>&amp;' onload='\u0000`;
  const [first] = report.runs;
  if (!first) throw new Error('no run');
  const direction = `${evil}>beta`;
  const timeline = [{ at: 1, directions: { [direction]: flow(1) } }];
  const runs: Run[] = [
    {
      ...first,
      mode: evil,
      border: { [direction]: { ...first.border['alpha>beta'] } as never },
      independent: { [direction]: { mbps: 1 } },
      cpu: { [evil]: 5 },
      timeline,
    },
  ];
  const scenario = {
    ...report.scenario,
    name: evil,
    command: evil,
    commit: evil,
    machine: { ...report.scenario.machine, processor: evil },
  };
  const html = htmlOf({ scenario, runs, switches: [{ name: evil, ms: [1] }] });
  const elements = checkXml(html);
  expect(elements).not.toContain('script');
  expect(
    count(html, '&lt;/style&gt;&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;&amp;amp;&#39; onload=&#39;\u{fffd}'),
  ).toBeGreaterThan(10);
});

it('draws the floor where there is one, and tells how many times as much crossed', () => {
  expect(htmlOf(report)).not.toContain('class="level"');
  const runs = report.runs.map((each) => ({ ...each, floor: { 'alpha>beta': 2.5, 'beta>alpha': 0 } }));
  const html = htmlOf({ ...report, runs });
  checkXml(html);
  expect(html).toContain(
    'From alpha to beta 2.50 Mbit/s had to cross, whatever the servers do: the floor. There crossed 20.0 in mode ' +
      'everything (8.00 times the floor), 4.00 in mode layers (1.60 times the floor).',
  );
  expect(html).toContain('<td>20.0</td><td>20.0</td><td>0.00</td><td>2.50</td><td>8.00</td>');
  expect(count(html, 'class="level"')).toBe(2);
  expect(count(html, '>floor, mean 2.50</text>')).toBe(2);
});

it('adds up all directions in its first sentence', () => {
  const both = report.runs.map((each) => ({ ...each, floor: { 'alpha>beta': 2.5, 'beta>alpha': 0.5 } }));
  expect(htmlOf({ ...report, runs: both })).toContain(
    '<p class="lead">In all directions together 3.00 Mbit/s had to cross, whatever the servers do: the floor. There crossed ' +
      '20.0 in mode everything (6.67 times the floor), 4.01 in mode layers (1.34 times the floor).</p>',
  );
});

it('draws how long switches took, only where it is known', () => {
  expect(htmlOf(report)).not.toContain('How long a switch takes');
  expect(htmlOf({ ...report, switches: [{ name: 'cold', ms: [] }] })).not.toContain('How long a switch takes');
  const html = htmlOf({ ...report, switches: [{ name: 'to large, cold', ms: [40, 60, 90, 1_070] }] });
  expect(checkXml(html).filter((name) => name === 'svg')).toHaveLength(4);
  expect(html).toContain('4 switches; the median is 90 ms, 95 % took 1070 ms or less, the longest 1070 ms.');
});

it('is written of a run without a timeline too', () => {
  const { timeline: _, ...bare } = run('everything', 1);
  const html = htmlOf({ ...report, runs: [bare] });
  checkXml(html);
  expect(html).not.toContain('Over time');
  expect(html).toContain('Processor');
});

it('shows complaints and notes, each once', () => {
  const late = run('layers', 1);
  const viewers = { ...late.viewers, satisfied: 0, skippedByPublishers: 7 };
  const html = htmlOf({
    ...report,
    runs: [
      { ...late, viewers },
      { ...late, viewers },
    ],
  });
  expect(count(html, '1 of 1 viewers did not get all')).toBe(1);
  expect(count(html, 'because they were late: 7.')).toBe(1);
});

it('tells what the border did on purpose', () => {
  const impaired = { 'alpha>beta': { offered: 1_234, carried: 1_100, lost: 100, limited: 34, carriedMbps: 1.75 } };
  const scenario = { ...report.scenario, impairment: { lossPercent: 8, seed: 5 } };
  const html = htmlOf({ scenario, runs: [{ ...run('layers', 1), impaired }] });
  expect(html).toContain('loses 8 % of the packets at random (seed 5)');
  expect(html).toContain('<td>1234</td><td>100</td><td>34</td><td>1100</td><td>1.75</td>');
});

it('takes the run in the middle of several', () => {
  const facts = modesOf(report).map(({ mode, runs, directions }) => [mode, runs, directions[0]?.border]);
  expect(facts).toEqual([
    ['everything', 1, 20],
    ['layers', 3, 4],
  ]);
});

it('stacks areas upon each other, from edge to edge', () => {
  const area = (colour: string, ...values: number[]) => ({ name: colour, colour, values });
  const { text } = timeChart({
    ...{ id: 'x', title: 't', description: 'd', unit: 'Mbit/s', seconds: 10, most: 4, at: [5] },
    areas: [area('layer0', 1), area('layer1', 2), area('overhead', -1)],
    line: area('border', 3),
    level: { name: 'floor', value: 2 },
  });
  checkXml(text);
  // The drawing is 572 wide from 52 on, 236 high up from 266; 4 is its top.
  expect(text).toContain('class="area layer0" d="M52 207L338 207L624 207L624 266L338 266L52 266Z"');
  expect(text).toContain('class="area layer1" d="M52 89L338 89L624 89L624 207L338 207L52 207Z"');
  expect(text).toContain('class="area overhead" d="M52 89L338 89L624 89L624 89L338 89L52 89Z"');
  expect(text).toContain('class="line border" d="M52 89L338 89L624 89"');
  expect(text).toMatch(/class="level" x1="52" x2="624" y1="148" y2="148"/);
});

it('draws bars as long as their values, and counts in bins', () => {
  const bars = barChart({
    ...{ id: 'x', title: 't', description: 'd', unit: '%', groups: ['a', 'b'] },
    series: [{ name: 'm', colour: 'mode0', values: [50, 100] }],
  }).text;
  checkXml(bars);
  expect([...bars.matchAll(/<rect [^>]*width="([\d.]+)"/g)].map(([, width]) => width)).toEqual(['282', '564']);
  const bins = histogram({ id: 'x', title: 't', description: 'd', values: [0, 4, 5, 99, 100], most: 100 }).text;
  checkXml(bins);
  expect([...bins.matchAll(/<title>([^<]* ms: \d+)<\/title>/g)].map(([, words]) => words)).toEqual([
    '0 to 5 ms: 2',
    '5 to 10 ms: 1',
    '95 to 100 ms: 1',
    '100 to 105 ms: 1',
  ]);
});

it('gives charts beside each other one scale, and a flat one its own', () => {
  expect(commonEnds([27, 23, 4, 3])).toEqual([27, 27, 4, 4]);
  expect(commonEnds([3, 2])).toEqual([3, 3]);
  expect(htmlOf(report)).toContain('The run in the middle of 3. This one has a scale of its own.');
});

it('makes round axes and figures that are worth reading', () => {
  expect(ticksTo(26.4)).toEqual([0, 10, 20, 30]);
  expect(ticksTo(3.4)).toEqual([0, 1, 2, 3, 4]);
  expect(ticksTo(0.3)).toEqual([0, 0.1, 0.2, 0.3]);
  for (const most of [0, 1e-6, 0.7, 1, 12, 599, 1e5]) {
    const ticks = ticksTo(most);
    expect(ticks.at(-1)).toBeGreaterThanOrEqual(most);
    expect(ticks.length).toBeGreaterThan(2);
    expect(ticks.length).toBeLessThan(8);
  }
  expect([roundStep(5), roundStep(5.1), roundStep(0.02)]).toEqual([5, 10, 0.02]);
  expect([0, 0.0271, 0.5, 3.414, 26.44, 1498.2].map(figure)).toEqual(['0.00', '0.027', '0.50', '3.41', '26.4', '1498']);
});

it('escapes what is put into a template, and nothing twice', () => {
  const inner = markup`<b>${'a < b & "c"'}</b>`;
  expect(markup`<p title="${"it's"}">${[inner, 1, undefined, ['>']]}</p>`.text).toBe(
    '<p title="it&#39;s"><b>a &lt; b &amp; &quot;c&quot;</b>1&gt;</p>',
  );
  expect(markup`${'a\u0007b\ud800c\td'}`.text).toBe('a\u{fffd}b\u{fffd}c\td');
});
