/** The way to the organisation's own mail server: SMTP with TLS, except to this machine itself. */
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import type { Site } from '#site/schema.ts';
import type { Envelope } from './queue.ts';

export type MailSettings = NonNullable<Site['homeserver']['mail']>;

export interface Transport {
  /** Resolves when the mail server has taken it. @throws MailError */
  send(envelope: Envelope): Promise<void>;
  close(): void;
}

/** Why the mail server did not take an e-mail; never who should get it or what stands in it. */
export class MailError extends Error {
  override readonly name = 'MailError';
  /** Of nodemailer: `ECONNECTION`, `EAUTH`, `EENVELOPE` */
  readonly code: string;
  /** Of the SMTP server (RFC 5321, section 4.2); undefined where it said nothing. */
  readonly reply: number | undefined;
  /** Of Node, where there was no SMTP to speak of: `ECONNREFUSED`, `CERT_HAS_EXPIRED`, `ERR_TLS_CERT_ALTNAME_INVALID` */
  readonly reason: string | undefined;

  constructor(code: string, reply?: number, reason?: string) {
    super([code, reply, reason].filter((part) => part !== undefined).join(' '));
    this.code = code;
    this.reply = reply;
    this.reason = reason;
  }

  /** The server refuses this address or this text, and will do so again (RFC 5321, section 4.2.1: 5yz). */
  get isForGood(): boolean {
    const isAboutThis = this.code === 'EENVELOPE' || this.code === 'EMESSAGE';
    return isAboutThis && this.reply !== undefined && this.reply >= 500;
  }
}

/** ms; how long a mail server that hangs may hold one of the two connections. */
const CONNECT_MS = 10_000;
const SILENCE_MS = 20_000;
const CONNECTIONS = 2;

/** Opens no connection yet. Rejects where the file of the password or the authority cannot be read. */
export async function smtpTransport({ url, from, user, passwordFile, authority }: MailSettings): Promise<Transport> {
  // Half a megabyte of program that a homeserver without e-mail need not hold.
  const { createTransport } = await import('nodemailer');
  const { protocol, hostname, port } = new URL(url);
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  const isImplicit = protocol === 'smtps:';
  const pass = passwordFile === undefined ? undefined : (await readFile(passwordFile, 'utf8')).trimEnd();
  const ca = authority === undefined ? undefined : await readFile(authority, 'utf8');
  const mailer = createTransport({
    host,
    // 465 is TLS from the first byte (RFC 8314, section 3.3), 587 is submission with STARTTLS (RFC 6409).
    port: port === '' ? (isImplicit ? 465 : 587) : Number(port),
    secure: isImplicit,
    // A password or a code in clear goes nowhere but to this machine.
    ...(isLoopback(host) ? { ignoreTLS: !isImplicit } : { requireTLS: !isImplicit }),
    tls: { minVersion: 'TLSv1.2', ...(ca !== undefined && { ca }) },
    ...(user !== undefined && { auth: { user, pass: pass ?? '' } }),
    pool: true,
    maxConnections: CONNECTIONS,
    connectionTimeout: CONNECT_MS,
    greetingTimeout: CONNECT_MS,
    socketTimeout: SILENCE_MS,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return {
    async send({ to, subject, text }) {
      try {
        await mailer.sendMail({
          from,
          to: { name: '', address: to },
          subject,
          text,
          // No "I am on holiday" in answer (RFC 3834, section 5).
          headers: { 'Auto-Submitted': 'auto-generated' },
          xMailer: false,
        });
      } catch (error) {
        throw mailErrorOf(error);
      }
    },
    close: () => mailer.close(),
  };
}

function mailErrorOf(error: unknown): MailError {
  const [code, reply, reason] = ['code', 'responseCode', 'originalCode'].map((name) => partOf(error, name));
  return new MailError(
    typeof code === 'string' ? code : 'EUNKNOWN',
    typeof reply === 'number' ? reply : undefined,
    typeof reason === 'string' ? reason : undefined,
  );
}

function partOf(error: unknown, name: string): unknown {
  return error instanceof Error && name in error ? Reflect.get(error, name) : undefined;
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}
