import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { type Organisation, organise, type World } from '#homeserver/testing/organisation.ts';
import type { PeerReport } from '#signalling/administration.ts';
import type { DomainName } from '#signalling/ids.ts';
import { ALL_SCOPES } from '#trust/peers-schema.ts';
import { peersRemove } from '../peers.ts';
import { peersStatus } from '../peers-status.ts';
import { detailsOf, rowOf } from './rows.ts';

let world: World;
let alpha: Organisation;
let config: string;
let out: string[];
let err: string[];

beforeAll(async () => {
  world = await organise('alpha.example', 'beta.example');
  [alpha] = world.organisations as [Organisation];
  config = join(world.folder, 'hawser.yaml');
  await writeFile(config, stringify(alpha.site));
});
afterAll(() => world[Symbol.asyncDispose]());

function run(command: typeof peersStatus, argv: string[], signal = new AbortController().signal): Promise<number> {
  [out, err] = [[], []];
  const terminal = { out: (line: string) => out.push(line), err: (line: string) => err.push(line), signal };
  return command.execute([...argv, '--config', config], terminal);
}

it('tells what the running homeserver knows, of all or of one, once or again and again', async () => {
  await run(peersStatus, []);
  expect(out[0]).toMatch(/^DOMAIN +STATE +SINCE \(UTC\) +CERTIFICATES END +VERSION +WAITING/);
  expect(out[1]).toMatch(/^beta\.example +(allowed|unreachable)/);
  await run(peersStatus, ['beta.example']);
  expect(out.join('\n')).toMatch(/Authority until \d{4}-\d\d-\d\d: [0-9A-F]{2}:/);
  await run(peersStatus, ['--json']);
  expect(JSON.parse(out.join(''))).toMatchObject({ domain: 'alpha.example', peers: [{ domain: 'beta.example' }] });
  await expect(run(peersStatus, ['gamma.example'])).rejects.toThrow(
    'gamma.example is not on the list and has not knocked',
  );
  await expect(run(peersStatus, ['beta'])).rejects.toThrow('is not a DNS name');
  const stop = new AbortController();
  const watching = run(peersStatus, ['--watch'], stop.signal);
  stop.abort();
  // A signal that comes at once ends the first question; nothing is left that holds the process.
  await watching.catch(() => undefined);
});

it('tells the list alone where no homeserver runs, and says so', async () => {
  await alpha.stop();
  await run(peersStatus, []);
  expect(err).toEqual(['The homeserver is not running. This is what the allow list says:']);
  expect(out[0]).toMatch(/^DOMAIN +STATE +SINCE \(UTC\) +CERTIFICATES END$/);
  expect(out[1]).toMatch(/^beta\.example +allowed +- +\d{4}-\d\d-\d\d$/);
  await run(peersStatus, ['--json']);
  expect(JSON.parse(out.join(''))).toMatchObject({ running: false, peers: [{ domain: 'beta.example' }] });
  await run(peersRemove, ['beta.example']);
  expect(out).toContain('beta.example is removed. Running servers follow within a second.');
  await run(peersStatus, []);
  expect(out).toEqual(['Nobody is on it.']);
  await expect(run(peersRemove, ['beta.example'])).rejects.toThrow('beta.example is not on the list');
});

it('says in a row what there is to say', () => {
  const now = Date.UTC(2026, 2, 1, 14, 32);
  const peer: PeerReport = {
    ...{ domain: 'beta.example' as DomainName, listed: true, state: 'unreachable', code: 'FED_UNREACHABLE' },
    since: now - 30 * 60_000,
    ...{ mediaPrefixes: [], limits: {}, may: ALL_SCOPES, version: 2 },
    authorities: [{ fingerprint: 'AA', endsAt: Date.UTC(2030, 0, 1) }],
    certificateEndsAt: Date.UTC(2026, 5, 1),
    waiting: { count: 12, oldestAt: now - 29 * 60_000 },
    lastHour: { messagesIn: 3, messagesOut: 40, calls: 1, refusals: [{ code: 'SIG_FLOOD', count: 2 }] },
  };
  expect(rowOf(peer, now)).toEqual([
    ...['beta.example', 'unreachable (FED_UNREACHABLE)', '2026-03-01 14:02', '2030-01-01, own 2026-06-01'],
    ...['2', '12', '29 min', '3/40', '1', '2 SIG_FLOOD'],
  ]);
  expect(rowOf({ ...peer, listed: false, state: 'refused', code: 'FED_NOT_ALLOWED' }, now)[1]).toBe(
    'refused, not on the list',
  );
  expect(detailsOf(peer)).toContain('Homeserver: none named, so it is looked up by its domain');
});
