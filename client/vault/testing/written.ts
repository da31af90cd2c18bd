/** What `writer.ts` and who reads after it agree on. */
export const PASSPHRASE = 'a passphrase for tests';
/** Records of one write. */
export const RECORDS = 5;
/** A passphrase that is quick to try: for tests. */
export const CHEAP = { memory: 8, passes: 1, lanes: 1 } as const;
