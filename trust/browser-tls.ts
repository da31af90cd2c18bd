/** What a server shows to browsers: a certificate that they trust, and its key, which both follow their files. */
import type { Server } from 'node:https';
import { createSecureContext } from 'node:tls';
import { SiteError } from '#site/mistakes.ts';
import { fits, validTo } from './certificate.ts';
import { Following, type Read } from './following.ts';
import { certificatesOf } from './pem.ts';

/** Paths of PEM files. The certificate stands above its chain. */
export interface BrowserTlsFiles {
  readonly certificate: string;
  readonly key: string;
}

/** One reading of the files; what `setSecureContext` and `createServer` take. */
export interface BrowserPair {
  /** PEM */
  readonly cert: string;
  readonly key: string;
  /** Older ones have faults that attackers use (RFC 8996). */
  readonly minVersion: 'TLSv1.2';
}

export interface BrowserTlsEvents {
  /** The files changed into something that cannot be used. Told once; the last good pair stays in use. */
  readonly onTrouble?: (sentence: string) => void;
  /** New connections get another certificate from now on, which ends then, ms since 1970. */
  readonly onRenewed?: (ends: number) => void;
}

/** Follows its files: a new pair is shown within a second, and no connection that is open ends. */
export class BrowserTls {
  readonly #following: Following<LoadedPair>;

  private constructor(following: Following<LoadedPair>) {
    this.#following = following;
  }

  /** @throws SiteError naming the file that cannot be used */
  static async open(files: BrowserTlsFiles, { onTrouble, onRenewed }: BrowserTlsEvents = {}): Promise<BrowserTls> {
    const what = 'The certificate for browsers';
    const following = await Following.open((read) => readBrowserPair(files, read), { what, onTrouble });
    following.onChange(() => onRenewed?.(following.current.expires));
    return new BrowserTls(following);
  }

  get pair(): BrowserPair {
    return this.#following.current.pair;
  }

  /** When the certificate ends, ms since 1970. */
  get expires(): number {
    return this.#following.current.expires;
  }

  /** Shows the newest pair to whoever connects from now on, until the server is closed. */
  follow(server: Server): void {
    const stop = this.#following.onChange(() => server.setSecureContext(this.pair));
    server.once('close', stop);
  }

  close(): void {
    this.#following.close();
  }
}

export interface LoadedPair {
  readonly pair: BrowserPair;
  readonly expires: number;
}

/** @throws SiteError naming the file that cannot be used; it never quotes it, since it may be a key */
export async function readBrowserPair(files: BrowserTlsFiles, read: Read): Promise<LoadedPair> {
  const content = (path: string) =>
    read(path).catch((error: NodeJS.ErrnoException) => wrong(path, `The file cannot be read (${error.code}).`));
  const pair = {
    cert: await content(files.certificate),
    key: await content(files.key),
    minVersion: 'TLSv1.2',
  } as const;
  const [own] = attempt(() => certificatesOf(pair.cert)) ?? [];
  if (own === undefined) return wrong(files.certificate, 'There is no PEM certificate in it.');
  const isFit = attempt(() => fits(own, pair.key));
  if (isFit === undefined) wrong(files.key, 'There is no usable PEM key in it.');
  // While one of two files has been replaced they do not fit; the last good pair stays in use until they do.
  if (!isFit) wrong(files.key, `The key does not belong to ${files.certificate}.`);
  // What TLS itself refuses, such as a key that is too short, must not come up in a running server.
  if (attempt(() => createSecureContext(pair)) === undefined) wrong(files.certificate, 'TLS refuses the certificate.');
  return { pair, expires: validTo(own) };
}

function attempt<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch {
    return undefined;
  }
}

function wrong(path: string, message: string): never {
  throw new SiteError(path, [{ line: 1, column: 1, message }]);
}
