/** What people change about their own account. */
import type { Static } from 'typebox';
import { Closed } from './contract.ts';
import { DisplayName, EmailAddress, GivenPassword, Password } from './person.ts';
import { Code } from './registration.ts';

/** `POST password`. Every other session ends. */
export const PasswordChange = Closed({ current: GivenPassword, password: Password });
export type PasswordChange = Static<typeof PasswordChange>;

/** `POST password/resets`. The answer, 202 and `AwaitedCode`, is the same whether there is such an account or not. */
export const PasswordReset = Closed({ email: EmailAddress });
export type PasswordReset = Static<typeof PasswordReset>;

/** `POST password/resets/:id/confirmation`. Every session ends. */
export const ResetConfirmation = Closed({ code: Code, password: Password });
export type ResetConfirmation = Static<typeof ResetConfirmation>;

/** `POST me/name`. Answers `User`. */
export const NameChange = Closed({ name: DisplayName });
export type NameChange = Static<typeof NameChange>;

/** `POST me/removal`: the account is gone for good, and nobody gets its handle again. */
export const AccountRemoval = Closed({ password: GivenPassword });
export type AccountRemoval = Static<typeof AccountRemoval>;
