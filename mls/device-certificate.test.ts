/** Our reader of certificates beside the X.509 library: what it takes, that takes too, and says the same of it. */
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { HawserError } from '#signalling/errors.ts';
import type { DeviceId, DomainName } from '#signalling/ids.ts';
import { FUZZ_RUNS, spoiling, spoilt } from '#signalling/testing-spoil.ts';
import { type DeviceCertificate, readDeviceCertificate } from './device-certificate.ts';
import { DAY, TestDomain } from './testing/authority.ts';
import * as x509 from './x509.ts';

const NOW = Date.UTC(2026, 5, 1);
const alice = 'mimi://alpha.example/u/alice/d/laptop' as DeviceId;
let real: Uint8Array[];

beforeAll(async () => {
  const domain = await TestDomain.make('alpha.example' as DomainName, NOW);
  const wishes = [
    {},
    { ca: true },
    { names: ['https://alpha.example/a'] },
    { notBefore: Date.UTC(2049, 11, 31), notAfter: Date.UTC(2050, 1, 1) },
    { extensions: [new x509.Extension('1.2.3.4', false, new Uint8Array([5, 0]))] },
  ];
  const made = await Promise.all(wishes.map((each) => domain.device(alice, each)));
  real = [...made.flatMap(({ certificates }) => certificates.slice(0, 1)), await onP256()];
});

/** As homeservers issue them: a device's key, signed with another kind. */
async function onP256(): Promise<Uint8Array> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const issuer = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const device = (await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])) as CryptoKeyPair;
  const certificate = await x509.X509CertificateGenerator.create({
    ...{ subject: 'CN=device', issuer: 'CN=devices, DC=alpha, DC=example', serialNumber: '00f1e2' },
    ...{ publicKey: device.publicKey, signingKey: issuer.privateKey, signingAlgorithm: algorithm },
    ...{ notBefore: new Date(NOW), notAfter: new Date(NOW + 90 * DAY) },
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension(['1.3.6.1.5.5.7.3.2'], true),
      new x509.SubjectAlternativeNameExtension([
        { type: 'url', value: alice },
        { type: 'dns', value: 'alpha.example' },
      ]),
    ],
  });
  return new Uint8Array(certificate.rawData);
}

/** RFC 8410, section 4. */
const isEd25519 = (spki: Uint8Array) =>
  spki.length === 44 && Buffer.from(spki.subarray(0, 12)).toString('hex') === '302a300506032b6570032100';

function byTheLibrary(der: Uint8Array): Omit<DeviceCertificate, 'signed' | 'algorithm'> {
  const read = new x509.X509Certificate(new Uint8Array(der));
  const usages = read.getExtension(x509.KeyUsagesExtension)?.usages;
  const names = read.getExtension(x509.SubjectAlternativeNameExtension)?.names.items ?? [];
  const spki = new Uint8Array(read.publicKey.rawData);
  return {
    serialNumber: read.serialNumber.replace(/^0+(?=.)/, ''),
    issuer: new Uint8Array(read.issuerName.toArrayBuffer()),
    notBefore: read.notBefore,
    notAfter: read.notAfter,
    key: isEd25519(spki) ? spki.subarray(12) : undefined,
    isAuthority: read.getExtension(x509.BasicConstraintsExtension)?.ca ?? false,
    maySign: usages === undefined || (usages & x509.KeyUsageFlags.digitalSignature) !== 0,
    names: names.map(({ type, value }) => (type === 'url' ? value : undefined)),
    // Of ECDSA the library has it in another form.
    signature: new Uint8Array(read.signature),
  };
}

function compared(der: Uint8Array): void {
  const { signed: _, algorithm, ...own } = readDeviceCertificate(der);
  const { signature, issuer, key, ...library } = byTheLibrary(der);
  const { signature: ownSignature, issuer: ownIssuer, key: ownKey, serialNumber, ...rest } = own;
  // The library writes names anew; ours are compared as they stand.
  if (real.includes(der)) expect(ownIssuer).toEqual(issuer);
  // And keys, so that it knows one where ours finds another encoding of it, and none.
  if (real.includes(der) || ownKey !== undefined) expect(ownKey).toEqual(key);
  expect({ ...rest, serialNumber: serialNumber.replace(/^0+(?=.)/, '') }).toEqual(library);
  if (algorithm === 'Ed25519') expect(ownSignature).toEqual(signature);
}

it('reads what the library reads', () => {
  for (const der of real) compared(der);
  expect(readDeviceCertificate(real.at(-1) ?? expect.fail())).toMatchObject({
    algorithm: 'ECDSA with SHA-256',
    serialNumber: '00f1e2',
    names: [alice, undefined],
  });
});

it('takes nothing that the library takes for something else', { timeout: 60_000 + 10 * FUZZ_RUNS }, () => {
  const outcomes = { same: 0, refused: 0 };
  // Of some things that mean nothing here it says less: whose name a certificate is for, what an extension says that is not critical.
  const isTakenByTheLibrary = (der: Uint8Array) => {
    try {
      return byTheLibrary(der) !== undefined;
    } catch {
      return false;
    }
  };
  fc.assert(
    fc.property(spoiling, (how) => {
      const der = spoilt(real, how);
      try {
        readDeviceCertificate(der);
      } catch (error) {
        if (!(error instanceof HawserError)) throw error;
        outcomes.refused += 1;
        return;
      }
      if (!isTakenByTheLibrary(der)) return;
      compared(der);
      outcomes.same += 1;
    }),
    { numRuns: FUZZ_RUNS, seed: 5280 },
  );
  expect(outcomes.same).toBeGreaterThan(0);
  expect(outcomes.refused).toBeGreaterThan(0);
});

describe('refuses', () => {
  const changed = (from: number[], to: number[]) => {
    const [der = expect.fail()] = real;
    const text = Buffer.from(der).toString('latin1');
    const at = text.indexOf(Buffer.from(from).toString('latin1'));
    expect(at).toBeGreaterThan(0);
    const copy = der.slice();
    copy.set(to, at);
    return copy;
  };
  it.each([
    ['a version before 3', [0xa0, 0x03, 0x02, 0x01, 0x02], [0xa0, 0x03, 0x02, 0x01, 0x01]],
    ['a time that there is not', [...Buffer.from('260531')], [...Buffer.from('260231')]],
    ['another time than that of Greenwich', [...Buffer.from('000000Z')], [...Buffer.from('0000+01')]],
    [
      'one algorithm inside and another one outside',
      [0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70],
      [0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x71],
    ],
    ['a boolean that is neither', [0x01, 0x01, 0xff], [0x01, 0x01, 0x01]],
  ])('%s', (_, from, to) => {
    expect(() => readDeviceCertificate(changed(from, to))).toThrow(HawserError);
  });

  it('bytes behind the end, and the end missing', () => {
    const [der = expect.fail()] = real;
    expect(() => readDeviceCertificate(Uint8Array.of(...der, 0))).toThrow(HawserError);
    for (let length = 0; length < der.length; length++)
      expect(() => readDeviceCertificate(der.subarray(0, length))).toThrow(HawserError);
  });
});
