import { expect, it } from 'vitest';
import { nodeEngine } from './node-engine.ts';

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
