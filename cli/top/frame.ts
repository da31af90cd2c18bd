/** What a view looks like on a screen of some size. Pure. */
import { columns } from '../certs/columns.ts';
import type { ConferenceView, Load, PeerView, View } from './view.ts';

/** A line and how it stands out, where there are colours. */
export interface Line {
  readonly text: string;
  readonly style?: 'bar' | 'heading' | 'bad';
}

export interface Size {
  readonly width: number;
  /** Infinity: as many lines as there are, without the line about the keys. */
  readonly height: number;
}

const KEYS = ' Up and Down scroll   q ends';
const PEERS_HEAD = ['PEER', 'STATE', 'WAITING', 'LINK', 'RTT', 'LOSS', 'IN MBIT/S', 'OUT', 'SHED'];
const CONFERENCES_HEAD = ['CONFERENCE', 'SINCE (UTC)', 'ROLE', 'PEOPLE', 'ORGANISATIONS'];
/** Enough for the commands that take a conference, and half of the line is left for who is in it. */
const SHORT_ID = 10;
/** States of a peer in which nothing is to be done. */
const WELL: readonly (string | undefined)[] = ['allowed', 'limited', 'blocked', undefined];

/**
 * @param offset lines of the tables that are scrolled away; too many are as many as there can be
 * @returns exactly `height` lines where that is finite, none longer than `width`
 */
export function frameOf(view: View, size: Size, offset = 0): Line[] {
  const head = headOf(view, size.width);
  const body = bodyOf(view);
  const cut = (lines: readonly Line[]) => lines.map((line) => ({ ...line, text: line.text.slice(0, size.width) }));
  if (size.height === Number.POSITIVE_INFINITY) return cut([...head, ...body]);
  const room = roomIn(view, size);
  const from = Math.min(offset, furthest(view, size));
  const shown = body.slice(from, from + room);
  const below = body.length - from - shown.length;
  const empty = Array.from({ length: room - shown.length }, (): Line => ({ text: '' }));
  const keys = bar(`${KEYS}${below > 0 ? `   ${below} more below` : ''}`, size.width);
  return cut([...head, ...shown, ...empty, keys].slice(0, size.height));
}

/** How far can be scrolled. */
export function furthest(view: View, size: Size): number {
  return Math.max(0, bodyOf(view).length - roomIn(view, size));
}

function roomIn(view: View, { width, height }: Size): number {
  return Math.max(0, height - headOf(view, width).length - 1);
}

function headOf({ domain, at, sft, homeserver, conferences }: View, width: number): Line[] {
  const title = ` hawser top   ${domain} `;
  const clock = `${new Date(at).toISOString().slice(11, 19)} UTC `;
  const workers = sft?.workers.map((share, index) => `${index}: ${percent(share)}`).join('  ') ?? '-';
  return [
    bar(`${title}${clock.padStart(width - title.length)}`, width),
    sft
      ? serverLine('Media server', sftState(sft), `people ${sft.people}, calls ${conferences.length}`, sft)
      : { text: `${'Media server'.padEnd(13)}does not answer`, style: 'bad' },
    homeserver
      ? serverLine(
          'Homeserver',
          homeserver.sft ? 'up' : 'without media',
          `pages ${homeserver.connections}, calls ${homeserver.calls}`,
          homeserver,
        )
      : { text: `${'Homeserver'.padEnd(13)}does not answer`, style: 'bad' },
    { text: `${'Workers'.padEnd(13)}${workers}` },
    { text: '' },
  ];
}

function sftState({ drainsUntil, homeserver }: NonNullable<View['sft']>): string {
  if (drainsUntil !== undefined) return `drains, ${new Date(drainsUntil).toISOString().slice(11, 16)}`;
  return homeserver ? 'up' : 'no homeserver';
}

function serverLine(what: string, state: string, about: string, { memory, lagMs, cpu }: Load): Line {
  const load = `${Math.round(memory / 2 ** 20)} MB, ${percent(cpu)}, lag ${Math.round(lagMs)} ms`;
  const text = `${what.padEnd(13)}${state.padEnd(15)}${about.padEnd(24)}${load}`;
  return state === 'up' ? { text } : { text, style: 'bad' };
}

function bodyOf({ peers, conferences }: View): Line[] {
  return [
    ...table(PEERS_HEAD, peers.map(peerRow), peers.map(isBad), 'No other domain is known.'),
    { text: '' },
    ...table(CONFERENCES_HEAD, conferences.map(conferenceRow), [], 'No conference goes on.'),
  ];
}

function table(head: readonly string[], rows: readonly string[][], bad: readonly boolean[], none: string): Line[] {
  if (rows.length === 0) return [{ text: none }];
  const [heading = '', ...lines] = columns([head, ...rows]);
  return [
    { text: heading, style: 'heading' },
    ...lines.map((text, index): Line => (bad[index] ? { text, style: 'bad' } : { text })),
  ];
}

function peerRow({ peer, state, waiting, link, rttMs, loss, inMbit, outMbit, leftOut }: PeerView): string[] {
  return [
    peer,
    state ?? '-',
    waiting === undefined ? '-' : `${waiting}`,
    link ?? '-',
    rttMs === undefined ? '-' : `${Math.round(rttMs)} ms`,
    loss === undefined ? '-' : `${(loss * 100).toFixed(1)}%`,
    inMbit?.toFixed(2) ?? '-',
    outMbit?.toFixed(2) ?? '-',
    leftOut === 0 ? '-' : `${leftOut}`,
  ];
}

function isBad({ state, link }: PeerView): boolean {
  return !WELL.includes(state) || link === 'suspect' || link === 'cut off';
}

function conferenceRow({ conference, since, role, people, organisations }: ConferenceView): string[] {
  const id = conference.slice(0, SHORT_ID);
  return [id, new Date(since).toISOString().slice(5, 16).replace('T', ' '), role, `${people}`, organisations];
}

function percent(share: number | undefined): string {
  return share === undefined ? '-' : `${Math.round(share * 100)}%`;
}

function bar(text: string, width: number): Line {
  return { text: text.padEnd(width), style: 'bar' };
}
