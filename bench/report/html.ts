/** The result of a benchmark as one HTML file that needs nothing besides: no network, no script. Pure. */
import { spreadOf } from './figures.ts';
import { barChart, histogram, timeChart } from './html-charts.ts';
import {
  aboutOf,
  busyDirections,
  type DirectionFacts,
  type HtmlReport,
  leadOf,
  type ModeFacts,
  modesOf,
  type Switches,
  wordsOf,
} from './html-facts.ts';
import { type Markup, markup, type Part } from './html-markup.ts';
import { commonEnds, figure } from './html-scale.ts';
import { STYLE } from './html-style.ts';

/** From the bottom to the top. */
const LAYERS = [
  { key: 'layer0', name: 'cameras, layer 0 (small)' },
  { key: 'layer1', name: 'cameras, layer 1 (middle)' },
  { key: 'layer2', name: 'cameras, layer 2 (large)' },
  { key: 'microphone', name: 'microphones' },
  { key: 'screen', name: 'screens' },
  { key: 'overhead', name: 'SRTP, RTCP, repeats' },
] as const;

export function htmlOf(report: HtmlReport): string {
  const modes = modesOf(report);
  const title = `What crossed the border: ${report.scenario.name}`;
  const page = markup`<!DOCTYPE html>
<html lang="en" xmlns="http://www.w3.org/1999/xhtml">
<head>
<meta charset="utf-8"/>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<title>${title}</title>
<style>${STYLE}</style>
</head>
<body>
<header>
<h1>${title}</h1>
<p class="lead">${leadOf(modes)}</p>
<dl>
${aboutOf(report).map(([term, text]) => markup`<dt>${term}</dt><dd>${term === 'Command' ? markup`<code>${text}</code>` : text}</dd>\n`)}</dl>
</header>
<main>
${summary(modes)}
${overTime(modes, report.scenario.seconds)}
${viewers(modes)}
${switches(report.switches ?? [])}
${processor(modes)}
</main>
</body>
</html>
`;
  return page.text;
}

function table(caption: Part, head: readonly Part[], rows: readonly Markup[]): Markup {
  return markup`<div class="wide"><table>
<caption>${caption}</caption>
<thead><tr>${head.map((cell) => markup`<th scope="col">${cell}</th>`)}</tr></thead>
<tbody>
${rows}</tbody>
</table></div>`;
}

function row(name: Part, cells: readonly Part[], kind = 'plain'): Markup {
  return markup`<tr class="${kind}"><th scope="row">${name}</th>${cells.map((cell) => markup`<td>${cell}</td>`)}</tr>\n`;
}

function summary(modes: readonly ModeFacts[]): Markup {
  const rows = modes.flatMap(({ mode, directions, run }) =>
    directions.map(({ direction, mbps, border, difference, floor, ratio }, index) =>
      row(
        index === 0 ? mode : '',
        [
          direction,
          figure(mbps),
          figure(border),
          difference.toFixed(2),
          floor === undefined ? '–' : figure(floor),
          ratio === undefined ? '–' : figure(ratio),
          index === 0 ? `${run.viewers.satisfied} of ${run.viewers.count}` : '',
        ],
        index === 0 ? 'first' : 'plain',
      ),
    ),
  );
  const head = [
    'mode',
    'direction',
    'servers count',
    'border counts',
    'difference, %',
    'floor',
    'times the floor',
    'satisfied viewers',
  ];
  const impaired = modes.flatMap(({ mode, run }) =>
    Object.entries(run.impaired ?? {}).map(([direction, { offered, carried, lost, limited, carriedMbps }]) =>
      row(mode, [direction, offered, lost, limited, carried, figure(carriedMbps)]),
    ),
  );
  return markup`<section>
<h2>The modes beside each other</h2>
<p class="quiet">Mbit/s of UDP payload, the mean of the run. The servers count what they send; the border between them counts it a second time and knows nothing of them.</p>
${table('What crossed', head, rows)}
${impaired.length === 0 ? undefined : table('What the border did to the packets', ['mode', 'direction', 'offered', 'lost at random', 'dropped by the limit', 'carried', 'carried, Mbit/s'], impaired)}
${modes.flatMap(({ mode, complaints }) => complaints.map((each) => markup`<p class="bad">Mode ${mode}: ${each}</p>\n`))}${modes.flatMap(({ mode, notes }) => notes.map((each) => markup`<p class="quiet">Mode ${mode}: ${each}</p>\n`))}</section>`;
}

function overTime(modes: readonly ModeFacts[], seconds: number): Markup {
  const busy = busyDirections(modes);
  const shown = modes.filter(({ directions }) => directions.some(({ timeline }) => timeline.length > 0));
  if (busy.length === 0 || shown.length === 0) return markup``;
  const idle = [...new Set(modes.flatMap(({ directions }) => directions.map(({ direction }) => direction)))].filter(
    (direction) => !busy.includes(direction),
  );
  const figures = busy.map((direction, at) => {
    const facts = shown.flatMap(({ mode, runs, directions }) => {
      const own = directions.find((each) => each.direction === direction);
      return own ? [{ mode, runs, own }] : [];
    });
    const tops = facts.map(({ own: { floor = 0, timeline } }) =>
      Math.max(floor, ...timeline.map(({ flow }) => Math.max(flow.border, stackOf(flow)))),
    );
    const ends = commonEnds(tops);
    return facts.map(({ mode, runs, own }, index) => {
      const most = ends[index] ?? 0;
      const words = [
        ...(runs > 1 ? [`The run in the middle of ${runs}.`] : []),
        ...(most < Math.max(...ends) ? ['This one has a scale of its own.'] : []),
      ];
      return timeFigure(own, { mode, most, seconds, words: words.join(' '), id: `time-${at}-${index}` });
    });
  });
  return markup`<section>
<h2>Over time</h2>
<p class="quiet">Each point is the mean of the time since the point before. Charts of one direction have one scale, unless one of them would be too flat in it. The parts and their sum are read some milliseconds apart, so that on a busy machine what is left between them (SRTP, RTCP, repeats) may be below zero at one point and too much at the next.${idle.length === 0 ? undefined : ` No media crossed ${idle.join(', ')}: there were reports about media only.`}</p>
${figures}</section>`;
}

type FlowParts = DirectionFacts['timeline'][number]['flow'];

function stackOf(flow: FlowParts): number {
  return LAYERS.reduce((sum, { key }) => sum + Math.max(0, flow[key]), 0);
}

interface TimeFigure {
  readonly mode: string;
  readonly most: number;
  readonly seconds: number;
  /** Below the title. */
  readonly words: string;
  readonly id: string;
}

function timeFigure(
  { direction, timeline, floor, border }: DirectionFacts,
  { mode, most, seconds, words, id }: TimeFigure,
): Markup {
  const at = timeline.map((point) => point.at);
  const areas = LAYERS.map(({ key, name }) => ({
    name,
    colour: key,
    values: timeline.map(({ flow }) => flow[key]),
  })).filter(({ values }) => values.some((value) => value > 0));
  const line = { name: 'all, as the border counts', colour: 'border', values: timeline.map(({ flow }) => flow.border) };
  const title = `${wordsOf(direction)}, mode ${mode}`;
  const chart = timeChart({
    id,
    title: `${title}: Mbit/s over time`,
    description:
      `${figure(border)} Mbit/s in the mean, between ${figure(Math.min(...line.values))} and ${figure(Math.max(...line.values))}` +
      `${floor === undefined ? '' : `; the floor is ${figure(floor)}`}. The parts are in the table beside.`,
    unit: 'Mbit/s',
    seconds,
    most,
    at,
    areas,
    line,
    ...(floor !== undefined && { level: { name: 'floor, mean', value: floor } }),
  });
  const spread = (values: readonly number[]) => {
    const mean = values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
    return [mean, Math.min(...values), Math.max(...values)].map(figure);
  };
  const rows = [
    ...areas
      .toReversed()
      .map(({ name, colour, values }) => row(markup`<span class="key ${colour}"></span>${name}`, spread(values))),
    row(markup`<span class="key stroke"></span>${line.name}`, spread(line.values), 'sum'),
    ...(floor === undefined
      ? []
      : [row(markup`<span class="key stroke dashed"></span>floor, the mean of the run`, [figure(floor), '', ''])]),
  ];
  const every = timeline.map(({ at: moment, flow }) =>
    row(moment.toFixed(1), [...areas.map(({ colour }) => figure(flow[colour])), figure(flow.border)]),
  );
  return markup`<figure>
<figcaption><h3>${title}</h3>${words === '' ? undefined : markup`<p>${words}</p>`}</figcaption>
<div>${chart}</div>
${table('Mbit/s', ['', 'mean', 'least', 'most'], rows)}
<details><summary>Every point</summary>
${table(`${title}, Mbit/s`, ['s', ...areas.map(({ name }) => name), 'border'], every)}
</details>
</figure>
`;
}

function viewers(modes: readonly ModeFacts[]): Markup {
  const rows = modes.map(({ mode, run: { viewers: each } }) =>
    row(mode, [
      `${each.satisfied} of ${each.count}`,
      `${each.pictures.good} of ${each.pictures.wanted}`,
      `${each.voices.good} of ${each.voices.wanted}`,
      figure(each.pictures.framesPerSecond.median),
      figure(each.pictures.framesPerSecond.least),
      each.kbps.median.toFixed(0),
      each.lostPercent.toFixed(2),
      each.joinMs.median.toFixed(0),
    ]),
  );
  const head = [
    'mode',
    'satisfied',
    'good pictures',
    'good voices',
    'pictures/s, median',
    'least',
    'kbit/s, median',
    'lost, %',
    'join, ms, median',
  ];
  return markup`<section>
<h2>What the viewers had</h2>
<p class="quiet">A picture is good when it has the size that was asked for and 95 % of its frames came; a voice, when 95 % of its packets did.</p>
${table('Over all viewers of a run', head, rows)}
</section>`;
}

function switches(all: readonly Switches[]): Markup {
  const known = all.filter(({ ms }) => ms.length > 0);
  if (known.length === 0) return markup``;
  const ends = commonEnds(known.map(({ ms }) => Math.max(...ms)));
  const figures = known.map(({ name, ms }, index) => {
    const { least, median, p95, most: longest } = spreadOf(ms);
    const cells = [ms.length, ...[least, median, p95, longest].map((each) => each.toFixed(0))];
    const names = ['switches', 'least, ms', 'median, ms', '95 %, ms', 'most, ms'];
    return markup`<figure>
<figcaption><h3>${name}</h3></figcaption>
<div>${histogram({
      id: `switch-${index}`,
      title: `${name}: how long switches took`,
      description: `${ms.length} switches; the median is ${median.toFixed(0)} ms, 95 % took ${p95.toFixed(0)} ms or less, the longest ${longest.toFixed(0)} ms.`,
      values: ms,
      most: ends[index] ?? 0,
    })}</div>
${table(
  'ms',
  ['', ''],
  cells.map((cell, at) => row(names[at], [cell])),
)}
</figure>
`;
  });
  return markup`<section>
<h2>How long a switch takes</h2>
<p class="quiet">From the moment when a viewer wants another picture or another size to the first whole picture of it.</p>
${figures}</section>`;
}

/** Of `Run.cpu`, what is no process. */
const SUMS: Readonly<Record<string, string>> = { sum: 'all of the benchmark', others: 'what else ran on the machine' };

function processor(modes: readonly ModeFacts[]): Markup {
  const names = [...new Set(modes.flatMap(({ run }) => Object.keys(run.cpu)))];
  const values = (name: string) => modes.map(({ run }) => run.cpu[name] ?? 0);
  const processes = names
    .filter((name) => !Object.hasOwn(SUMS, name))
    .toSorted((a, b) => Math.max(...values(b)) - Math.max(...values(a)));
  if (processes.length === 0) return markup``;
  const series = modes.map(({ mode, run }, index) => ({
    name: `mode ${mode}`,
    colour: `mode${index % 4}`,
    values: processes.map((name) => run.cpu[name] ?? 0),
  }));
  const busiest = processes[0] ?? '';
  const chart = barChart({
    id: 'processor',
    title: 'Processor, per cent of one core by process and mode',
    description: `The busiest is ${busiest} with ${values(busiest)
      .map((value, index) => `${figure(value)} % in mode ${modes[index]?.mode}`)
      .join(', ')}. All are in the table beside.`,
    unit: '%',
    groups: processes,
    series,
  });
  const rows = [
    ...processes.map((name) =>
      row(
        name,
        values(name).map((each) => each.toFixed(1)),
      ),
    ),
    ...Object.entries(SUMS)
      .filter(([name]) => names.includes(name))
      .map(([name, words]) =>
        row(
          words,
          values(name).map((each) => each.toFixed(1)),
          name === 'sum' ? 'sum' : 'plain',
        ),
      ),
  ];
  const head = [
    '',
    ...series.map(({ colour }, index) => markup`<span class="key ${colour}"></span>${modes[index]?.mode}`),
  ];
  return markup`<section>
<h2>Processor</h2>
<p class="quiet">Per cent of one core, the mean of the run. The synthetic people cost more than serving them.</p>
<figure class="even">
<div>${chart}</div>
${table('% of a core', head, rows)}
</figure>
</section>`;
}
