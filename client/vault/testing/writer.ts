/** For tests: a program that writes to a vault until it is killed, and says which writes were reported as done. */
import { writeSync } from 'node:fs';
import { argv } from 'node:process';
import { ordinal } from '../record-key.ts';
import { FileVault } from '../sqlite.ts';
import { CHEAP, PASSPHRASE, RECORDS } from './written.ts';

const vault = await FileVault.open({ path: argv[2] ?? '', passphrase: PASSPHRASE, ifMissing: 'create', cost: CHEAP });
const first = Number(argv[3]);
for (let round = first; ; round++) {
  // All records of a write say the round, and so does one that each round overwrites.
  const value = new Uint8Array(500).fill(round & 0xff);
  new DataView(value.buffer).setUint32(0, round);
  const records = Array.from({ length: RECORDS }, (_, index) => [`round/${ordinal(round)}/${index}`, value] as const);
  await vault.write(new Map([...records, ['latest', value]]));
  writeSync(1, `${round}\n`);
}
