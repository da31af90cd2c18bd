/** Fields that several of the forms before the door have. */
import type { RefObject } from 'preact';
import type { RegistrationRules } from '#signalling/registration.ts';

/** Six digits from an e-mail. */
export function CodeField({ field }: { field: RefObject<HTMLInputElement | null> }) {
  return (
    <label>
      <span>The six digits in it</span>
      <input
        ref={field}
        class="code"
        name="code"
        inputMode="numeric"
        autocomplete="one-time-code"
        pattern="[0-9]{6}"
        maxLength={6}
        title="Six digits"
        required
      />
    </label>
  );
}

/** In a trial nobody gets e-mail: where it can be read. */
export function MailboxLink({ rules }: { rules: RegistrationRules }) {
  if (!rules.mailbox) return null;
  return (
    <p class="hint mailbox">
      This is a trial, whose e-mail is delivered to nobody.{' '}
      <a href={rules.mailbox} target="_blank" rel="noopener noreferrer">
        Read it here
      </a>
      .
    </p>
  );
}
