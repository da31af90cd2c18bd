/** Domains with an authentication service in a few lines, for tests: root, intermediate, leaves and revocation lists. */
import type { DeviceId, DomainName } from '#signalling/ids.ts';
import { userOfDevice } from '#signalling/ids.ts';
import type { Authority } from '../credentials.ts';
import * as x509 from '../x509.ts';

export const DAY = 24 * 60 * 60 * 1000;

export interface DeviceKeys {
  /** 32 bytes each */
  readonly signatureKey: Uint8Array;
  readonly signaturePublicKey: Uint8Array;
  /** DER: leaf, intermediate */
  readonly certificates: readonly Uint8Array[];
}

export interface LeafWishes {
  readonly notBefore?: number;
  readonly notAfter?: number;
  readonly names?: readonly string[];
  readonly subject?: string;
  readonly extensions?: readonly x509.Extension[];
  readonly ca?: boolean;
}

interface Signer {
  readonly certificate: x509.X509Certificate;
  readonly keys: CryptoKeyPair;
}

export class TestDomain {
  readonly domain: DomainName;
  readonly root: Signer;
  readonly intermediate: Signer;
  readonly #now: number;
  #serial = 0x1000;
  #authority: Authority = { roots: [], revocations: [] };

  private constructor(domain: DomainName, root: Signer, intermediate: Signer, now: number) {
    this.domain = domain;
    this.root = root;
    this.intermediate = intermediate;
    this.#now = now;
  }

  static async make(domain: DomainName, now: number): Promise<TestDomain> {
    const rootKeys = await signatureKeys();
    const root = await x509.X509CertificateGenerator.create({
      subject: `CN=root of ${domain}`,
      issuer: `CN=root of ${domain}`,
      publicKey: rootKeys.publicKey,
      signingKey: rootKeys.privateKey,
      signingAlgorithm: ED25519,
      serialNumber: '01',
      notBefore: new Date(now - 100 * DAY),
      notAfter: new Date(now + 3650 * DAY),
      extensions: [new x509.BasicConstraintsExtension(true, 1, true), signsOthers()],
    });
    const keys = await signatureKeys();
    const certificate = await x509.X509CertificateGenerator.create({
      subject: `CN=devices of ${domain}`,
      issuer: root.subject,
      publicKey: keys.publicKey,
      signingKey: rootKeys.privateKey,
      signingAlgorithm: ED25519,
      serialNumber: '02',
      notBefore: new Date(now - 100 * DAY),
      notAfter: new Date(now + 365 * DAY),
      extensions: [new x509.BasicConstraintsExtension(true, 0, true), signsOthers()],
    });
    const made = new TestDomain(domain, { certificate: root, keys: rootKeys }, { certificate, keys }, now);
    await made.revoke([]);
    return made;
  }

  /** Always the newest. */
  get authority(): Authority {
    return this.#authority;
  }

  /** Makes new lists that name these serials, hex, of leaves or of the intermediate. */
  async revoke(serials: readonly string[], at: number = this.#now, life: number = 7 * DAY): Promise<void> {
    const entries = serials.map((serialNumber) => ({ serialNumber, revocationDate: new Date(at) }));
    const list = ({ certificate, keys }: Signer) =>
      x509.X509CrlGenerator.create({
        issuer: certificate.subject,
        thisUpdate: new Date(at),
        nextUpdate: new Date(at + life),
        signingAlgorithm: ED25519,
        signingKey: keys.privateKey,
        entries,
      });
    this.#authority = {
      roots: [new Uint8Array(this.root.certificate.rawData)],
      revocations: [
        new Uint8Array((await list(this.root)).rawData),
        new Uint8Array((await list(this.intermediate)).rawData),
      ],
    };
  }

  async device(device: DeviceId, wishes: LeafWishes = {}, by: Signer = this.intermediate): Promise<DeviceKeys> {
    const keys = await signatureKeys();
    const pkcs8 = new Uint8Array(await crypto.subtle.exportKey('pkcs8', keys.privateKey));
    return {
      signatureKey: pkcs8.slice(-32),
      signaturePublicKey: new Uint8Array(await crypto.subtle.exportKey('raw', keys.publicKey)),
      certificates: await this.#certify(device, keys.publicKey, wishes, by),
    };
  }

  /** The same device with its key, and other certificates. */
  async renew(device: DeviceId, keys: DeviceKeys, wishes: LeafWishes = {}): Promise<DeviceKeys> {
    const raw = Uint8Array.from(keys.signaturePublicKey);
    const publicKey = await crypto.subtle.importKey('raw', raw, ED25519, true, ['verify']);
    return { ...keys, certificates: await this.#certify(device, publicKey, wishes, this.intermediate) };
  }

  async #certify(device: DeviceId, publicKey: CryptoKey, wishes: LeafWishes, by: Signer): Promise<Uint8Array[]> {
    const names = wishes.names ?? [userOfDevice(device), device];
    const leaf = await x509.X509CertificateGenerator.create({
      subject: wishes.subject ?? 'CN=device',
      issuer: by.certificate.subject,
      publicKey,
      signingKey: by.keys.privateKey,
      signingAlgorithm: ED25519,
      serialNumber: (++this.#serial).toString(16),
      notBefore: new Date(wishes.notBefore ?? this.#now - DAY),
      notAfter: new Date(wishes.notAfter ?? this.#now + 60 * DAY),
      extensions: [
        new x509.BasicConstraintsExtension(wishes.ca ?? false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.SubjectAlternativeNameExtension(names.map((value) => ({ type: 'url' as const, value }))),
        ...(wishes.extensions ?? []),
      ],
    });
    return [new Uint8Array(leaf.rawData), new Uint8Array(by.certificate.rawData)];
  }
}

/** Hex, as `revoke` takes it. */
export function serialOf(der: Uint8Array): string {
  return new x509.X509Certificate(new Uint8Array(der)).serialNumber;
}

const ED25519 = { name: 'Ed25519' } as const;

const signsOthers = () =>
  new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true);

async function signatureKeys(): Promise<CryptoKeyPair> {
  const keys = await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify']);
  if (!('privateKey' in keys)) throw new Error('no key pair');
  return keys;
}
