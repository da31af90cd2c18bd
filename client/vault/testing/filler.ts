/** For tests: a program that fills the disk that a vault lies on, makes room, and goes on. It says what happened as JSON. */
import { rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { argv } from 'node:process';
import { HawserError } from '#signalling/errors.ts';
import { FileVault } from '../sqlite.ts';
import { CHEAP, PASSPHRASE } from './written.ts';

const path = argv[2] ?? '';
const ballast = join(dirname(path), 'ballast');
writeFileSync(ballast, new Uint8Array(1_000_000));
const open = () => FileVault.open({ path, passphrase: PASSPHRASE, ifMissing: 'create', cost: CHEAP });
let vault = await open();
/** Two records, so that a half of a write would be seen. */
const write = (round: number) => {
  const value = new Uint8Array(20_000).fill(round);
  return vault.write(new Map([`a/${round}`, `b/${round}`].map((key) => [key, value])));
};
let done = 0;
let code: string | undefined;
while (code === undefined && done < 250) {
  await write(done).then(
    () => done++,
    (error: unknown) => {
      code = error instanceof HawserError ? error.code : String(error);
    },
  );
}
const changed = await vault.changePassphrase('another').then(
  () => 'done',
  (error: unknown) => (error instanceof HawserError ? error.code : String(error)),
);
const atFull = [(await vault.list('a/')).size, (await vault.list('b/')).size];
rmSync(ballast);
await write(done);
await vault.close();
vault = await open();
const after = [(await vault.list('a/')).size, (await vault.list('b/')).size];
await vault.close();
console.log(JSON.stringify({ code, done, changed, atFull, after }));
