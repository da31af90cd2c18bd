/**
 * The charts of the HTML report as SVG. Pure. Colours come from the page by the class of a series; each chart has a title
 * and a description for those who do not see it, and the page puts a table beside it.
 */
import { type Markup, markup } from './html-markup.ts';
import { figure, place, roundStep, ticksTo } from './html-scale.ts';

export interface ChartText {
  /** Of the page, for the title's and the description's ids. */
  readonly id: string;
  readonly title: string;
  /** What somebody should know who does not see the chart. */
  readonly description: string;
}

/** A class of `html-style.ts`. */
export interface Series {
  readonly name: string;
  readonly colour: string;
  readonly values: readonly number[];
}

const WIDTH = 640;
const LEFT = 52;
const RIGHT = 16;
const TOP = 30;
const BOTTOM = 34;
const RIGHT_END = WIDTH - RIGHT;

function drawing({ id, title, description }: ChartText, height: number, content: readonly Markup[]): Markup {
  return markup`<svg role="img" viewBox="0 0 ${WIDTH} ${place(height)}" aria-labelledby="${id}-title ${id}-text">
<title id="${id}-title">${title}</title><desc id="${id}-text">${description}</desc>
${content}</svg>`;
}

/** Lines and numbers of the vertical axis, its unit above. */
function verticalAxis(ticks: readonly number[], y: (value: number) => number, unit: string): Markup {
  return markup`<g class="axis">${ticks.map(
    (tick) =>
      markup`<line x1="${LEFT}" x2="${RIGHT_END}" y1="${place(y(tick))}" y2="${place(y(tick))}"/><text x="${LEFT - 8}" y="${place(y(tick) + 5)}" text-anchor="end">${tick}</text>`,
  )}<text x="4" y="${TOP - 14}">${unit}</text></g>\n`;
}

/** Numbers below the drawing, the unit behind the last one; what would stand over the edge ends there. */
function horizontalAxis(most: number, x: (value: number) => number, y: number, unit: string): Markup {
  const ticks = ticksTo(most).filter((tick) => tick <= most);
  const isAtEdge = (tick: number) => x(tick) > RIGHT_END - LEFT;
  return markup`<g class="axis">${ticks.map(
    (tick, index) =>
      markup`<text x="${place(isAtEdge(tick) ? RIGHT_END : x(tick))}" y="${place(y + 22)}" text-anchor="${isAtEdge(tick) ? 'end' : 'middle'}">${tick}${index === ticks.length - 1 ? ` ${unit}` : ''}</text>`,
  )}</g>\n`;
}

/** A level that the areas are compared with. */
export interface Level {
  readonly name: string;
  readonly value: number;
}

export interface TimeChart extends ChartText {
  readonly unit: string;
  /** Length of the horizontal axis. */
  readonly seconds: number;
  /** The vertical axis goes at least so far, so that charts beside each other can be compared. */
  readonly most: number;
  /** Where the values of the series are in time, s, ascending. */
  readonly at: readonly number[];
  /** Upon each other, the first at the bottom. */
  readonly areas: readonly Series[];
  readonly line: Series;
  readonly level?: Level | undefined;
}

const TIME_HEIGHT = 300;

export function timeChart(chart: TimeChart): Markup {
  const { at, areas, line, level, seconds, most, unit } = chart;
  const bottom = TIME_HEIGHT - BOTTOM;
  const ticks = ticksTo(most);
  const top = ticks.at(-1) ?? 1;
  const x = (moment: number) => LEFT + (moment / Math.max(seconds, 1e-9)) * (RIGHT_END - LEFT);
  const y = (value: number) => bottom - (value / top) * (bottom - TOP);
  // A value is the mean of a step and stands in its middle; the half steps at both ends have no neighbour.
  const moments = [0, ...at, seconds];
  const edge = (values: readonly number[]) => [values[0] ?? 0, ...values, values.at(-1) ?? 0];
  const path = (values: readonly number[]) =>
    values.map((value, index) => `${place(x(moments[index] ?? 0))} ${place(y(value))}`);

  const shapes: Markup[] = [];
  let floor = new Array<number>(moments.length).fill(0);
  for (const { name, colour, values } of areas) {
    const roof = edge(values).map((value, index) => (floor[index] ?? 0) + Math.max(0, value));
    shapes.push(
      markup`<path class="area ${colour}" d="M${path(roof).join('L')}L${path(floor).reverse().join('L')}Z"><title>${name}</title></path>\n`,
    );
    floor = roof;
  }
  return drawing(chart, TIME_HEIGHT, [
    verticalAxis(ticks, y, unit),
    ...shapes,
    markup`<path class="line ${line.colour}" d="M${path(edge(line.values)).join('L')}"><title>${line.name}</title></path>\n`,
    ...(level
      ? [
          markup`<line class="level" x1="${LEFT}" x2="${RIGHT_END}" y1="${place(y(level.value))}" y2="${place(y(level.value))}"><title>${level.name}</title></line>\n`,
          markup`<text class="note" x="${RIGHT_END - 4}" y="${place(y(level.value) - 6)}" text-anchor="end">${level.name} ${figure(level.value)}</text>\n`,
        ]
      : []),
    horizontalAxis(seconds, x, bottom, 's'),
  ]);
}

export interface BarChart extends ChartText {
  readonly unit: string;
  /** What the bars are of, from top to bottom. */
  readonly groups: readonly string[];
  /** A bar of each in every group; a value each group. */
  readonly series: readonly Series[];
}

const BAR = 18;
const GAP = 4;
const LABEL = 24;
const BETWEEN = 12;
/** For the figure behind the longest bar. */
const FIGURE = 76;

/** Lying bars with their names above, so that long names have room on a small screen too. */
export function barChart(chart: BarChart): Markup {
  const { groups, series, unit } = chart;
  const top = Math.max(1e-9, ...series.flatMap(({ values }) => values));
  const length = (value: number) => (Math.max(0, value) / top) * (WIDTH - FIGURE);
  const groupHeight = LABEL + series.length * (BAR + GAP) + BETWEEN;
  const bar = (name: string, group: string, colour: string, value: number, y: number) =>
    markup`<rect class="bar ${colour}" x="0" y="${place(y)}" width="${place(Math.max(1, length(value)))}" height="${BAR}" rx="2"><title>${name}, ${group}: ${value.toFixed(1)} ${unit}</title></rect><text class="value" x="${place(length(value) + 7)}" y="${place(y + BAR - 4)}">${value.toFixed(1)}</text>\n`;
  const content = groups.map((group, index) => {
    const y = index * groupHeight;
    return markup`<text class="name" x="0" y="${place(y + LABEL - 6)}">${group}</text>
${series.map(({ name, colour, values }, at) => bar(name, group, colour, values[index] ?? 0, y + LABEL + at * (BAR + GAP)))}`;
  });
  return drawing(chart, groups.length * groupHeight, content);
}

export interface Histogram extends ChartText {
  /** ms */
  readonly values: readonly number[];
  /** End of the horizontal axis, so that histograms beside each other can be compared. */
  readonly most: number;
}

const HISTOGRAM_HEIGHT = 240;
const BINS = 20;

export function histogram(chart: Histogram): Markup {
  const width = roundStep(Math.max(chart.most, 1) / BINS);
  const counts = new Array<number>(Math.floor(chart.most / width) + 1).fill(0);
  for (const value of chart.values) {
    const bin = Math.min(counts.length - 1, Math.max(0, Math.floor(value / width)));
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  const bottom = HISTOGRAM_HEIGHT - BOTTOM;
  const vertical = ticksTo(Math.max(1, ...counts)).filter(Number.isInteger);
  const end = counts.length * width;
  const x = (ms: number) => LEFT + (ms / end) * (RIGHT_END - LEFT);
  const y = (count: number) => bottom - (count / (vertical.at(-1) ?? 1)) * (bottom - TOP);
  const bars = counts.map((count, index) => {
    if (count === 0) return markup``;
    const [from, to] = [index * width, (index + 1) * width];
    return markup`<rect class="bar mode0" x="${place(x(from) + 1)}" y="${place(y(count))}" width="${place(x(to) - x(from) - 2)}" height="${place(bottom - y(count))}" rx="2"><title>${from} to ${to} ms: ${count}</title></rect>\n`;
  });
  return drawing(chart, HISTOGRAM_HEIGHT, [
    verticalAxis(vertical, y, 'times'),
    ...bars,
    horizontalAxis(end, x, bottom, 'ms'),
  ]);
}
