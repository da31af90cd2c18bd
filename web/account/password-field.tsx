import type { RefObject } from 'preact';
import { DeviceError } from '#client/failure.ts';
import { HawserError } from '#signalling/errors.ts';

interface Props {
  readonly field: RefObject<HTMLInputElement | null>;
  readonly label: string;
  /** Whose it is, for whatever fills in passwords. */
  readonly handle: string;
}

/** The password that there is: it proves that it is the person who asks, and not whoever found the browser open. */
export function PasswordField({ field, label, handle }: Props) {
  return (
    <>
      <input type="text" name="username" autocomplete="username" value={handle} readOnly hidden />
      <label>
        <span>{label}</span>
        <input ref={field} name="password" type="password" autocomplete="current-password" maxLength={256} required />
      </label>
    </>
  );
}

/** What is asked with the password; a wrong one is selected, to be typed over. @throws DeviceError PASSWORD_WRONG, and what `ask` throws */
export async function proved<T>(field: RefObject<HTMLInputElement | null>, ask: (password: string) => Promise<T>) {
  try {
    return await ask(field.current?.value ?? '');
  } catch (error) {
    if (!(error instanceof HawserError) || error.code !== 'HOME_WRONG_CREDENTIALS') throw error;
    field.current?.select();
    throw new DeviceError('PASSWORD_WRONG');
  }
}
