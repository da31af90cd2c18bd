import { Compile } from 'typebox/compile';
import { describe, expect, it } from 'vitest';
import {
  type AssetKind,
  inWords,
  LimitRefusal,
  NewAsset,
  PartQuery,
  refusalBy,
  SEALED,
  Sha256,
  sealedSize,
  WrongOffset,
} from './assets.ts';

describe('refusals', () => {
  const policy = { maxBytes: 25_000_000, kinds: ['image', 'text'] as AssetKind[] };

  it('name the limit', () => {
    expect(refusalBy(policy, { size: 25_000_001, kind: 'image' })?.message).toBe(
      'Your organisation does not accept files over 25 MB.',
    );
    expect(refusalBy(policy, { size: 1, kind: 'program' })?.message).toBe(
      'Your organisation does not accept files of this kind. (program)',
    );
    expect(refusalBy(policy, { size: 25_000_000, kind: 'text' })).toBeUndefined();
    expect(new LimitRefusal('HOME_ASSET_QUOTA', 1_500_000_000).message).toContain('gives you 1.5 GB for files');
    expect(new LimitRefusal('HOME_ASSET_UPLOADS', 32)).toMatchObject({ status: 429, limit: 32 });
    expect(new WrongOffset(7)).toMatchObject({ code: 'HOME_ASSET_OFFSET', status: 409, received: 7 });
  });
});

it.each([
  [0, '0 bytes'],
  [999, '999 bytes'],
  [1_000, '1 kB'],
  [25_000_000, '25 MB'],
  [26_214_400, '26.2 MB'],
  [999_999_999, '999.9 MB'],
  [2_000_000_000_000, '2 TB'],
])('%d bytes are %s', (bytes, words) => expect(inWords(bytes)).toBe(words));

it('knows how large an encrypted file is', () => {
  const { header, chunk, tag } = SEALED;
  expect(sealedSize(0)).toBe(header + tag);
  expect(sealedSize(1)).toBe(header + 1 + tag);
  expect(sealedSize(chunk)).toBe(header + chunk + tag);
  expect(sealedSize(chunk + 1)).toBe(header + chunk + 1 + 2 * tag);
});

it('takes offsets in their one spelling, and hashes and uploads of the right form', () => {
  const offset = Compile(PartQuery);
  for (const right of ['0', '7', '999999999999999']) expect(offset.Check({ offset: right })).toBe(true);
  for (const wrong of ['', '-1', '+1', '01', '1.0', '1e3', '0x1', ' 1', '9999999999999999', 1, -1, null, ['0']]) {
    expect(offset.Check({ offset: wrong })).toBe(false);
  }
  const hash = Compile(Sha256);
  expect(hash.Check('47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU')).toBe(true);
  expect(hash.Check('47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFV')).toBe(false);
  const upload = Compile(NewAsset);
  const right = { request: 'AAAAAAAAAAAAAAAAAAAAAA', size: 1, kind: 'image' };
  expect(upload.Check(right)).toBe(true);
  const wrongs = [{ size: 0 }, { size: -1 }, { size: 2 ** 53 }, { size: 1.5 }, { kind: 'picture' }, { name: 'a.png' }];
  for (const wrong of wrongs) expect(upload.Check({ ...right, ...wrong })).toBe(false);
});
