import { expect, it } from 'vitest';
import { nodeEngine } from './mls-crypto.ts';

const message = new TextEncoder().encode('message');

async function ed25519() {
  const keys = await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify']);
  if (!('privateKey' in keys)) throw new Error('no key pair');
  const publicKey = new Uint8Array(await crypto.subtle.exportKey('raw', keys.publicKey));
  return { publicKey, signature: new Uint8Array(await crypto.subtle.sign('Ed25519', keys.privateKey, message)) };
}

it('hashes as WebCrypto does, into bytes of its own', async () => {
  const digest = nodeEngine.digest(message);
  expect(digest).toEqual(new Uint8Array(await crypto.subtle.digest('SHA-256', message)));
  expect([digest.constructor, digest.buffer.byteLength]).toEqual([Uint8Array, 32]);
});

it('takes a signature for what it is, and no other bytes', async () => {
  const { publicKey, signature } = await ed25519();
  const other = await ed25519();
  expect(nodeEngine.verify(publicKey, message, signature)).toBe(true);
  expect(nodeEngine.verify(other.publicKey, message, signature)).toBe(false);
  expect(nodeEngine.verify(publicKey, message, other.signature)).toBe(false);
  expect(nodeEngine.verify(publicKey, Uint8Array.of(1), signature)).toBe(false);
  for (const wrong of [new Uint8Array(), signature.slice(1), new Uint8Array(64)]) {
    expect(nodeEngine.verify(publicKey, message, wrong)).toBe(false);
  }
  // 33 bytes would be DER of another length, of which OpenSSL reads the first.
  for (const wrong of [new Uint8Array(), publicKey.slice(1), Uint8Array.of(...publicKey, 0)]) {
    expect(nodeEngine.verify(wrong, message, signature)).toBe(false);
  }
});

it('refuses keys with which nobody gets a secret', async () => {
  const keys = await crypto.subtle.generateKey('X25519', true, ['deriveBits']);
  if (!('privateKey' in keys)) throw new Error('no key pair');
  const raw = new Uint8Array(await crypto.subtle.exportKey('raw', keys.publicKey));
  expect(nodeEngine.agrees(raw)).toBe(true);
  const one = new Uint8Array(32);
  one[0] = 1;
  // RFC 7748, section 6.1: the points of small order, here 0, 1, p - 1, p and p + 1 (little endian), and the two of order 8.
  const nearP = (first: number) => Uint8Array.of(first, ...new Uint8Array(30).fill(0xff), 0x7f);
  const order8 = [
    'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
    '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  ].map((hex) => new Uint8Array(Buffer.from(hex, 'hex')));
  for (const low of [new Uint8Array(32), one, nearP(0xec), nearP(0xed), nearP(0xee), ...order8]) {
    expect(nodeEngine.agrees(low)).toBe(false);
  }
  for (const wrong of [new Uint8Array(), raw.slice(1), Uint8Array.of(...raw, 0)])
    expect(nodeEngine.agrees(wrong)).toBe(false);
});
