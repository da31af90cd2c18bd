/** Groups with devices of two organisations: beta's people in conversations whose hub is alpha. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { LossyLink } from '#homeserver/testing/lossy-link.ts';
import { until } from '#homeserver/testing/world.ts';
import { HawserError } from '#signalling/errors.ts';
import type { ConversationId } from '#signalling/ids.ts';
import { Crew } from '../testing/crew.ts';
import type { TestDevice } from '../testing/test-device.ts';
import { MemoryVault } from '../vault/memory.ts';

let crew: Crew;
let link: LossyLink;

beforeAll(async () => {
  crew = await Crew.gather('beta.example');
  link = await LossyLink.open(crew.alpha.site.homeserver.federation.address);
  await crew.beta.allow({ organisation: crew.alpha, homeserver: link.address });
});
afterAll(async () => {
  await crew[Symbol.asyncDispose]();
  await link[Symbol.asyncDispose]();
});
afterEach(() => {
  link.isLosing = false;
  crew.rest();
});

const far = (handle: string) => crew.deviceOf(handle, new MemoryVault(), crew.beta);
const devicesAt = async (device: TestDevice, conversation: ConversationId) =>
  (await device.group(conversation).loaded())?.members.map(({ identity }) => identity.device) ?? [];
const keysOf = async (device: TestDevice, conversation: ConversationId) => {
  const group = await device.group(conversation).loaded();
  return group?.isMember ? `${group.epoch} ${Buffer.from(group.epochAuthenticator).toString('hex')}` : undefined;
};
const knowsGroup = (device: TestDevice, conversation: ConversationId) =>
  until(
    () => device.home.store.state.conversations.find((each) => each.conversation === conversation)?.group,
    'the hub told of the group',
  );
const same = (one: TestDevice, other: TestDevice, conversation: ConversationId) =>
  until(async () => {
    const keys = await keysOf(one, conversation);
    return keys !== undefined && keys === (await keysOf(other, conversation));
  }, 'both are in one epoch with the same keys');
const commitsBy = ({ entries }: TestDevice, by: TestDevice) =>
  entries.filter(({ kind, sender }) => kind === 'commit' && sender === by.device.id).length;

test('people of the other organisation are let in, join by themselves, and commit', { timeout: 30_000 }, async () => {
  const [alice, bob] = [await crew.deviceOf('alice'), await far('bob')];
  const conversation = await crew.converse(alice, bob);
  expect(await devicesAt(alice, conversation)).toContain(bob.device.id);
  await knowsGroup(bob, conversation);
  await bob.group(conversation).ready();
  await same(alice, bob, conversation);
  await bob.group(conversation).update();
  await same(alice, bob, conversation);
  expect([...alice.troubles, ...bob.troubles]).toEqual([]);
});

test('somebody of the other organisation makes the group', { timeout: 30_000 }, async () => {
  const [alice, bob] = [await crew.deviceOf('amir'), await far('bela')];
  const { conversation } = await alice.home.createConversation('Rigging', [bob.device.user]);
  await until(() => bob.home.store.state.conversations.some((each) => each.conversation === conversation), 'it');
  await bob.group(conversation).ready();
  await knowsGroup(alice, conversation);
  await bob.group(conversation).addPeople([alice.device.user]);
  await same(alice, bob, conversation);
});

test('a commit that lost is told the epoch that there is', { timeout: 30_000 }, async () => {
  const [alice, bob] = [await crew.deviceOf('ada'), await far('berta')];
  const conversation = await crew.converse(alice, bob);
  await knowsGroup(bob, conversation);
  const group = await bob.group(conversation).ready();
  await same(alice, bob, conversation);
  const stale = await group.commit({}, 'request-of-a-test');
  await alice.group(conversation).update();
  await expect(bob.api.commit(conversation, stale)).rejects.toMatchObject({ code: 'MLS_EPOCH_PAST' });
});

test('a device that is removed at its own homeserver is taken out of the keys', { timeout: 30_000 }, async () => {
  const [alice, bob, phone] = [await crew.deviceOf('alice'), await far('bob'), await far('bob')];
  const conversation = await crew.converse(alice, bob);
  expect(await devicesAt(alice, conversation)).toContain(phone.device.id);
  await bob.account.call({ method: 'DELETE', path: `devices/${encodeURIComponent(phone.device.id)}` });
  await until(async () => !(await devicesAt(alice, conversation)).includes(phone.device.id), 'it is out', 10_000);
  expect(await devicesAt(alice, conversation)).toContain(bob.device.id);
});

describe('an organisation that cannot be asked', () => {
  test('holds nobody of the others, and its people are let in later', { timeout: 60_000 }, async () => {
    const [alice, carol, bob] = [await crew.deviceOf('anna'), await crew.deviceOf('carol'), await far('boris')];
    const users = [carol.device.user, bob.device.user];
    const { conversation } = await alice.home.createConversation('Rigging', users);
    await alice.home.refresh();
    await alice.group(conversation).ready();
    await crew.beta.stop();
    try {
      await alice.group(conversation).addPeople(users);
      expect(await devicesAt(alice, conversation)).toContain(carol.device.id);
      expect(await devicesAt(alice, conversation)).not.toContain(bob.device.id);
    } finally {
      await crew.beta.start();
    }
    await until(async () => (await devicesAt(alice, conversation)).includes(bob.device.id), 'he is in', 30_000);
  });
});

describe('an external commit without an answer', () => {
  test('is asked about again: it is in once, with the same keys', { timeout: 30_000 }, async () => {
    const [alice, bob] = [await crew.deviceOf('arno'), await far('bruno')];
    const conversation = await crew.converse(alice);
    await alice.home.addMember(conversation, bob.device.user);
    await knowsGroup(bob, conversation);
    const commit = bob.api.commit.bind(bob.api);
    bob.api.commit = (...request) => {
      link.isLosing = true;
      return commit(...request);
    };
    await expect(bob.group(conversation).ready()).rejects.toThrow(HawserError);
    await until(() => commitsBy(alice, bob) === 1, 'the hub has it');
    bob.api.commit = commit;
    link.isLosing = false;
    // The homeserver leaves the other one alone for no time, but its connection has to be made anew.
    await until(
      () =>
        bob
          .group(conversation)
          .ready()
          .then(
            () => true,
            () => false,
          ),
      'it is in',
    );
    await same(alice, bob, conversation);
    expect(commitsBy(alice, bob)).toBe(1);
  });

  /** A second device of somebody, whose commit reaches the hub or not, and has no answer in any case. */
  async function unanswered(isTaken: boolean) {
    const handle = isTaken ? 'ines' : 'ivan';
    const [alice, phone] = [await crew.deviceOf(handle), await crew.deviceOf(handle)];
    const other = await crew.deviceOf('olga');
    const { conversation } = await alice.home.createConversation('Rigging', [other.device.user]);
    await alice.home.refresh();
    await alice.group(conversation).ready();
    await knowsGroup(phone, conversation);
    const commit = phone.api.commit.bind(phone.api);
    phone.api.commit = async (...request) => {
      if (isTaken) await commit(...request);
      throw new HawserError('SIG_TIMEOUT');
    };
    await expect(phone.group(conversation).ready()).rejects.toMatchObject({ code: 'SIG_TIMEOUT' });
    phone.api.commit = commit;
    return { alice, phone, other, conversation };
  }

  test('comes back by the queue', { timeout: 30_000 }, async () => {
    const { alice, phone, conversation } = await unanswered(true);
    await same(alice, phone, conversation);
    expect(commitsBy(alice, phone)).toBe(1);
    expect(await phone.group(conversation).since()).toBe(1n);
    await alice.say(conversation, 'Ahoy');
    await until(() => phone.heard.length === 1, 'it hears');
    expect(phone.troubles).toEqual([]);
  });

  test('is void where a Welcome came meanwhile', { timeout: 30_000 }, async () => {
    const { alice, phone, conversation } = await unanswered(false);
    await alice.group(conversation).addPeople([alice.device.user]);
    await same(alice, phone, conversation);
    expect(commitsBy(alice, phone)).toBe(0);
    await alice.say(conversation, 'Ahoy');
    await until(() => phone.heard.length === 1, 'it hears');
    expect(phone.troubles).toEqual([]);
  });

  test('is asked about after a start', { timeout: 30_000 }, async () => {
    const { alice, phone, conversation, other } = await unanswered(false);
    phone.close();
    await alice.group(conversation).addPeople([other.device.user]);
    const again = await crew.deviceOf('ivan', phone.vault);
    await again.group(conversation).ready();
    await same(alice, again, conversation);
  });
});

test('what was said of an earlier stay does not put out whoever joins by himself', { timeout: 30_000 }, async () => {
  const [alice, bob] = [await crew.deviceOf('alva'), await crew.deviceOf('bert')];
  const conversation = await crew.converse(alice, bob);
  await until(async () => (await bob.group(conversation).loaded())?.isMember, 'he is in');
  bob.close();
  await alice.home.removeMember(conversation, bob.device.user);
  await until(async () => !(await devicesAt(alice, conversation)).includes(bob.device.id), 'he is out');
  await alice.home.addMember(conversation, bob.device.user);
  const again = await crew.deviceOf('bert', bob.vault);
  await again.group(conversation).ready();
  await same(alice, again, conversation);
  await alice.say(conversation, 'welcome back');
  await until(() => again.heard.at(-1) === 'welcome back', 'he hears');
  expect((await again.group(conversation).loaded())?.isMember).toBe(true);
});
