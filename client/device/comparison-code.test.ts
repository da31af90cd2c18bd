import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { DeviceId, UserId } from '#signalling/ids.ts';
import { codeFor, compareScanned, readCode, textOf } from './comparison-code.ts';
import type { SeenDevice } from './verification.ts';

const ALICE = 'mimi://alpha.example/u/alice' as UserId;
const BOB = 'mimi://beta.example/u/bob' as UserId;
const CAROL = 'mimi://alpha.example/u/carol' as UserId;

const seen = (user: UserId, name: string, key: Uint8Array): SeenDevice => ({
  device: `${user}/d/${name}` as DeviceId,
  fingerprint: Buffer.from(key).toString('base64url'),
});
const keys = fc.uint8Array({ minLength: 32, maxLength: 32 });
const devicesOf = (user: UserId) =>
  fc
    .dictionary(fc.stringMatching(/^[A-Za-z0-9_-]{1,32}$/), keys, { minKeys: 1, maxKeys: 5 })
    .map((all) => Object.entries(all).map(([name, key]) => seen(user, name, key)));
const both = fc.tuple(devicesOf(ALICE), devicesOf(BOB));
const fixed = (fill: number) => new Uint8Array(32).fill(fill);

test('both see the same, in whatever order, whoever else is in the conversation', async () => {
  await fc.assert(
    fc.asyncProperty(both, devicesOf(CAROL), async ([alices, bobs], carols) => {
      const atAlice = [...alices, ...bobs];
      const atBob = [...carols, ...bobs.toReversed(), ...alices.toReversed()];
      const ofAlice = await codeFor({ shower: ALICE, other: BOB }, atAlice);
      const ofBob = await codeFor({ shower: BOB, other: ALICE }, atBob);
      expect(await compareScanned(ofAlice, BOB, ALICE, atBob)).toEqual({ is: 'same' });
      expect(await compareScanned(ofBob, ALICE, BOB, atAlice)).toEqual({ is: 'same' });
      expect(await compareScanned(ofAlice, ALICE, BOB, atAlice)).toEqual({ is: 'own' });
      expect(await compareScanned(ofAlice, CAROL, ALICE, atBob)).toEqual({ is: 'of-others' });
      expect(await compareScanned(ofAlice, BOB, CAROL, atBob)).toEqual({ is: 'of-others' });
    }),
  );
});

test('a bit of a key, a device more or less, or another id is a difference, and it is said whose', async () => {
  await fc.assert(
    fc.asyncProperty(
      both,
      fc.nat(),
      fc.nat(255),
      fc.constantFrom('key', 'more', 'less', 'id'),
      async (all, at, bit, how) => {
        const [alices, bobs] = all;
        const change = (devices: readonly SeenDevice[]): readonly SeenDevice[] => {
          const place = at % devices.length;
          const { device, fingerprint } = devices[place] as SeenDevice;
          const key = new Uint8Array(Buffer.from(fingerprint, 'base64url'));
          key[bit >> 3] = (key[bit >> 3] ?? 0) ^ (1 << (bit & 7));
          const rest = devices.filter((_, index) => index !== place);
          if (how === 'less') return rest;
          if (how === 'more')
            return [
              ...devices,
              { device: `${device.slice(0, device.lastIndexOf('/'))}/${'x'.repeat(33)}` as DeviceId, fingerprint },
            ];
          if (how === 'id') return [...rest, { device: `${device}.` as DeviceId, fingerprint }];
          return [...rest, { device, fingerprint: Buffer.from(key).toString('base64url') }];
        };
        const code = await codeFor({ shower: ALICE, other: BOB }, [...alices, ...bobs]);
        const whose = async (devices: readonly SeenDevice[]) => await compareScanned(code, BOB, ALICE, devices);
        expect(await whose([...change(alices), ...bobs])).toEqual({ is: 'different', whose: 'theirs' });
        expect(await whose([...alices, ...change(bobs)])).toEqual({ is: 'different', whose: 'own' });
        expect(await whose([...change(alices), ...change(bobs)])).toEqual({ is: 'different', whose: 'both' });
      },
    ),
  );
});

test('nobody’s devices are never the same', async () => {
  const alices = [seen(ALICE, 'laptop', fixed(1))];
  const bobs = [seen(BOB, 'phone', fixed(2))];
  const compare = async (devices: readonly SeenDevice[]) =>
    await compareScanned(await codeFor({ shower: ALICE, other: BOB }, devices), BOB, ALICE, devices);
  expect(await compare([])).toEqual({ is: 'different', whose: 'both' });
  expect(await compare(alices)).toEqual({ is: 'different', whose: 'own' });
  expect(await compare(bobs)).toEqual({ is: 'different', whose: 'theirs' });
});

test('the form stays what devices of this version read', async () => {
  const devices = [seen(ALICE, 'laptop', fixed(1)), seen(BOB, 'phone', fixed(2))];
  // Digests by `printf 'mimi://alpha.example/u/alice/d/laptop AQEB…AQE\n' | sha256sum`.
  expect(await codeFor({ shower: ALICE, other: BOB }, devices)).toBe(
    'hawser-verify:1:mimi://alpha.example/u/alice;eom37Q6tQzQokJPg8WIHSG1AuaLfN_9QtHoQdvXdO0w;mimi://beta.example/u/bob;XL6LQE4CZZDk5F-rVU-LwC0H7CiqDedhG76cMg1ABpo',
  );
});

test('whatever else a camera sees is no code, and none is read in two ways', async () => {
  const code = await codeFor({ shower: ALICE, other: BOB }, [seen(ALICE, 'a', fixed(1)), seen(BOB, 'b', fixed(2))]);
  const piece = fc.constantFrom(
    'hawser-verify',
    ':',
    '1',
    '01',
    '2',
    ';',
    ALICE,
    BOB,
    'A'.repeat(43),
    `${'A'.repeat(42)}B`,
    '=',
    '\n',
    ' ',
  );
  const texts = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 600 }),
    fc.array(piece, { maxLength: 14 }).map((all) => all.join('')),
    // A whole one, with something put into it or taken out.
    fc
      .tuple(fc.nat(code.length), fc.nat(3), fc.string({ maxLength: 3 }))
      .map(([at, gone, put]) => code.slice(0, at) + put + code.slice(at + gone)),
  );
  fc.assert(
    fc.property(texts, (text) => {
      const read = readCode(text);
      if (typeof read !== 'string') expect(textOf(read)).toBe(text);
    }),
    { numRuns: 500 },
  );
  for (const bad of [
    '',
    'https://alpha.example/',
    code.slice(0, -1),
    `${code};`,
    `${code}\n`,
    ` ${code}`,
    code.toUpperCase(),
    code.replace(BOB, ALICE),
  ])
    expect(readCode(bad)).toBe('no-code');
  expect(readCode(`${code}${'A'.repeat(100_000)}`)).toBe('no-code');
  expect(readCode(code.replace(':1:', ':01:'))).toBe('no-code');
  expect(readCode('hawser-verify:2:what comes later')).toBe('newer');
});
