/** What the homeserver certifies devices with, from its files, which it follows. */
import { X509Certificate } from 'node:crypto';
import type { DeviceId, DomainName } from '#signalling/ids.ts';
import { SiteError } from '#site/mistakes.ts';
import { fits } from './certificate.ts';
import { Following, type Read } from './following.ts';
import { makeRevocationList, type Revoked } from './issue.ts';
import { type DeviceCertificate, issueDevice, type Signer, signerOf } from './issue-devices.ts';
import { DAY, type Issued } from './issuing.ts';
import { certificatesOf, revocationListBlocks } from './pem.ts';
import * as x509 from './x509.ts';

/** Paths of PEM files. */
export interface DeviceAuthorityFiles {
  readonly root: string;
  readonly revocationList: string;
  readonly certificate: string;
  readonly key: string;
}

/** Of the list of revoked devices, ms. Long enough for a server that stands still over a weekend. */
export const LIST_LIFE = 4 * DAY;

/** One reading of the files. */
export interface DeviceAuthorityState {
  /** DER */
  readonly roots: readonly Uint8Array[];
  /** DER: what the roots took back. */
  readonly rootRevocations: readonly Uint8Array[];
  /** DER: the intermediate. */
  readonly certificate: Uint8Array;
  readonly signer: Signer;
  readonly issued: Issued;
}

export class DeviceAuthority {
  readonly #following: Following<DeviceAuthorityState>;

  private constructor(following: Following<DeviceAuthorityState>) {
    this.#following = following;
  }

  /** @throws SiteError naming the first file that cannot be used */
  static async open(
    domain: DomainName,
    files: DeviceAuthorityFiles,
    onTrouble?: (sentence: string) => void,
  ): Promise<DeviceAuthority> {
    const what = `What certifies the devices of ${domain}`;
    return new DeviceAuthority(await Following.open((read) => readDeviceAuthority(files, read), { what, onTrouble }));
  }

  get current(): DeviceAuthorityState {
    return this.#following.current;
  }

  /** Calls back after each change; returns how to stop that. */
  onChange(listener: () => void): () => void {
    return this.#following.onChange(listener);
  }

  /** @param publicKey SPKI of Ed25519 */
  certify(device: DeviceId, publicKey: Uint8Array<ArrayBuffer>, now: number): Promise<DeviceCertificate> {
    return issueDevice(this.current.signer, device, publicKey, now);
  }

  /** Whether the intermediate of now made a certificate. @param certificate DER */
  issued(certificate: Uint8Array): boolean {
    const { certificate: issuer } = this.current;
    return new X509Certificate(certificate).verify(new X509Certificate(issuer).publicKey);
  }

  /** The list of revoked devices, DER, good for `LIST_LIFE`. */
  async revocationList(revoked: readonly Revoked[], now: number): Promise<Uint8Array> {
    return derOf(await makeRevocationList(this.current.issued, revoked, now, LIST_LIFE));
  }

  close(): void {
    this.#following.close();
  }
}

/** @throws SiteError naming the first file that cannot be used */
export async function readDeviceAuthority(files: DeviceAuthorityFiles, read: Read): Promise<DeviceAuthorityState> {
  const content = (path: string) =>
    read(path).catch((error: NodeJS.ErrnoException) => wrong(path, `The file cannot be read (${error.code}).`));
  const rootPem = await content(files.root);
  const rootListPem = await content(files.revocationList);
  const issued = { certificate: await content(files.certificate), key: await content(files.key) };

  const roots = attempt(files.root, () => certificatesOf(rootPem));
  if (roots.length === 0) wrong(files.root, 'There is no PEM certificate in it.');
  const [own] = attempt(files.certificate, () => certificatesOf(issued.certificate));
  if (own === undefined) return wrong(files.certificate, 'There is no PEM certificate in it.');
  if (!attempt(files.key, () => fits(own, issued.key))) {
    wrong(files.key, `The key does not belong to ${files.certificate}.`);
  }
  if (!roots.some((root) => own.checkIssued(root) && own.verify(root.publicKey))) {
    wrong(files.certificate, `No certificate of ${files.root} issued it.`);
  }
  const lists = revocationListBlocks(rootListPem).map((block) => attempt(files.revocationList, () => derOf(block)));
  if (lists.length === 0) wrong(files.revocationList, 'There is no PEM revocation list in it.');
  return {
    roots: roots.map(({ raw }) => new Uint8Array(raw)),
    rootRevocations: lists,
    certificate: new Uint8Array(own.raw),
    signer: await signerOf(issued).catch(() => wrong(files.key, 'The key is not an ECDSA key on P-256.')),
    issued,
  };
}

function derOf(pem: string): Uint8Array {
  return new Uint8Array(x509.PemConverter.decodeFirst(pem));
}

function attempt<T>(path: string, make: () => T): T {
  try {
    return make();
  } catch {
    // The library's own words could quote the file, which may be a key.
    return wrong(path, 'There is no usable PEM in it.');
  }
}

function wrong(path: string, message: string): never {
  throw new SiteError(path, [{ line: 1, column: 1, message }]);
}
