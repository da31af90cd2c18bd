/** What a server of ours is towards other domains: its certificate and key, and the authority of its own domain. */
import type { DomainName } from '#signalling/ids.ts';
import { SiteError } from '#site/mistakes.ts';
import { type Authority, readAuthority } from './authority.ts';
import { fits, validTo } from './certificate.ts';
import { Following, type Read } from './following.ts';
import { certificatesOf } from './pem.ts';

export interface CredentialFiles {
  readonly domain: DomainName;
  /** Paths of PEM files. */
  readonly authority: string;
  readonly revocationList?: string | undefined;
  readonly certificate: string;
  readonly key: string;
}

/** One reading of the files. */
export interface Credential {
  readonly domain: DomainName;
  readonly authority: Authority;
  /** PEM */
  readonly certificate: string;
  readonly key: string;
  /** When the own certificate ends, ms since 1970. */
  readonly expires: number;
}

/** Follows its files: a change is in effect within a second; a file that cannot be used leaves the last good ones. */
export class Credentials {
  readonly #following: Following<Credential>;

  private constructor(following: Following<Credential>) {
    this.#following = following;
  }

  /** @throws SiteError naming the first file that cannot be used */
  static async open(files: CredentialFiles, onTrouble?: (sentence: string) => void): Promise<Credentials> {
    const what = `The certificate of ${files.domain}`;
    return new Credentials(await Following.open((read) => readCredential(files, read), { what, onTrouble }));
  }

  get current(): Credential {
    return this.#following.current;
  }

  /** Calls back after each change; returns how to stop that. */
  onChange(listener: () => void): () => void {
    return this.#following.onChange(listener);
  }

  close(): void {
    this.#following.close();
  }
}

/** @throws SiteError naming the first file that cannot be used */
export async function readCredential(files: CredentialFiles, read: Read): Promise<Credential> {
  const content = (path: string) =>
    read(path).catch((error: NodeJS.ErrnoException) => wrong(path, `The file cannot be read (${error.code}).`));
  const authorityPem = await content(files.authority);
  const revocationPem = files.revocationList === undefined ? undefined : await content(files.revocationList);
  const certificate = await content(files.certificate);
  const key = await content(files.key);

  const { authority, aboutCertificates, aboutRevocations } = readAuthority(authorityPem, revocationPem);
  if (aboutCertificates) wrong(files.authority, `The authority cannot be used: ${aboutCertificates}.`);
  if (aboutRevocations) wrong(files.revocationList ?? '', `The revocation list cannot be used: ${aboutRevocations}.`);
  const [own] = attempt(files.certificate, () => certificatesOf(certificate));
  if (own === undefined) return wrong(files.certificate, 'There is no PEM certificate in it.');
  // While both files are being replaced they do not fit for a moment; the last good pair stays in use until they do.
  if (!attempt(files.key, () => fits(own, key))) wrong(files.key, `The key does not belong to ${files.certificate}.`);
  return { domain: files.domain, authority, certificate, key, expires: validTo(own) };
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
