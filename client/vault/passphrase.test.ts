import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { freshKeys, lockKeys, unlockKeys } from './passphrase.ts';

const COST = { memory: 8, passes: 1, lanes: 1 };

it('unlocks with the passphrase, in whichever way its letters are composed', async () => {
  const keys = freshKeys();
  const header = await lockKeys(keys, 'Gr\u00fc\u00dfe', COST);
  expect(await unlockKeys(header, 'Gr\u00fc\u00dfe')).toEqual(keys);
  expect(await unlockKeys(header, 'Gru\u0308\u00dfe')).toEqual(keys);
});

it('tells a wrong passphrase from damage, wherever that is', async () => {
  const header = await lockKeys(freshKeys(), 'right', COST);
  await expect(unlockKeys(header, 'wrong')).rejects.toMatchObject({ code: 'VAULT_WRONG_PASSPHRASE' });
  for (let at = 0; at < header.length; at++) {
    const altered = header.with(at, (header[at] ?? 0) ^ 1);
    await expect(unlockKeys(altered, 'right'), `byte ${at}`).rejects.toMatchObject({ code: 'VAULT_DAMAGED' });
  }
  await expect(unlockKeys(header.slice(1), 'right')).rejects.toMatchObject({ code: 'VAULT_DAMAGED' });
});

it('neither works without end nor goes on with other keys where somebody altered it on purpose', async () => {
  const header = await lockKeys(freshKeys(), 'right', COST);
  const alter = (at: number, ...bytes: number[]) => {
    const altered = header.slice();
    altered.set(bytes, at);
    altered.set(createHash('sha256').update(altered.subarray(0, 147)).digest(), 147);
    return unlockKeys(altered, 'right');
  };
  const damaged = { code: 'VAULT_DAMAGED' };
  await expect(alter(1, 0xff, 0xff, 0xff, 0xff)).rejects.toMatchObject(damaged);
  await expect(alter(1, 0, 0, 0, 0)).rejects.toMatchObject(damaged);
  await expect(alter(5, 0)).rejects.toMatchObject(damaged);
  await expect(alter(5, 0xff)).rejects.toMatchObject(damaged);
  await expect(alter(6, 0)).rejects.toMatchObject(damaged);
  await expect(alter(67, ...header.subarray(67, 68).map((byte) => byte ^ 1))).rejects.toMatchObject(damaged);
  await expect(alter(0, 2)).rejects.toMatchObject({ code: 'VAULT_NEWER' });
  // The check value of another salt.
  await expect(alter(7, ...new Uint8Array(16))).rejects.toMatchObject({ code: 'VAULT_WRONG_PASSPHRASE' });
});

it('takes no empty passphrase', async () => {
  await expect(lockKeys(freshKeys(), '', COST)).rejects.toThrow(TypeError);
});
