import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { SOON } from '#signalling/testing-until.ts';
import { sampleSite } from '#site/sample.ts';
import { PeerList } from '#trust/peers.ts';
import { makeTestDomain, type TestDomain } from '#trust/testing.ts';
import type { Command } from '../command.ts';
import { peersAllow, peersBlock, peersLimit, peersList } from '../peers.ts';

let folder: string;
let config: string;
let list: string;
let beta: TestDomain;
let out: string[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hawser-'));
  config = join(folder, 'hawser.yaml');
  list = join(folder, 'peers.yaml');
  await writeFile(config, sampleSite());
  beta = await makeTestDomain(folder, 'beta.example');
});

afterEach(() => rm(folder, { recursive: true, force: true }));

async function run(command: Command, ...argv: string[]): Promise<number> {
  out = [];
  const terminal = {
    out: (line: string) => out.push(line),
    err: () => undefined,
    signal: new AbortController().signal,
  };
  return command.execute([...argv, '--config', config], terminal);
}

const allow = () =>
  run(
    ...([peersAllow, 'beta.example', '--authority', beta.authority, '--revocation-list', beta.revocationList] as const),
    ...['--homeserver', 'hs.beta.example:8448', '--media-prefix', '203.0.113.0/24, 2001:db8::/32'],
  );

it('allows and blocks a domain while a server runs', async () => {
  const running = await PeerList.open(list);
  await run(peersList);
  expect(out).toEqual([`${list} lists nobody: no other domain can connect.`]);
  await allow();
  await vi.waitFor(
    () => expect(running.allowed(beta.domain)?.mediaPrefixes).toEqual(['203.0.113.0/24', '2001:db8::/32']),
    SOON,
  );
  expect(running.allowed(beta.domain)?.homeserver).toEqual({ host: 'hs.beta.example', port: 8448 });
  await run(peersBlock, 'beta.example');
  await vi.waitFor(() => expect(running.allowed(beta.domain)).toBeUndefined(), SOON);
  await run(peersAllow, 'beta.example');
  await vi.waitFor(() => expect(running.allowed(beta.domain)?.mediaPrefixes).toHaveLength(2), SOON);
  running.close();
});

it('tells the fingerprint, which administrators compare', async () => {
  await allow();
  const [peer] = (await readOnce()).values();
  expect(out.join('\n')).toContain(peer?.authority?.certificates[0]?.fingerprint256);
  await run(peersList, '--json');
  expect(JSON.parse(out.join(''))).toMatchObject({ path: list, peers: [{ domain: 'beta.example', revoked: 0 }] });
});

it('keeps the comments and the entries of others', async () => {
  await writeFile(list, '# who is who\n- domain: gamma.example # since spring\n  state: blocked\n');
  await allow();
  const text = await readFile(list, 'utf8');
  expect(text).toContain(
    '# who is who\n- domain: gamma.example # since spring\n  state: blocked\n- domain: beta.example\n',
  );
});

it('continues a list that was written as []', async () => {
  await writeFile(list, '[]\n');
  await allow();
  expect(await readFile(list, 'utf8')).toMatch(/^- domain: beta\.example\n {2}state: allowed\n/);
});

it('leaves a key that lies in the same file out of the list', async () => {
  const both = join(folder, 'both.pem');
  await writeFile(both, (await readFile(beta.homeserver.key, 'utf8')) + (await readFile(beta.authority, 'utf8')));
  await run(peersAllow, 'beta.example', '--authority', both);
  expect(await readFile(list, 'utf8')).not.toContain('PRIVATE KEY');
});

it('changes nothing where the outcome would be no right list', async () => {
  await allow();
  const before = await readFile(list, 'utf8');
  await expect(run(peersAllow, 'beta.example', '--media-prefix', '203.0.113.0/99')).rejects.toThrow(
    /not an address prefix/,
  );
  await expect(run(peersAllow, 'beta.example', '--authority', beta.sft.certificate)).rejects.toThrow(
    /not of an authority/,
  );
  await expect(run(peersAllow, 'delta.example')).rejects.toThrow(/--authority FILE/);
  await expect(run(peersAllow, 'beta')).rejects.toThrow(/not a DNS name/);
  expect(await readFile(list, 'utf8')).toBe(before);
});

it('does not write while another command does', async () => {
  await writeFile(`${list}.lock`, '');
  await expect(allow()).rejects.toThrow(/another hawser peers is at work/);
});

it('sets and takes away limits while a server runs, and shows them', async () => {
  await allow();
  const running = await PeerList.open(list);
  await run(peersLimit, 'beta.example', '--send', '20', '--receive', '2.5', '--participants', '30');
  expect(out.join('')).toContain('send 20 Mbit/s, receive 2.5 Mbit/s, 30 participants');
  const limits = () => running.allowed(beta.domain)?.limits;
  await vi.waitFor(() => expect(limits()).toEqual({ sendMbit: 20, receiveMbit: 2.5, participants: 30 }), SOON);
  await run(peersAllow, 'beta.example');
  await run(peersLimit, 'beta.example', '--send', 'none', '--receive', '3');
  await vi.waitFor(() => expect(limits()).toEqual({ receiveMbit: 3, participants: 30 }), SOON);
  await run(peersList);
  expect(out.join('\n')).toContain('receive 3 Mbit/s, 30 participants');
  await run(peersLimit, 'beta.example', '--receive', 'none', '--participants', 'none');
  expect(await readFile(list, 'utf8')).not.toContain('limits');
  running.close();
});

it('says what a domain may do, takes it back and gives it again', async () => {
  await allow();
  await run(peersLimit, 'beta.example', '--no-calls', '--search', 'none');
  expect(out.join('')).toContain('messages, no calls, search none');
  const entry = async () => (await readOnce()).get(beta.domain);
  expect(await entry()).toMatchObject({ may: { messages: true, calls: false, search: 'none' }, addresses: 'public' });
  await run(peersAllow, 'beta.example', '--calls', '--no-messages', '--addresses', 'any');
  expect(await entry()).toMatchObject({ may: { messages: false, calls: true, search: 'none' }, addresses: 'any' });
  await run(peersList);
  expect(out.join('\n')).toContain('no messages, calls, search none');
  const contradiction = run(peersLimit, 'beta.example', '--calls', '--no-calls');
  await expect(contradiction).rejects.toThrow('--calls and --no-calls contradict each other.');
});

it('says what is wrong with a limit', async () => {
  await allow();
  await expect(run(peersLimit, 'beta.example', '--send', 'much')).rejects.toThrow(
    "--send must be a number or none, not 'much'.",
  );
  await expect(run(peersLimit, 'beta.example')).rejects.toThrow('Say at least one limit');
  await expect(run(peersLimit, 'gamma.example', '--send', '1')).rejects.toThrow('gamma.example is not on the list');
  await expect(run(peersLimit, 'beta.example', '--sources', '2.5')).rejects.toThrow(
    '1.limits.sources must be a whole number of sources, from 0 to 100000; leave it out for the default, not 2.5.',
  );
  await expect(run(peersLimit, 'beta.example', '--send', '100001')).rejects.toThrow(
    '1.limits.sendMbit must be a number of Mbit/s, from 0 to 100000; leave it out for the default, not 100001.',
  );
  await writeFile(list, '- domain: beta.example\n  state: blocked\n  limits: {sendMbits: 3}\n');
  await expect(run(peersList)).rejects.toThrow('There is no option "sendMbits" in 1.limits. Did you mean sendMbit?');
});

it('says what is wrong with a list that somebody wrote', async () => {
  await writeFile(list, '- domain: beta.example\n  stat: allowed\n');
  await expect(run(peersList)).rejects.toThrow(`${list}:2:3: There is no option "stat" in 1. Did you mean state?`);
});

async function readOnce() {
  const opened = await PeerList.open(list);
  opened.close();
  return opened.current;
}
