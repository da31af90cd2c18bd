import { expect, it } from 'vitest';
import { nodeEngine } from '#mls/node-engine.ts';
import { cipherSuite } from './suite.ts';

const bytes = (hex: string) => new Uint8Array(Buffer.from(hex, 'hex'));

it('derives what RFC 5869 says', async () => {
  const { kdf } = await cipherSuite(nodeEngine);
  const [salt, info] = [bytes('000102030405060708090a0b0c'), bytes('f0f1f2f3f4f5f6f7f8f9')];
  const key = await kdf.extract(salt, new Uint8Array(22).fill(0x0b));
  expect(key).toEqual(bytes('077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5'));
  const wanted = '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865';
  expect(await kdf.expand(key, info, 42)).toEqual(bytes(wanted));
});

it('derives what WebCrypto does, of any length and without a salt', async () => {
  const [own, theirs] = [(await cipherSuite(nodeEngine)).kdf, (await cipherSuite()).kdf];
  expect(own.size).toBe(theirs.size);
  const secret = crypto.getRandomValues(new Uint8Array(32));
  for (const salt of [new Uint8Array(), crypto.getRandomValues(new Uint8Array(32))]) {
    const key = await theirs.extract(salt, secret);
    expect(await own.extract(salt, secret)).toEqual(key);
    for (const length of [1, 16, 32, 33, 64, 100, 255 * 32])
      expect(await own.expand(key, secret, length)).toEqual(await theirs.expand(key, secret, length));
  }
  await expect(own.expand(secret, secret, 255 * 32 + 1)).rejects.toThrow(RangeError);
});
