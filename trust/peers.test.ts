import { readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { stringify } from 'yaml';
import { SOON } from '#signalling/testing-until.ts';
import { SiteError } from '#site/mistakes.ts';
import { PeerList, parsePeers } from './peers.ts';
import { ALL_SCOPES } from './peers-schema.ts';
import { replaceFile } from './replace.ts';
import { makeTestDomain, type TestDomain, writeTestPeers } from './testing.ts';
import { temporaryFolder } from './testing-folder.ts';

const folder = temporaryFolder();
let beta: TestDomain;
let gamma: TestDomain;

beforeAll(async () => {
  beta = await makeTestDomain(folder, 'beta.example');
  gamma = await makeTestDomain(folder, 'gamma.example');
});

const parse = (text: string) => parsePeers(join(folder, 'peers.yaml'), text, (path) => readFile(path, 'utf8'));

async function mistakesIn(text: string): Promise<readonly string[]> {
  try {
    await parse(text);
    return [];
  } catch (error) {
    if (!(error instanceof SiteError)) throw error;
    return error.mistakes.map(({ line, message }) => `${line}: ${message}`);
  }
}

describe('the text of an allow list', () => {
  it('says who speaks for whom', async () => {
    const pem = await readFile(beta.authority, 'utf8');
    const peers = await parse(
      stringify([
        {
          domain: 'beta.example',
          state: 'allowed',
          authority: pem,
          homeserver: '[::1]:8448',
          mediaPrefixes: ['2001:db8::/32'],
        },
        { domain: 'gamma.example', state: 'allowed', authority: 'gamma.example/authority.pem' },
        { domain: 'delta.example', state: 'blocked' },
      ]),
    );
    expect([...peers.values()]).toMatchObject([
      { state: 'allowed', homeserver: { host: '::1', port: 8448 }, mediaPrefixes: ['2001:db8::/32'] },
      { state: 'allowed', homeserver: undefined, mediaPrefixes: [], may: ALL_SCOPES, addresses: 'public' },
      { state: 'blocked', authority: undefined },
    ]);
    expect(peers.get(gamma.domain)?.authority?.certificates[0]?.toString()).toBe(
      await readFile(gamma.authority, 'utf8'),
    );
  });

  it('names no more than an organisation has, alone or together', async () => {
    const list = (...mediaPrefixes: string[]) =>
      stringify([{ domain: 'beta.example', state: 'blocked', mediaPrefixes }]);
    const words = 'is more than any organisation has: a prefix must be';
    expect(await mistakesIn(list('0.0.0.0/1', '128.0.0.0/1', '2000::/3'))).toEqual([
      `4: beta.example: 0.0.0.0/1 ${words} /8 or longer.`,
      `5: beta.example: 128.0.0.0/1 ${words} /8 or longer.`,
      `6: beta.example: 2000::/3 ${words} /16 or longer.`,
    ]);
    expect(await mistakesIn(list('20.0.0.0/8', '22.0.0.0/8', '24.0.0.0/8'))).toEqual([
      expect.stringMatching(/: these prefixes together are more than any organisation has\.$/),
    ]);
    expect(await mistakesIn(list('10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '2606::/16'))).toEqual([]);
  });

  it('may be empty', async () => expect([...(await parse('# nobody yet\n'))]).toEqual([]));

  it('is refused with every mistake and its line', async () => {
    const text = `- domain: beta.example
  state: alowed
  authority: beta.example/authority.pem
- domain: Gamma
  state: allowed
  mediaPrefix: [203.0.113.0/24]
- state: blocked
`;
    expect(await mistakesIn(text)).toEqual([
      '2: 1.state must be allowed or blocked, not "alowed".',
      '4: 2.domain must be a DNS name in lower case, such as beta.example, not "Gamma".',
      '6: There is no option "mediaPrefix" in 2. Did you mean mediaPrefixes?',
      '7: 3.domain is missing: which domain it is.',
    ]);
  });

  it('is refused where it makes no sense, with every mistake and its line', async () => {
    const text = `- domain: beta.example
  state: allowed
- domain: beta.example
  state: allowed
  authority: nowhere.pem
  mediaPrefixes:
    - 203.0.113.0/99
- domain: gamma.example
  state: allowed
  authority: gamma.example/authority.pem
  revocationList: beta.example/revoked.pem
  homeserver: hs.gamma.example
- domain: sft.delta.example
  state: allowed
  authority: gamma.example/sft.pem
`;
    expect(await mistakesIn(text)).toEqual([
      '1: beta.example: an allowed domain needs an authority, the PEM file that its administrator gave you.',
      '3: beta.example: this domain stands in the list twice.',
      `5: beta.example: there is no file ${folder}/nowhere.pem.`,
      '7: beta.example: 203.0.113.0/99 is not an address prefix such as 203.0.113.0/24.',
      '11: gamma.example: the revocation list cannot be used: the authority of this domain did not sign it.',
      '12: gamma.example: this must be a host and a port, such as hs.beta.example:8448.',
      '13: sft.delta.example: a domain cannot begin with sft., which is the name of an SFT.',
      '15: sft.delta.example: the authority cannot be used: it is the certificate of a server, not of an authority.',
    ]);
  });

  it('is a list or a SiteError, whatever it holds', async () => {
    const good = stringify([
      { domain: 'beta.example', state: 'allowed', authority: beta.authority, mediaPrefixes: [] },
    ]);
    const mutated = fc
      .tuple(fc.nat(good.length), fc.nat(20), fc.string({ maxLength: 20 }))
      .map(([at, cut, put]) => good.slice(0, at) + put + good.slice(at + cut));
    const text = fc.oneof(fc.string(), fc.json(), mutated);
    await fc.assert(
      fc.asyncProperty(text, async (content) => void (await mistakesIn(content))),
      { numRuns: 300 },
    );
  });
});

describe('an allow list in a file', () => {
  let path: string;
  let list: PeerList;
  const trouble = vi.fn<(sentence: string) => void>();

  beforeEach(async () => {
    path = join(folder, `${Math.random().toString(36).slice(2)}.yaml`);
    await writeTestPeers(path, [{ of: beta }]);
    trouble.mockReset();
    list = await PeerList.open(path, trouble);
  });

  afterEach(() => list.close());

  const names = () => [...list.current.keys()];

  it('allows nobody while there is no file, and follows it when it comes', async () => {
    const later = join(folder, 'later.yaml');
    const early = await PeerList.open(later);
    expect([...early.current]).toEqual([]);
    await writeTestPeers(later, [{ of: beta }]);
    await vi.waitFor(() => expect(early.current.size).toBe(1), SOON);
    early.close();
  });

  it('follows a file that is replaced, written over, and replaced again', async () => {
    await writeTestPeers(path, [{ of: beta }, { of: gamma }]);
    await vi.waitFor(() => expect(names()).toEqual(['beta.example', 'gamma.example']), SOON);
    await writeFile(path, '[]\n');
    await vi.waitFor(() => expect(names()).toEqual([]), SOON);
    await writeTestPeers(path, [{ of: gamma }]);
    await vi.waitFor(() => expect(names()).toEqual(['gamma.example']), SOON);
  });

  it('follows a symbolic link that is turned to another file', async () => {
    const [one, other, link] = ['one', 'other', 'link'].map((name) => join(folder, `${name}.yaml`)) as [
      string,
      string,
      string,
    ];
    await writeTestPeers(one, [{ of: beta }]);
    await writeTestPeers(other, [{ of: gamma }]);
    await symlink(one, link);
    const linked = await PeerList.open(link);
    await rm(link);
    await symlink(other, link);
    await vi.waitFor(() => expect([...linked.current.keys()]).toEqual(['gamma.example']), SOON);
    linked.close();
  });

  it('keeps the last good list after a bad edit, says so once, and takes the next good one', async () => {
    await replaceFile(path, '- domain: beta.example\n  state: perhaps\n', 0o644);
    await vi.waitFor(() => expect(trouble).toHaveBeenCalledOnce(), SOON);
    expect(trouble.mock.calls[0]?.[0]).toBe(
      `The allow list cannot be used; the last good one stays in effect.\n${path}:2:10: 1.state must be allowed or blocked, not "perhaps".`,
    );
    expect(list.allowed(beta.domain)).toBeDefined();
    await writeTestPeers(path, [{ of: gamma }]);
    await vi.waitFor(() => expect(names()).toEqual(['gamma.example']), SOON);
  });

  it('keeps the last good list when the file vanishes', async () => {
    await rm(path);
    await vi.waitFor(() => expect(trouble).toHaveBeenCalledOnce(), SOON);
    expect(names()).toEqual(['beta.example']);
  });

  it('takes up a list when the file that it named and that was missing comes', async () => {
    const authority = join(folder, 'late.pem');
    await replaceFile(path, stringify([{ domain: 'gamma.example', state: 'allowed', authority }]), 0o644);
    await vi.waitFor(() => expect(trouble).toHaveBeenCalledOnce(), SOON);
    await writeFile(authority, await readFile(gamma.authority, 'utf8'));
    await vi.waitFor(() => expect(names()).toEqual(['gamma.example']), SOON);
  });

  it('tells of each change, and nobody after it is closed', async () => {
    const changed = vi.fn();
    list.onChange(changed);
    await writeTestPeers(path, [{ of: gamma }]);
    await vi.waitFor(() => expect(changed).toHaveBeenCalledOnce(), SOON);
    list.close();
    await writeTestPeers(path, [{ of: beta }]);
    const other = await PeerList.open(path);
    await writeTestPeers(path, []);
    await vi.waitFor(() => expect(other.current.size).toBe(0), SOON);
    other.close();
    expect(changed).toHaveBeenCalledOnce();
  });
});
