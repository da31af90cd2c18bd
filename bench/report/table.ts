/** A run as a table of plain text, for a terminal and for a document alike. Pure. */
import type { TrunkReport } from '../main.ts';
import { describe } from '../scenario/describe.ts';
import { aligned, type Row } from './aligned.ts';
import { comparisonRows, PARTS, RATIO, ratioCell } from './comparison.ts';
import { differencePercent, PICTURE_SIZES, type Run, type Spread, spreadCells } from './figures.ts';
import { impairmentLine } from './impairment.ts';

const ENTRANCE = {
  webrtc: 'Everybody is a WebRTC client of the own media server.',
  plain: 'Everybody reaches the own media server by plain RTP, without ICE, DTLS and SRTP; the trunk is the real one.',
} as const;

/** One mode: all its figures. Several: the figures that tell them apart, side by side. */
export function tableOf({ scenario, runs, medians }: TrunkReport): string[] {
  const { name, impairment, seconds, settleSeconds, machine, commit, command, clips, entrance } = scenario;
  const times = runs.length / Math.max(1, medians.length);
  const lines = [
    `Scenario ${name}, ${seconds} s, begun ${settleSeconds} s after everybody had everything.`,
    ...describe(scenario),
    `Camera ${clips.camera.map((rate) => rate.toFixed(0)).join(' + ')} kbit/s, microphone ${clips.microphone.toFixed(0)} ` +
      `kbit/s. ${ENTRANCE[entrance]}`,
    `${machine.processor}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.system}, Node ${machine.node}, ` +
      `mediasoup ${machine.mediasoup}; commit ${commit}; ${command}`,
    ...(impairment ? [impairmentLine(impairment)] : []),
    ...(times > 1 ? [`Each figure is the median of ${times} runs.`] : []),
  ];
  const [run, ...others] = medians;
  if (!run) return lines;
  if (others.length > 0) return [...lines, '', ...aligned(comparisonRows(medians))];
  const processor = Object.entries(run.cpu).map(([process, each]) => [process, each.toFixed(1)]);
  return [
    ...lines,
    '',
    ...aligned(borderRows(run)),
    '',
    ...aligned(viewerRows(run)),
    '',
    ...aligned([['Processor', '% of a core'], ...processor]),
  ];
}

function borderRows(run: Run): Row[] {
  const directions = Object.keys(run.border);
  const figure = (title: string, of: (direction: string) => number, digits = 3): Row => [
    title,
    ...directions.map((direction) => of(direction).toFixed(digits)),
  ];
  return [
    [`Crossed in ${run.seconds.toFixed(1)} s, mode ${run.mode}, Mbit/s`, ...directions],
    ...PARTS.map(([title, of]) =>
      figure(title, (each) => {
        const crossing = run.border[each];
        return crossing ? of(crossing) : 0;
      }),
    ),
    figure('sum, as the border counts', (each) => run.independent[each]?.mbps ?? 0),
    figure('difference, %', (each) => differencePercent(run, each), 2),
    figure('floor: what had to cross', (each) => run.floor[each] ?? 0),
    [RATIO, ...directions.map((each) => ratioCell(run, each))],
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
  const spread = (title: string, figures: Spread, digits = 1): Row => [title, ...spreadCells(figures, digits)];
  const { pictures, voices, lostOnTheWay } = viewers;
  const lost = (count: number | undefined) => (count === undefined ? 'not known' : String(count));
  return [
    [`What each of ${viewers.count} viewers received`, 'least', 'median', '95 %', 'most'],
    spread('kbit/s', viewers.kbps, 0),
    spread('packets/s', viewers.packetsPerSecond, 0),
    spread('pictures/s of each picture', pictures.framesPerSecond),
    ...PICTURE_SIZES.toReversed().flatMap((size) => {
      const waited = viewers.firstPictureMs[size];
      const what = size === 'screen' ? 'screen' : `${size} picture`;
      return waited ? [spread(`first ${what} after the wish, ms`, waited, 0)] : [];
    }),
    ...(viewers.firstSoundMs ? [spread('first sound after the begin of a turn, ms', viewers.firstSoundMs, 0)] : []),
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
