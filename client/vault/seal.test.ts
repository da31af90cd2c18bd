import { beforeAll, expect, it } from 'vitest';
import { layOut, makeKeys, Sealer } from './seal.ts';

const VALUE = Uint8Array.from({ length: 50 }, (_, index) => index);

let sealer: Sealer;

beforeAll(async () => {
  sealer = new Sealer(await makeKeys());
});

it('opens what it sealed, and gives each sealing a nonce of its own', async () => {
  const [one, two] = [await sealer.seal('n', layOut('key', VALUE)), await sealer.seal('n', layOut('key', VALUE))];
  expect(await sealer.open('n', one)).toEqual(['key', VALUE]);
  expect(await sealer.open('n', two)).toEqual(['key', VALUE]);
  expect(one.subarray(0, 12)).not.toEqual(two.subarray(0, 12));
  expect(await sealer.open('n', await sealer.seal('n', layOut('key', new Uint8Array())))).toEqual([
    'key',
    new Uint8Array(),
  ]);
});

it('opens no record that was altered, cut short, moved to another name, or sealed with other keys', async () => {
  const sealed = await sealer.seal('kind/n', layOut('key', VALUE));
  const damaged = { code: 'VAULT_DAMAGED', detail: 'a record of the kind kind' };
  for (let at = 0; at < sealed.length; at++) {
    const altered = sealed.with(at, (sealed[at] ?? 0) ^ 1);
    await expect(sealer.open('kind/n', altered)).rejects.toMatchObject(damaged);
    await expect(sealer.open('kind/n', sealed.slice(0, at))).rejects.toMatchObject(damaged);
  }
  await expect(sealer.open('kind/m', sealed)).rejects.toMatchObject(damaged);
  await expect(new Sealer(await makeKeys()).open('kind/n', sealed)).rejects.toMatchObject(damaged);
});

it('has keys that nobody can read out', async () => {
  const { records, names } = await makeKeys();
  await expect(crypto.subtle.exportKey('raw', records)).rejects.toThrow();
  await expect(crypto.subtle.exportKey('raw', names)).rejects.toThrow();
});
