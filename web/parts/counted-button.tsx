import { useEffect } from 'preact/hooks';
import { announce } from '../lib/announce.ts';
import { Icon, type IconName } from './icon.tsx';

/** More than two digits do not fit beside the icon. */
const MOST_SHOWN = 99;

/** The way to a place, with how much waits there, which is said aloud where it changes. */
export function CountedButton(props: {
  readonly name: string;
  readonly icon: IconName;
  readonly count: number;
  /** What the count is of, with it. */
  readonly words: string;
  readonly isCurrent: boolean;
  readonly onClick: () => void;
}) {
  const { name, count, words } = props;
  useEffect(() => {
    if (count > 0) announce(words);
  }, [words]);
  return (
    <button
      type="button"
      class="quiet icon-only counted-button"
      aria-label={count > 0 ? `${name}, ${words}` : name}
      title={name}
      aria-current={props.isCurrent ? 'page' : undefined}
      onClick={props.onClick}
    >
      <Icon name={props.icon} />
      {count > 0 && (
        <span class="badge" aria-hidden="true">
          {count > MOST_SHOWN ? `${MOST_SHOWN}+` : count}
        </span>
      )}
    </button>
  );
}
