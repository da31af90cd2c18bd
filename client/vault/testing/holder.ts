/** For tests: a program that opens a vault, says so or with which code it could not, and holds it until it is killed. */
import { argv } from 'node:process';
import { HawserError } from '#signalling/errors.ts';
import { FileVault } from '../sqlite.ts';
import { CHEAP, PASSPHRASE } from './written.ts';

try {
  await FileVault.open({ path: argv[2] ?? '', passphrase: PASSPHRASE, ifMissing: 'create', cost: CHEAP });
  console.log('held');
  setInterval(() => undefined, 60_000);
} catch (error) {
  console.log(error instanceof HawserError ? error.code : String(error));
}
