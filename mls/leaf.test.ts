import { expect, it } from 'vitest';
import { checkEncryptionKey } from './leaf.ts';
import { hex } from './testing/hex.ts';

const X25519 = 'X25519';

async function keyPair() {
  const keys = await crypto.subtle.generateKey(X25519, true, ['deriveBits']);
  if (!('privateKey' in keys)) throw new Error('no key pair');
  return keys;
}

/** What the machine itself says about a key. */
async function givesSecret(raw: Uint8Array): Promise<boolean> {
  const { privateKey } = await keyPair();
  try {
    const key = await crypto.subtle.importKey('raw', new Uint8Array(raw), X25519, false, []);
    await crypto.subtle.deriveBits({ name: X25519, public: key }, privateKey, 256);
    return true;
  } catch {
    return false;
  }
}

const isTaken = (key: Uint8Array) => {
  try {
    checkEncryptionKey(key);
    return true;
  } catch {
    return false;
  }
};

it('refuses the keys with which nobody gets a secret, and no others', async () => {
  const raw = new Uint8Array(await crypto.subtle.exportKey('raw', (await keyPair()).publicKey));
  const p = (first: string) => `${first}${'ff'.repeat(30)}7f`;
  const low = [
    '00'.repeat(32),
    `01${'00'.repeat(31)}`,
    ...['ec', 'ed', 'ee'].map(p),
    'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
    '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  ].map(hex);
  const withHighBit = (key: Uint8Array) => key.with(31, (key[31] ?? 0) | 0x80);
  for (const key of [...low, ...low.map(withHighBit), raw.slice(1), Uint8Array.of(...raw, 0), new Uint8Array()]) {
    expect([isTaken(key), await givesSecret(key)]).toEqual([false, false]);
  }
  // The neighbours of the special points are ordinary ones.
  const neighbours = [`02${'00'.repeat(31)}`, ...['eb', 'ef'].map(p)].map(hex);
  for (const key of [raw, withHighBit(raw), ...neighbours, ...neighbours.map(withHighBit)]) {
    expect([isTaken(key), await givesSecret(key)]).toEqual([true, true]);
  }
});
