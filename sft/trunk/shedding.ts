/**
 * Which layers are left out where not all that is wanted fits. In this order, and sound never:
 *
 * 1. `thumbnail`: what is above the lowest layer of a small picture, that is a camera of which nobody on the receiving
 *    side watches the highest layer;
 * 2. `top`: what is above the lowest layer of every other camera but the active speaker's;
 * 3. `video`: the rest of the cameras, lowest layers last and the active speaker's last of all;
 * 4. `screen`.
 *
 * Inside a class what is left out already stays out before anything else goes, so that two layers of like rates do not
 * take turns; then higher layers go before lower ones, larger rates before smaller, and at last the key decides. Pure.
 */
import type { SourceKind } from '#signalling/media-profile.ts';
import type { ShedReason } from '#signalling/sft-link.ts';

/** One layer that somebody wants. */
export interface Wanting {
  /** Unlike any other. */
  readonly key: string;
  readonly kind: SourceKind;
  readonly layer: number;
  readonly speaker: boolean;
  /** Nobody on the receiving side watches the source's highest layer. */
  readonly thumbnail: boolean;
  /** bit/s: measured where it flows or flowed, nominal otherwise. */
  readonly bitrate: number;
}

/** The layers left out, and since when, ms. */
export type Shed = ReadonlyMap<string, { readonly reason: ShedReason; readonly since: number }>;

export const NOTHING_SHED: Shed = new Map();

/** What is left out comes back where it fits in this part of the budget: rates vary by some per cent. */
export const RETURN_SHARE = 0.9;
/** Shortest time that a layer stays out, ms: a picture that comes and goes is worse than a small one. */
export const RETURN_MS = 2_000;

const ORDER = ['thumbnail', 'top', 'video', 'screen'] as const;

/** The place of a layer in the order, 0 goes first; undefined for sound. */
function classOf({ kind, layer, speaker, thumbnail }: Wanting): number | undefined {
  if (kind === 'microphone') return undefined;
  if (kind === 'screen') return ORDER.indexOf('screen');
  if (layer === 0 || speaker) return ORDER.indexOf('video');
  return ORDER.indexOf(thumbnail ? 'thumbnail' : 'top');
}

/** The keys to leave out so that the rest fits into the budget, as far as that can be done without sound; first gone first. */
export function leaveOut(wanted: readonly Wanting[], budget: number, before: Shed = NOTHING_SHED): string[] {
  let sum = wanted.reduce((total, { bitrate }) => total + bitrate, 0);
  const left: string[] = [];
  for (const { key, bitrate } of inOrder(wanted, before)) {
    if (sum <= budget) break;
    sum -= bitrate;
    left.push(key);
  }
  return left;
}

/**
 * The next state. What must go goes at once; what fits again comes back after a while, one class a call, the class that
 * went last first, so that its true rate is known before the next one comes. Called about once a second.
 * @param reason of the budget of now; a layer that was left out before keeps its own
 */
export function shed(before: Shed, wanted: readonly Wanting[], budget: number, reason: ShedReason, now: number): Shed {
  const must = new Set(leaveOut(wanted, budget, before));
  const stay = new Set(leaveOut(wanted, budget * RETURN_SHARE, before));
  const fits = wanted.filter(({ key }) => {
    const out = before.get(key);
    return out !== undefined && !stay.has(key) && !must.has(key) && now - out.since >= RETURN_MS;
  });
  const returning = Math.max(...fits.map((layer) => classOf(layer) ?? -1));
  const back = new Set(fits.filter((layer) => classOf(layer) === returning).map(({ key }) => key));
  const after = new Map<string, { reason: ShedReason; since: number }>();
  for (const { key } of wanted) {
    const out = before.get(key);
    if (out && !back.has(key)) after.set(key, out);
    else if (must.has(key)) after.set(key, { reason, since: now });
  }
  return after;
}

function inOrder(wanted: readonly Wanting[], before: Shed): Wanting[] {
  const ranks = wanted.flatMap((layer) => {
    const place = classOf(layer);
    return place === undefined ? [] : [{ layer, place, stays: before.has(layer.key) }];
  });
  ranks.sort((a, b) => {
    if (a.place !== b.place) return a.place - b.place;
    if (a.stays !== b.stays) return a.stays ? -1 : 1;
    if (a.layer.layer !== b.layer.layer) return b.layer.layer - a.layer.layer;
    if (a.layer.speaker !== b.layer.speaker) return a.layer.speaker ? 1 : -1;
    if (a.layer.bitrate !== b.layer.bitrate) return b.layer.bitrate - a.layer.bitrate;
    return a.layer.key < b.layer.key ? -1 : 1;
  });
  return ranks.map(({ layer }) => layer);
}
