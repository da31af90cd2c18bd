/** What the doctor says about one thing. */
export interface Check {
  /** The thing, in a word or two: `Node`, `media worker`. */
  name: string;
  ok: boolean;
  /** What was found, without a full stop. */
  found: string;
  /** The one thing to do about it; only when not ok. */
  todo?: string;
}

/** One line for a person. */
export function line({ name, ok, found, todo }: Check): string {
  const head = `${ok ? 'ok     ' : 'missing'}  ${name}: ${found}`;
  return todo === undefined ? head : `${head}. ${todo}`;
}
