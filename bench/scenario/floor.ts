/**
 * What must cross each border whatever the media servers do: one copy of each stream that somebody over there looks at or
 * hears, in packets as small as the media profile allows. Made of the scenario and the clips alone; no media server is
 * asked. Pure.
 *
 * Not in it, because it is what a design pays and not what people want: RTCP, repairs, key frames that were asked for, the
 * lowest layer beside a higher one, layers that are still sent some time after they were wanted, and silent microphones.
 */

import { packetise } from '#client/media/node/vp8.ts';
import type { Clip, Clips } from '../media/clips.ts';
import type { Phase } from './phases.ts';
import { ANCHOR, type Direction, directionsOf, type Person } from './scenario.ts';

/** RFC 3550, section 5.1. */
const RTP_HEADER = 12;
/** The authentication tag of AES-GCM (RFC 7714, section 13). */
const SRTP_TAG = 16;
/** The loudness of a voice: four bytes that begin the extensions, two for it, two to fill up (RFC 8285, RFC 6464). */
const LEVEL_EXTENSION = 8;

/** Bit/s of UDP payload of one stream that plays its clip. */
export interface Rates {
  /** By layer. */
  readonly camera: readonly number[];
  readonly screen: number;
  readonly microphone: number;
}

export function ratesOf({ camera, screen, microphone }: Clips): Rates {
  return {
    camera: camera.map(pictureRate),
    screen: pictureRate(screen),
    microphone: rateOf(microphone, (frame) => RTP_HEADER + LEVEL_EXTENSION + frame.length + SRTP_TAG),
  };
}

/** Cameras of the benchmark do not turn, so that no packet carries an orientation. */
function pictureRate(clip: Clip): number {
  return rateOf(clip, (frame) =>
    packetise(frame, 0).reduce((sum, payload) => sum + RTP_HEADER + payload.length + SRTP_TAG, 0),
  );
}

function rateOf({ frames, framesPerSecond }: Clip, bytesOf: (frame: Buffer) => number): number {
  const bytes = frames.reduce((sum, { data }) => sum + bytesOf(data), 0);
  return (8 * bytes * framesPerSecond) / frames.length;
}

/** Mbit/s of UDP payload by direction, the mean of the window. */
export function floorOf(people: readonly Person[], phases: readonly Phase[], rates: Rates): Record<string, number> {
  const seconds = phases.reduce((sum, { from, to }) => sum + (to - from), 0);
  const byDirection = directionsOf(people).map((direction) => {
    const bits = phases.reduce(
      (sum, phase) => sum + (phase.to - phase.from) * bitrateOf(direction, people, phase, rates),
      0,
    );
    return [direction.name, Number((seconds === 0 ? 0 : bits / seconds / 1e6).toFixed(6))] as const;
  });
  return Object.fromEntries(byDirection);
}

/**
 * A border stands between one organisation and all the others, because every link ends at the anchor: what goes to an
 * organisation is what its people want of all others, and what comes from it what all others want of its people.
 */
function bitrateOf({ from, to }: Direction, people: readonly Person[], phase: Phase, rates: Rates): number {
  const isOver = ({ at }: Person) => (from === ANCHOR ? at === to : at !== from);
  const byName = new Map(people.map((person) => [person.name, person]));
  const comesFromHere = (name: string) => {
    const person = byName.get(name);
    return person !== undefined && !isOver(person);
  };
  const streams = new Map<string, number>();
  for (const viewer of people.filter(isOver)) {
    for (const { who, kind, layer } of phase.wants.get(viewer.name) ?? []) {
      const rate = kind === 'camera' ? rates.camera[layer] : rates.screen;
      if (comesFromHere(who) && rate !== undefined) streams.set(`${who} ${kind} ${layer}`, rate);
    }
    // Everybody hears everybody who speaks.
    for (const who of phase.speaking) if (comesFromHere(who)) streams.set(`${who} microphone`, rates.microphone);
  }
  return [...streams.values()].reduce((sum, rate) => sum + rate, 0);
}
