/** Times in words, in the time zone of the device. Pure but for the zone. */

const DAY_MS = 86_400_000;
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const weekday = new Intl.DateTimeFormat('en', { weekday: 'long' });
const date = new Intl.DateTimeFormat('en', { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' });
const shortDate = new Intl.DateTimeFormat('en', { day: 'numeric', month: 'short', year: 'numeric' });

/** Whole days since the epoch, where the device is. */
export function dayOf(at: number): number {
  const local = new Date(at);
  return Math.round(Date.UTC(local.getFullYear(), local.getMonth(), local.getDate()) / DAY_MS);
}

/** `14:03` */
export function timeOf(at: number): string {
  return clock.format(at);
}

/** `Today`, `Yesterday`, `Monday`, `Monday, 2 March 2026`: the line between two days. */
export function dayWords(at: number, now: number): string {
  const days = dayOf(now) - dayOf(at);
  if (days === 0) return 'Today';
  if (days === 1) return 'Yesterday';
  return days > 1 && days < 7 ? weekday.format(at) : date.format(at);
}

/** Short, for lists: `14:03`, `Yesterday`, `Monday`, `2 Mar 2026`. */
export function shortWhen(at: number, now: number): string {
  const days = dayOf(now) - dayOf(at);
  if (days === 0) return timeOf(at);
  if (days === 1) return 'Yesterday';
  return days > 1 && days < 7 ? weekday.format(at) : shortDate.format(at);
}

/** Whole: `Today at 14:03`. */
export function fullWhen(at: number, now: number): string {
  return `${dayWords(at, now)} at ${timeOf(at)}`;
}

const UNITS = [
  [604_800, 'week'],
  [86_400, 'day'],
  [3_600, 'hour'],
  [60, 'minute'],
  [1, 'second'],
] as const;

/** `10 seconds`, `5 minutes`, `1 day`: rounded to the largest unit of which there is one or more. @param seconds 0 or more */
export function durationOf(seconds: number): string {
  const [size, unit] = UNITS.find(([each]) => seconds >= each) ?? ([1, 'second'] as const);
  const count = Math.round(seconds / size);
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}
