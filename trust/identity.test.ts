/** The decision itself, with chains and times that sockets would not show. */
import { X509Certificate } from 'node:crypto';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ErrorCode } from '#signalling/errors.ts';
import { HawserError } from '#signalling/errors.ts';
import { type DomainName, parseDomainName } from '#signalling/ids.ts';
import { readAuthority } from './authority.ts';
import { type Accepts, identify, type Peer, type PeerIdentity, type Question } from './identity.ts';
import { issueServer, makeAuthority, makeRevocationList } from './issue.ts';
import { DAY, type Issued, validityFrom } from './issuing.ts';
import { parseServerName, serverName } from './name.ts';
import { ALL_SCOPES } from './peers-schema.ts';
import { unusualAuthority } from './testing-strangers.ts';
import { Extension } from './x509.ts';

const NOW = Date.UTC(2026, 5, 1);
const ALWAYS = validityFrom(NOW, 100 * DAY);
const alpha = domain('alpha.example');
const beta = domain('beta.example');
const SFT_DOOR: Accepts = { own: [], peers: ['sft'] };

function domain(name: string): DomainName {
  const parsed = parseDomainName(name);
  if (parsed === undefined) throw new Error(name);
  return parsed;
}

const x509 = ({ certificate }: Issued) => new X509Certificate(certificate);

let own: Issued;
let authority: Issued;
let leaf: Issued;

beforeAll(async () => {
  own = await makeAuthority(alpha, ALWAYS);
  authority = await makeAuthority(beta, ALWAYS);
  leaf = await issueServer(authority, beta, 'sft', ALWAYS);
});

interface Case extends Partial<Omit<Question, 'chain'>> {
  readonly chain?: readonly Issued[];
  readonly authority?: string;
  readonly revocations?: string;
  readonly state?: 'allowed' | 'blocked';
}

function ask(given: Case = {}): PeerIdentity {
  const read = readAuthority(given.authority ?? authority.certificate, given.revocations);
  expect(read).toMatchObject({ aboutCertificates: undefined, aboutRevocations: undefined });
  const peer: Peer = {
    domain: beta,
    state: given.state ?? 'allowed',
    authority: read.authority,
    homeserver: undefined,
    mediaPrefixes: [],
    linkPort: undefined,
    trunkPorts: undefined,
    limits: {},
    may: ALL_SCOPES,
    addresses: 'public',
  };
  return identify({
    chain: (given.chain ?? [leaf]).map(x509),
    view: {
      own: { domain: alpha, authority: readAuthority(own.certificate, undefined).authority },
      peers: new Map([[beta, peer]]),
    },
    wanted: given.wanted ?? SFT_DOOR,
    now: given.now ?? NOW,
  });
}

function codeOf(given: Case): ErrorCode | 'accepted' {
  try {
    ask(given);
    return 'accepted';
  } catch (error) {
    if (error instanceof HawserError) return error.code;
    throw error;
  }
}

describe('who is at the other end', () => {
  it('is the server that the certificate names, until the first certificate of the chain ends', async () => {
    expect(ask()).toEqual({ domain: beta, role: 'sft', expires: ALWAYS.notAfter.getTime() });
    const long = await issueServer(authority, beta, 'sft', validityFrom(NOW, 200 * DAY));
    expect(ask({ chain: [long] }).expires).toBe(ALWAYS.notAfter.getTime());
  });

  it.each([
    ['one millisecond before it begins', ALWAYS.notBefore.getTime() - 1, 'TRUST_NOT_YET_VALID'],
    ['when it begins', ALWAYS.notBefore.getTime(), 'accepted'],
    ['in its last millisecond', ALWAYS.notAfter.getTime() - 1, 'accepted'],
    ['when it ends', ALWAYS.notAfter.getTime(), 'TRUST_EXPIRED'],
  ] as const)('is decided by the time: %s', (_when, now, code) => expect(codeOf({ now })).toBe(code));

  it('is nobody when the authority has expired, though the server has not', async () => {
    const short = await makeAuthority(beta, validityFrom(NOW, DAY));
    const chain = [await issueServer(short, beta, 'sft', ALWAYS)];
    expect(codeOf({ chain, authority: short.certificate, now: NOW + 2 * DAY })).toBe('TRUST_EXPIRED');
  });

  it('is checked by the old and the new authority while a domain changes from one to the other', async () => {
    const fresh = await makeAuthority(beta, ALWAYS);
    const both = authority.certificate + fresh.certificate;
    expect(codeOf({ authority: both })).toBe('accepted');
    expect(codeOf({ authority: both, chain: [await issueServer(fresh, beta, 'sft', ALWAYS)] })).toBe('accepted');
  });

  it('cannot be the authority itself', () => expect(codeOf({ chain: [authority] })).toBe('TRUST_WRONG_NAME'));

  it('is nobody without certificates', () => expect(codeOf({ chain: [] })).toBe('TRUST_NO_CERTIFICATE'));

  it('is of the own domain only at a door that takes those', async () => {
    const chain = [await issueServer(own, alpha, 'sft', ALWAYS)];
    expect(codeOf({ chain })).toBe('TRUST_UNKNOWN_DOMAIN');
    expect(codeOf({ chain, wanted: { own: ['sft'], peers: [] } })).toBe('accepted');
    expect(codeOf({ chain, wanted: { own: ['homeserver'], peers: ['sft'] } })).toBe('TRUST_WRONG_NAME');
  });

  it('is not of the own domain when another authority says so', async () => {
    const chain = [await issueServer(authority, alpha, 'sft', ALWAYS)];
    expect(codeOf({ chain, wanted: { own: ['sft'], peers: ['sft'] } })).toBe('TRUST_WRONG_AUTHORITY');
  });

  it.each([
    ['*.example', 'TRUST_WRONG_NAME'],
    ['sft.sft.beta.example', 'TRUST_UNKNOWN_DOMAIN'],
    ['xsft.beta.example', 'TRUST_UNKNOWN_DOMAIN'],
    ['SFT.BETA.EXAMPLE', 'accepted'],
    ['sft.beta.example.', 'TRUST_WRONG_NAME'],
    ['203.0.113.7', 'TRUST_WRONG_NAME'],
  ] as const)('with the name %s: %s', async (name, code) => {
    expect(codeOf({ chain: [await issueServer(authority, beta, 'sft', ALWAYS, [name])] })).toBe(code);
  });

  describe('with intermediates', () => {
    let root: Issued;
    let middle: Issued;
    let server: Issued;

    beforeAll(async () => {
      root = await unusualAuthority(ALWAYS);
      middle = await unusualAuthority({ ...ALWAYS, by: root });
      server = await issueServer(middle, beta, 'sft', ALWAYS);
    });

    it('is accepted, in whatever order they are shown', async () => {
      const lower = await unusualAuthority({ ...ALWAYS, by: middle });
      const deep = await issueServer(lower, beta, 'sft', ALWAYS);
      for (const chain of [
        [server, middle],
        [server, leaf, middle, root],
        [deep, lower, middle],
        [deep, middle, lower],
      ]) {
        expect(codeOf({ chain, authority: root.certificate })).toBe('accepted');
      }
    });

    it('is accepted where the intermediate itself is on the list', () =>
      expect(codeOf({ chain: [server], authority: middle.certificate })).toBe('accepted'));

    it('is refused where one is missing', () =>
      expect(codeOf({ chain: [server], authority: root.certificate })).toBe('TRUST_WRONG_AUTHORITY'));

    it('is refused where a server has signed', async () => {
      const forged = await issueServer(leaf, beta, 'sft', ALWAYS);
      expect(codeOf({ chain: [forged, leaf] })).toBe('TRUST_WRONG_AUTHORITY');
      const flagless = await unusualAuthority({ ...ALWAYS, by: root, isAuthority: false });
      const chain = [await issueServer(flagless, beta, 'sft', ALWAYS), flagless];
      expect(codeOf({ chain, authority: root.certificate })).toBe('TRUST_WRONG_AUTHORITY');
    });

    it('is refused where the authority allows none', async () => {
      const strict = await unusualAuthority({ ...ALWAYS, pathLength: 0 });
      const below = await unusualAuthority({ ...ALWAYS, by: strict });
      const chain = [await issueServer(below, beta, 'sft', ALWAYS), below];
      expect(codeOf({ chain, authority: strict.certificate })).toBe('TRUST_WRONG_AUTHORITY');
    });

    it('is refused where one carries a critical rule that is not understood here', async () => {
      const rule = new Extension('2.5.29.30', true, Buffer.from('3000', 'hex'));
      const ruled = await unusualAuthority({ ...ALWAYS, by: root, extensions: [rule] });
      const chain = [await issueServer(ruled, beta, 'sft', ALWAYS), ruled];
      expect(codeOf({ chain, authority: root.certificate })).toBe('TRUST_WRONG_AUTHORITY');
    });

    it('is refused where one has expired or was revoked', async () => {
      const short = await unusualAuthority({ ...validityFrom(NOW, DAY), by: root });
      const chain = [await issueServer(short, beta, 'sft', ALWAYS), short];
      expect(codeOf({ chain, authority: root.certificate, now: NOW + 2 * DAY })).toBe('TRUST_EXPIRED');
      const serial = x509(middle).serialNumber;
      const revocations = await makeRevocationList(root, [{ serial, at: NOW }], NOW);
      const given = { chain: [server, middle], authority: root.certificate, revocations };
      expect(codeOf(given)).toBe('TRUST_REVOKED');
    });

    it('minds the revocation list of an intermediate', async () => {
      const serial = x509(server).serialNumber;
      const lists =
        (await makeRevocationList(root, [], NOW)) + (await makeRevocationList(middle, [{ serial, at: NOW }], NOW));
      const given = { chain: [server, middle], authority: root.certificate, revocations: lists };
      expect(codeOf(given)).toBe('TRUST_REVOKED');
    });

    it('does not mind a list with the right serial and the wrong signature', async () => {
      const serial = x509(server).serialNumber;
      const lists = await makeRevocationList(root, [{ serial, at: NOW }], NOW);
      const given = { chain: [server, middle], authority: root.certificate, revocations: lists };
      expect(codeOf(given)).toBe('accepted');
    });
  });

  it('is refused with nothing but a code whatever certificates are shown', () => {
    const known = [own, authority, leaf].map(x509);
    const chains = fc.array(fc.constantFrom(...known), { maxLength: 6 });
    const roles = fc.subarray(['homeserver', 'sft'] as const);
    fc.assert(
      fc.property(chains, roles, roles, (chain, owns, peers) => {
        const view = {
          own: { domain: alpha, authority: readAuthority(own.certificate, undefined).authority },
          peers: new Map(),
        };
        expect(() => identify({ chain, view, wanted: { own: owns, peers }, now: NOW })).toThrow(HawserError);
      }),
    );
  });

  it('is refused with nothing but a code when any byte of its certificate is another one', () => {
    const { raw } = x509(leaf);
    const { authority: speaks } = readAuthority(authority.certificate, undefined);
    const peer: Peer = {
      domain: beta,
      state: 'allowed',
      authority: speaks,
      homeserver: undefined,
      mediaPrefixes: [],
      linkPort: undefined,
      trunkPorts: undefined,
      limits: {},
      may: ALL_SCOPES,
      addresses: 'public',
    };
    const view = { own: { domain: alpha, authority: speaks }, peers: new Map([[beta, peer]]) };
    fc.assert(
      fc.property(fc.nat(raw.length - 1), fc.integer({ min: 1, max: 255 }), (at, by) => {
        const bytes = Buffer.from(raw);
        bytes[at] = (bytes[at] ?? 0) ^ by;
        const shown = attempt(() => new X509Certificate(bytes));
        if (shown === undefined) return;
        expect(() => identify({ chain: [shown], view, wanted: SFT_DOOR, now: NOW })).toThrow(HawserError);
      }),
      { numRuns: 1_000 },
    );
  });
});

function attempt<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch {
    return undefined;
  }
}

it('a server name says domain and role, and back', () => {
  for (const role of ['homeserver', 'sft'] as const) {
    expect(parseServerName(serverName(beta, role))).toEqual({ domain: beta, role });
  }
});
