import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { standInsFolder } from './recipe.ts';
import { deriveKeys, keystream, protectRtcp, protectRtp, type SessionKeys, type Suite } from './srtp-reference.ts';

const hex = (text: string) => Buffer.from(text.replace(/\s/g, ''), 'hex');
const NO_AUTH = Buffer.alloc(0);

test('RFC 3711 B.2: the AES-CM keystream', () => {
  const stream = keystream(hex('2B7E151628AED2A6ABF7158809CF4F3C'), hex('F0F1F2F3F4F5F6F7F8F9FAFBFCFD0000'), 48);
  expect(stream.toString('hex').toUpperCase()).toBe(
    'E03EAD0935C95E80E166B16DD92B4EB4D23513162B02D0F72A43A2FE4A5F97AB41E95B3BB0A2E8DD477901E4FCA894C0',
  );
});

test('RFC 3711 B.3: the keys derived from a master key', () => {
  const master = { key: hex('E1F97A0D3E018BE0D64FA32C06DE4139'), salt: hex('0EC675AD498AFEEBB6960B3AABE6') };
  const keys = deriveKeys('AES_CM_128_HMAC_SHA1_80', master, 'rtp');
  expect(keys.key).toEqual(hex('C61E7A93744F39EE10734AFE3FF7A087'));
  expect(keys.salt).toEqual(hex('30CBBC08863D8C85D49DB34A9AE1'));
  expect(keys.auth).toEqual(hex('CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4'));
});

/** RFC 7714 section 16: the packet and the salt of its examples; "Gallia est omnis divisa in partes tres". */
const gallia = hex(`8040f17b 8041f8d3 5501a0b2 47616c6c 69612065 7374206f 6d6e6973 20646976 69736120 696e2070
  61727465 73207472 6573`);
const salt = hex('51756964 2070726f 2071756f');

test('RFC 7714 16.1.1: SRTP with AEAD_AES_128_GCM', () => {
  const keys: SessionKeys = { key: hex('000102030405060708090a0b0c0d0e0f'), salt, auth: NO_AUTH };
  expect(protectRtp('AEAD_AES_128_GCM', keys, gallia)).toEqual(
    hex(`8040f17b 8041f8d3 5501a0b2 f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5 0d294e6f 42a5f47a 51c7d19b
      36de3adf 8833899d 7f27beb1 6a9152cf 765ee439 0cce`),
  );
});

test('RFC 7714 16.2.1: SRTP with AEAD_AES_256_GCM', () => {
  const key = hex('000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f');
  expect(protectRtp('AEAD_AES_256_GCM', { key, salt, auth: NO_AUTH }, gallia)).toEqual(
    hex(`8040f17b 8041f8d3 5501a0b2 32b1de78 a822fe12 ef9f78fa 332e33aa b1801238 9a58e2f3 b50b2a02 76ffae0f
      1ba63799 b87b7aa3 db36dfff d6b0f9bb 7878d7a7 6c13`),
  );
});

test("the vectors of the shim's test are what the RFCs ask for", async () => {
  const header = await readFile(join(standInsFolder, 'libsrtp3', 'test', 'vectors.h'), 'utf8');
  const vectors = [...header.matchAll(/\{\s*"(A\w+)",\s*\w+,\s*((?:"[0-9a-f]+",\s*){6})\}/g)];
  expect(vectors.map(([, suite]) => suite)).toEqual([
    'AES_CM_128_HMAC_SHA1_80',
    'AEAD_AES_128_GCM',
    'AEAD_AES_256_GCM',
  ]);
  for (const [, name, strings] of vectors) {
    const suite = name as Suite;
    const [key, saltHex, rtp, srtp, rtcp, srtcp] = [...(strings ?? '').matchAll(/[0-9a-f]{20,}/g)].map(
      ([text]) => text,
    );
    const master = { key: hex(key ?? ''), salt: hex(saltHex ?? '') };
    expect(protectRtp(suite, deriveKeys(suite, master, 'rtp'), hex(rtp ?? '')).toString('hex')).toBe(srtp);
    expect(protectRtcp(suite, deriveKeys(suite, master, 'rtcp'), hex(rtcp ?? ''), 1).toString('hex')).toBe(srtcp);
  }
});
