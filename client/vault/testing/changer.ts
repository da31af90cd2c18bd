/** For tests: a program that changes the passphrase of a vault from one to another, and says when it begins and when it is done. */
import { writeSync } from 'node:fs';
import { argv } from 'node:process';
import { FileVault } from '../sqlite.ts';
import { CHEAP } from './written.ts';

const [path = '', passphrase = '', next = ''] = argv.slice(2);
const vault = await FileVault.open({ path, passphrase, ifMissing: 'refuse', cost: CHEAP });
writeSync(1, 'begins\n');
await vault.changePassphrase(next);
writeSync(1, 'done\n');
setInterval(() => undefined, 60_000);
