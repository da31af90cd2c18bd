/** The two ways in which a command ends with a sentence instead of a stack. */

/** The command was called in a wrong way. The message says which way is right; the exit code is 2. */
export class UsageError extends Error {
  override name = 'UsageError';
}

/** Something the person at the keyboard can mend. The message is what they read; the exit code is 1. */
export class Problem extends Error {
  override name = 'Problem';
}
