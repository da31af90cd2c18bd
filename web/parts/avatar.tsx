import { hueOf, initialsOf } from '../lib/words.ts';

/** Decoration: whoever uses it says the name beside it. */
export function Avatar({ name, size }: { name: string; size: number }) {
  return (
    <span
      class="avatar"
      aria-hidden="true"
      style={{
        '--hue': hueOf(name),
        width: `${size}px`,
        height: `${size}px`,
        fontSize: `${Math.round(size * 0.38)}px`,
      }}
    >
      {initialsOf(name)}
    </span>
  );
}
