import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { Credentials } from './credentials.ts';
import { DeviceAuthority } from './device-authority.ts';
import { deviceEndings, serverEndings } from './endings.ts';
import { makeRevocationList } from './issue.ts';
import { CERTIFICATE_LIFE, DAY } from './issuing.ts';
import { replaceFile } from './replace.ts';
import { makeTestDomain } from './testing.ts';
import { temporaryFolder } from './testing-folder.ts';

const folder = temporaryFolder();
/** Of tests: trust/testing.ts. */
const [SERVERS, DEVICES, LISTS] = [DAY, 365 * DAY, CERTIFICATE_LIFE];
const rounded = (endings: ReadonlyMap<string, number>) =>
  Object.fromEntries([...endings].map(([of, at]) => [of, Math.round((at - Date.now()) / DAY) * DAY]));

test('everything that other servers and devices look at has its end', async () => {
  const alpha = await makeTestDomain(folder, 'alpha.example');
  using credentials = opened(await Credentials.open(alpha.files('sft')));
  expect(rounded(serverEndings(credentials.current))).toEqual({
    servers: SERVERS,
    authority: SERVERS,
    'revocation-list': LISTS,
  });
  expect(rounded(serverEndings(credentials.current, Date.now() + 3 * DAY))).toMatchObject({ browsers: 3 * DAY });
  using devices = opened(await DeviceAuthority.open(alpha.domain, alpha.devices));
  expect(rounded(deviceEndings(devices.current))).toEqual({
    devices: DEVICES,
    'devices-root': DEVICES,
    'devices-revocation-list': LISTS,
  });
});

test('of an old and a new authority in one file the newer counts, and a list without a promise has no end', async () => {
  const [older, newer] = [await makeTestDomain(folder, 'older.example'), await makeTestDomain(folder, 'newer.example')];
  const authority = await readFile(newer.authority, 'utf8');
  const key = await readFile(`${newer.folder}/authority.key`, 'utf8');
  const list = (life: number) => makeRevocationList({ certificate: authority, key }, [], Date.now(), life);
  await replaceFile(newer.revocationList, `${await list(10 * DAY)}${await list(40 * DAY)}`, 0o644);
  using both = opened(await Credentials.open(newer.files('homeserver')));
  expect(rounded(serverEndings(both.current))).toMatchObject({ 'revocation-list': 40 * DAY });
  using none = opened(await Credentials.open({ ...older.files('homeserver'), revocationList: undefined }));
  expect([...serverEndings(none.current).keys()]).toEqual(['servers', 'authority']);
});

function opened<T extends { readonly current: unknown; close(): void }>(following: T): T & Disposable {
  return Object.assign(following, { [Symbol.dispose]: () => following.close() });
}
