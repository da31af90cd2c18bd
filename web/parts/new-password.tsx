import type { RefObject } from 'preact';
import { useId, useLayoutEffect, useState } from 'preact/hooks';

const PASSWORD_LENGTH = { least: 10, most: 256 };

interface Props {
  readonly field: RefObject<HTMLInputElement | null>;
  readonly label?: string;
}

/** A password that is made up now. It can be looked at, so that it need not be typed twice. */
export function NewPassword({ field, label = 'Password' }: Props) {
  const [shown, setShown] = useState(false);
  const [length, setLength] = useState(0);
  const id = useId();
  const rule = `${id}-rule`;
  useLayoutEffect(() => {
    if (field.current) field.current.type = shown ? 'text' : 'password';
  }, [shown]);
  const left = PASSWORD_LENGTH.least - length;
  return (
    <div class="field">
      <label for={id}>
        <span>{label}</span>
      </label>
      <span class="with-button">
        <input
          id={id}
          ref={field}
          name="new-password"
          type="password"
          autocomplete="new-password"
          autocapitalize="none"
          spellcheck={false}
          minLength={PASSWORD_LENGTH.least}
          maxLength={PASSWORD_LENGTH.most}
          aria-describedby={rule}
          required
          onInput={(event) => setLength(event.currentTarget.value.length)}
        />
        <button type="button" aria-pressed={shown} onClick={() => setShown(!shown)}>
          {shown ? 'Hide' : 'Show'}
          <span class="sr-only"> the password</span>
        </button>
      </span>
      <p id={rule} class={length > 0 && left <= 0 ? 'hint hint-met' : 'hint'}>
        {length === 0
          ? `${PASSWORD_LENGTH.least} characters or more. Four words that nobody would guess are good.`
          : left > 0
            ? `${left} more ${left === 1 ? 'character' : 'characters'}.`
            : 'Long enough.'}
      </p>
    </div>
  );
}
