/** For tests: a domain with its authority and certificates in a folder, in some tens of milliseconds. */
import { X509Certificate } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { type DomainName, parseDomainName } from '#signalling/ids.ts';
import type { CredentialFiles } from './credentials.ts';
import * as issue from './issue.ts';
import { issueDeviceAuthority, makeDeviceRoot } from './issue-devices.ts';
import { DAY, validityFrom } from './issuing.ts';
import { type Role, serverName } from './name.ts';
import type { PeerEntry, PeerLimits } from './peers-schema.ts';
import { replaceFile } from './replace.ts';
import { selfSigned } from './testing-strangers.ts';

export interface TestCertificate {
  /** Paths of PEM files. */
  readonly certificate: string;
  readonly key: string;
}

export interface TestCertificateOptions {
  /** `homeserver` when left out. */
  readonly role?: Role;
  /** DNS names in place of the one of the role. */
  readonly names?: readonly string[];
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  readonly selfSigned?: boolean;
}

export interface TestDomain {
  readonly domain: DomainName;
  readonly folder: string;
  /** Path of the authority's certificate. */
  readonly authority: string;
  readonly revocationList: string;
  readonly homeserver: TestCertificate;
  readonly sft: TestCertificate;
  readonly tickets: { readonly privateKey: string; readonly publicKey: string };
  /** What certifies devices. */
  readonly devices: TestCertificate & { readonly root: string; readonly revocationList: string };
  /** One more certificate of this authority, also for the names of another domain. */
  issue(options?: TestCertificateOptions): Promise<TestCertificate>;
  /** Adds a certificate to the revocation list. */
  revoke(certificate: TestCertificate): Promise<void>;
  /** What `Credentials.open` takes: the certificate of a role, or another one. */
  files(shown: Role | TestCertificate): CredentialFiles;
}

/** Makes a domain in a folder of its own below `folder` (the test removes it). */
export async function makeTestDomain(folder: string, name: string): Promise<TestDomain> {
  const domain = parseDomainName(name);
  if (domain === undefined) throw new RangeError(`${name} is not a domain`);
  const own = join(folder, domain);
  await mkdir(own, { recursive: true });
  const authority = await issue.makeAuthority(domain, validityFrom(Date.now(), DAY));
  const revoked: issue.Revoked[] = [];
  let count = 0;

  const write = async (file: string, content: string, mode = 0o644) => {
    const path = join(own, file);
    await replaceFile(path, content, mode);
    return path;
  };
  const revocationList = async () =>
    write('revoked.pem', await issue.makeRevocationList(authority, revoked, Date.now()));
  const make = async (file: string, options: TestCertificateOptions = {}): Promise<TestCertificate> => {
    const { role = 'homeserver', names = [serverName(domain, role)] } = options;
    const always = validityFrom(Date.now(), DAY);
    const validity = {
      notBefore: options.notBefore ?? always.notBefore,
      notAfter: options.notAfter ?? always.notAfter,
    };
    const made = options.selfSigned
      ? await selfSigned(names, validity)
      : await issue.issueServer(authority, domain, role, validity, names);
    return {
      certificate: await write(`${file}.pem`, made.certificate),
      key: await write(`${file}.key`, made.key, 0o600),
    };
  };

  const keys = issue.makeTicketKeys();
  const authorityPath = await write('authority.pem', authority.certificate);
  await write('authority.key', authority.key, 0o600);
  const revocationPath = await revocationList();
  const homeserver = await make('homeserver');
  // Longer than the servers' certificates: leaves of devices live inside the time of it.
  const deviceLife = validityFrom(Date.now(), 365 * DAY);
  const root = await makeDeviceRoot(domain, deviceLife);
  const devices = await issueDeviceAuthority(root, domain, deviceLife);
  const sft = await make('sft', { role: 'sft' });
  return {
    domain,
    folder: own,
    authority: authorityPath,
    revocationList: revocationPath,
    homeserver,
    sft,
    tickets: {
      privateKey: await write('tickets.key', keys.privateKey, 0o600),
      publicKey: await write('tickets.pem', keys.publicKey),
    },
    devices: {
      root: await write('devices-root.pem', root.certificate),
      revocationList: await write('devices-root-revoked.pem', await issue.makeRevocationList(root, [], Date.now())),
      certificate: await write('devices.pem', devices.certificate),
      key: await write('devices.key', devices.key, 0o600),
    },
    issue(options) {
      count += 1;
      return make(`extra-${count}`, options);
    },
    async revoke({ certificate }) {
      const { serialNumber } = new X509Certificate(await readFile(certificate));
      revoked.push({ serial: serialNumber, at: Date.now() });
      await revocationList();
    },
    files(shown) {
      const pair = shown === 'homeserver' ? homeserver : shown === 'sft' ? sft : shown;
      return { domain, authority: authorityPath, revocationList: revocationPath, ...pair };
    },
  };
}

export interface TestPeer {
  readonly of: TestDomain;
  readonly state?: 'allowed' | 'blocked';
  /** `host:port` */
  readonly homeserver?: string;
  readonly mediaPrefixes?: readonly string[];
  readonly withRevocationList?: boolean;
  readonly limits?: PeerLimits;
  readonly may?: Partial<PeerEntry['may']>;
  readonly addresses?: PeerEntry['addresses'];
}

/** Writes a `peers.yaml`, atomically; loopback is an approved media prefix when none is given. */
export async function writeTestPeers(path: string, peers: readonly TestPeer[]): Promise<void> {
  const entries = peers.map(
    ({ of, state = 'allowed', homeserver, mediaPrefixes, withRevocationList = true, limits, may, addresses }) => ({
      domain: of.domain,
      state,
      authority: of.authority,
      ...(withRevocationList && { revocationList: of.revocationList }),
      ...(homeserver !== undefined && { homeserver }),
      mediaPrefixes: mediaPrefixes ?? ['127.0.0.0/8', '::1/128'],
      ...(limits && { limits }),
      ...(may && { may }),
      ...(addresses && { addresses }),
    }),
  );
  await replaceFile(path, stringify(entries), 0o644);
}
