import type { GapReason } from '#client/messages/records.ts';
import { Icon } from '../parts/icon.tsx';

const REASONS: Readonly<Record<GapReason, (what: string, they: string) => string>> = {
  'before-joining': (what, they) =>
    `${what} from before this device was added. Only devices that were there then have the keys to ${they}.`,
  'keys-gone': (what, they) =>
    `${what} came so late that the keys to ${they} were gone already. Ask for ${they} once more.`,
  damaged: (what, they) => `${what} could not be decrypted, so ${they} may not be genuine. Ask for ${they} once more.`,
  'not-understood': (what, they) =>
    `${what} cannot be shown by this version of Hawser. Reload the page; then ask for ${they} once more.`,
};

/** Why something cannot be read here. @param count of messages; left out where nobody on this device knows */
export function GapRow({ reason, count }: { reason: GapReason; count?: number }) {
  const words =
    count === undefined
      ? REASONS[reason]('There may be messages', 'them')
      : count === 1
        ? REASONS[reason]('A message', 'it')
        : REASONS[reason](`${count.toLocaleString('en')} messages`, 'them');
  return (
    <p class="gap">
      <Icon name="lock" size={16} />
      <span>{words}</span>
    </p>
  );
}
