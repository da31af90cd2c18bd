/** A run as a table of plain text, for a terminal and for a document alike. Pure. */
import type { TrunkReport } from '../main.ts';
import { differencePercent, type Run, type Spread } from './figures.ts';
import { impairmentLine } from './impairment.ts';

const ENTRANCE = {
  webrtc: 'Everybody is a WebRTC client of the own media server.',
  plain: 'Everybody reaches the own media server by plain RTP, without ICE, DTLS and SRTP; the trunk is the real one.',
} as const;

type Row = readonly string[];

export function tableOf({ scenario, runs }: TrunkReport): string[] {
  const { impairment } = scenario;
  const { publishers, viewers, layout, machine, commit, command, clips, entrance } = scenario;
  const lines = [
    `${publishers} publishers at alpha, ${viewers} viewers at beta; each viewer looks at up to ${layout.large} large and ` +
      `${layout.small} small pictures and hears everybody.`,
    `Camera ${clips.camera.map((rate) => rate.toFixed(0)).join(' + ')} kbit/s, microphone ${clips.microphone.toFixed(0)} ` +
      `kbit/s. ${ENTRANCE[entrance]}`,
    `${machine.processor}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.system}, Node ${machine.node}, ` +
      `mediasoup ${machine.mediasoup}; commit ${commit}; ${command}`,
    ...(impairment ? [impairmentLine(impairment)] : []),
  ];
  for (const run of runs) {
    const directions = Object.keys(run.border);
    lines.push('', ...aligned(borderRows(run, directions)));
    lines.push('', ...aligned(viewerRows(run)));
    lines.push(
      '',
      ...aligned([
        ['Processor', '% of a core'],
        ...Object.entries(run.cpu).map(([name, each]) => [name, each.toFixed(1)]),
      ]),
    );
  }
  return lines;
}

function borderRows(run: Run, directions: readonly string[]): Row[] {
  const figure = (title: string, of: (direction: string) => number, digits = 3): Row => [
    title,
    ...directions.map((direction) => of(direction).toFixed(digits)),
  ];
  const crossing = (direction: string) => run.border[direction];
  return [
    [`Crossed in ${run.seconds.toFixed(1)} s, mode ${run.mode}, Mbit/s`, ...directions],
    figure('cameras, layer 0', (each) => crossing(each)?.byLayer['0'] ?? 0),
    figure('cameras, layer 1', (each) => crossing(each)?.byLayer['1'] ?? 0),
    figure('cameras, layer 2', (each) => crossing(each)?.byLayer['2'] ?? 0),
    figure('microphones', (each) => crossing(each)?.byKind.microphone ?? 0),
    figure('screens', (each) => crossing(each)?.byKind.screen ?? 0),
    figure('SRTP, RTCP, repeats', (each) => crossing(each)?.byKind.overhead ?? 0),
    figure('sum, as the servers count', (each) => crossing(each)?.mbps ?? 0),
    figure('sum, as the border counts', (each) => run.independent[each]?.mbps ?? 0),
    figure('difference, %', (each) => differencePercent(run, each), 2),
    ...(run.impaired
      ? [
          figure('lost at random by the border, packets', (each) => run.impaired?.[each]?.lost ?? 0, 0),
          figure('dropped by its rate limit, packets', (each) => run.impaired?.[each]?.limited ?? 0, 0),
          figure('let through by it, Mbit/s', (each) => run.impaired?.[each]?.carriedMbps ?? 0),
        ]
      : []),
  ];
}

function viewerRows({ viewers }: Run): Row[] {
  const spread = (title: string, { least, median, p95, most }: Spread, digits = 1): Row => [
    title,
    ...[least, median, p95, most].map((each) => each.toFixed(digits)),
  ];
  const { pictures, voices, lostOnTheWay } = viewers;
  const lost = (count: number | undefined) => (count === undefined ? 'not known' : String(count));
  return [
    [`What each of ${viewers.count} viewers received`, 'least', 'median', '95 %', 'most'],
    spread('kbit/s', viewers.kbps, 0),
    spread('packets/s', viewers.packetsPerSecond, 0),
    spread('pictures/s of each picture', pictures.framesPerSecond),
    spread('first large picture after the wish, ms', viewers.firstPictureMs.large, 0),
    spread('first small picture after the wish, ms', viewers.firstPictureMs.small, 0),
    spread('join, ms', viewers.joinMs, 0),
    ['lost, %', viewers.lostPercent.toFixed(3)],
    ['viewers with all that they asked for', `${viewers.satisfied} of ${viewers.count}`],
    ['good pictures', `${pictures.good} of ${pictures.wanted}`],
    ['good voices', `${voices.good} of ${voices.wanted}`],
    ['packets lost at the border', lost(lostOnTheWay.atBorder)],
    ["packets lost at the trunk's ends", lost(lostOnTheWay.atTrunkEnds)],
    ['packets lost between people and their servers', lost(lostOnTheWay.atPeople)],
  ];
}

/** The first column to the left, the others to the right. */
export function aligned(rows: readonly Row[]): string[] {
  const columns = Math.max(...rows.map(({ length }) => length));
  const widths = Array.from({ length: columns }, (_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}
