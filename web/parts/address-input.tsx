import { useEffect, useId, useState } from 'preact/hooks';
import type { Home } from '#client/home.ts';
import type { User } from '#signalling/client-home.ts';
import { addressOf } from '#signalling/ids.ts';

interface Props {
  readonly home: Pick<Home, 'searchPeople' | 'store'>;
  readonly value: string;
  readonly onInput: (value: string) => void;
  readonly placeholder: string;
  readonly id?: string;
  readonly required?: boolean;
}

/** After the last key, ms: whoever goes on typing asks nobody. */
const PAUSE_MS = 250;
const FEWEST_LETTERS = 2;

/** Where an address is typed; the browser proposes who may be meant, by name or handle. */
export function AddressInput({ home, value, onInput, placeholder, id, required = false }: Props) {
  const list = useId();
  const [found, setFound] = useState<readonly User[]>([]);
  useEffect(() => {
    const text = value.trim();
    if (text.length < FEWEST_LETTERS || !isWorthAsking(text, home)) return setFound([]);
    let isOld = false;
    const timer = setTimeout(() => {
      // A proposal is a help and no more: what is wrong is said when the address is used.
      home.searchPeople(text).then(
        (people) => !isOld && setFound(people),
        () => !isOld && setFound([]),
      );
    }, PAUSE_MS);
    return () => {
      isOld = true;
      clearTimeout(timer);
    };
  }, [home, value]);
  return (
    <>
      <input
        {...(id !== undefined && { id })}
        value={value}
        onInput={(event) => onInput(event.currentTarget.value)}
        placeholder={placeholder}
        list={list}
        autocapitalize="none"
        autocomplete="off"
        spellcheck={false}
        required={required}
      />
      <datalist id={list}>
        {found.map(({ user, name }) => (
          <option key={user} value={addressOf(user)}>
            {name}
          </option>
        ))}
      </datalist>
    </>
  );
}

/** Organisations that nobody here talks with are asked when the address is used: half a name of one is often another. */
function isWorthAsking(text: string, home: Props['home']): boolean {
  const elsewhere = /^@?[^@]+@(.*)$/.exec(text)?.[1];
  if (elsewhere === undefined) return true;
  return home.store.state.conversations.some(({ members }) => members.some(({ domain }) => domain === elsewhere));
}
