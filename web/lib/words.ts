/** Figures and names in words. Pure. */
import type { Quality } from '#client/conference/quality.ts';

export function initialsOf(name: string): string {
  const words = name.trim().split(/\s+/);
  const first = [...(words[0] ?? '?')][0] ?? '?';
  const last = words.length > 1 ? ([...(words.at(-1) ?? '')][0] ?? '') : '';
  return (first + last).toUpperCase();
}

/** One of eight hues, always the same for the same name. */
export function hueOf(name: string): number {
  let hash = 0;
  for (const letter of name) hash = (hash * 31 + (letter.codePointAt(0) ?? 0)) >>> 0;
  return (hash % 8) * 45 + 10;
}

export function resolutionOf({ counters: { width, height } }: Quality): string {
  return width && height ? `${width} × ${height}` : '–';
}

export function frameRateOf({ framesPerSecond }: Quality): string {
  return framesPerSecond === undefined ? '–' : `${Math.round(framesPerSecond)} /s`;
}

export function lossOf({ loss }: Quality): string {
  if (loss === undefined) return '–';
  return `${(loss * 100).toFixed(loss > 0 && loss < 0.1 ? 1 : 0)} %`;
}

export function bitrateOf({ bitrate }: Quality): string {
  if (bitrate === undefined) return '–';
  return bitrate >= 999_500 ? `${(bitrate / 1e6).toFixed(1)} Mbit/s` : `${Math.round(bitrate / 1000)} kbit/s`;
}

export function wayOf({ via }: Pick<Quality, 'via'>): string {
  return via.length === 0 ? 'own media server' : `via ${via.join(', then ')}`;
}

/** `Ann`, `Ann and Ben`, `Ann, Ben and 3 others` */
export function listOf(names: readonly string[], shown = 3): string {
  if (names.length <= 1) return names[0] ?? '';
  if (names.length <= shown) return `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
  const rest = names.length - (shown - 1);
  return `${names.slice(0, shown - 1).join(', ')} and ${rest} others`;
}
