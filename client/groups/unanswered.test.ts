/** A device that ended while it asked the hub to make the group, and does not know what became of that. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { until } from '#homeserver/testing/world.ts';
import type { ConversationId } from '#signalling/ids.ts';
import { Crew } from '../testing/crew.ts';
import type { TestDevice } from '../testing/test-device.ts';
import type { MemoryVault } from '../vault/memory.ts';
import { groupPrefix } from './own-store.ts';

const SLOW = { timeout: 30_000 };

let crew: Crew;

beforeAll(async () => {
  crew = await Crew.gather('beta.example');
});
afterAll(() => crew[Symbol.asyncDispose]());
afterEach(() => crew.rest());

const keysOf = async (device: TestDevice, conversation: ConversationId) => {
  const group = await device.group(conversation).loaded();
  return group?.isMember ? `${group.epoch} ${Buffer.from(group.epochAuthenticator).toString('hex')}` : undefined;
};
const same = (one: TestDevice, other: TestDevice, conversation: ConversationId) =>
  until(async () => {
    const keys = await keysOf(one, conversation);
    return keys !== undefined && keys === (await keysOf(other, conversation));
  }, 'both are in one epoch with the same keys');

const isListed = (device: TestDevice, conversation: ConversationId) =>
  until(() => device.home.store.state.conversations.some((each) => each.conversation === conversation), 'it is listed');

/** @param isTaken whether the hub makes the group of which there is no answer */
async function ended(handle: string, isTaken: boolean, from: 'alpha' | 'beta' = 'alpha') {
  const open = (vault?: MemoryVault) => crew.deviceOf(handle, vault, crew[from]);
  const [alice, bob] = [await crew.deviceOf('alice'), await open()];
  const { conversation } = await alice.home.createConversation('Ropes', [bob.device.user]);
  await isListed(bob, conversation);
  const create = bob.api.create.bind(bob.api);
  const asked = Promise.withResolvers<void>();
  bob.api.create = async (...request) => {
    if (isTaken) await create(...request);
    asked.resolve();
    // The program ends here.
    await new Promise(() => undefined);
  };
  bob
    .group(conversation)
    .ready()
    .catch(() => undefined);
  await asked.promise;
  bob.close();
  expect((await bob.vault.list(groupPrefix(conversation))).size).toBeGreaterThan(0);
  return { alice, again: () => open(bob.vault), user: bob.device.user, conversation };
}

describe.each(['alpha', 'beta'] as const)('of %s', (from) => {
  test('comes into the group that somebody else made first, and reads what was said to it', SLOW, async () => {
    const { alice, again, user, conversation } = await ended('bob', false, from);
    await alice.group(conversation).ready();
    await alice.group(conversation).addPeople([user]);
    await alice.say(conversation, 'Ahoy');
    const bob = await again();
    await until(() => bob.heard.length === 1, 'it hears');
    await same(alice, bob, conversation);
    await bob.say(conversation, 'Ahoy yourself');
    await until(() => alice.heard.length === 1, 'the answer');
    expect([...alice.troubles, ...bob.troubles]).toEqual([]);
  });

  test('joins that group by itself where nobody has let it in', SLOW, async () => {
    const { alice, again, conversation } = await ended('carol', false, from);
    await alice.group(conversation).ready();
    const carol = await again();
    await until(
      () => carol.home.store.state.conversations.some(({ group }) => group !== undefined),
      'it is told of it',
    );
    await carol.group(conversation).ready();
    await same(alice, carol, conversation);
  });

  test('makes the group where nobody has', SLOW, async () => {
    const { alice, again, conversation } = await ended('dora', false, from);
    const dora = await again();
    await dora.group(conversation).ready();
    await alice.home.refresh();
    await alice.group(conversation).ready();
    await same(alice, dora, conversation);
  });

  test('reads what was said in the group that it made, and stays in it', SLOW, async () => {
    const { alice, again, conversation } = await ended('emil', true, from);
    await alice.home.refresh();
    await alice.group(conversation).ready();
    await alice.say(conversation, 'Ahoy');
    const emil = await again();
    await until(() => emil.heard.length === 1, 'it hears');
    await emil.group(conversation).ready();
    await same(alice, emil, conversation);
    expect(emil.troubles).toEqual([]);
  });
});

test('knows that also where it was in the conversation before', SLOW, async () => {
  const [alice, bob] = [await crew.deviceOf('nora'), await crew.deviceOf('otto')];
  const conversation = await crew.converse(alice, bob);
  await same(alice, bob, conversation);
  await alice.home.removeMember(conversation, bob.device.user);
  await until(async () => (await bob.group(conversation).loaded()) === undefined, 'it is out');
  const asked = Promise.withResolvers<void>();
  bob.api.create = async () => {
    asked.resolve();
    // The program ends here.
    await new Promise(() => undefined);
  };
  const ready = bob.group(conversation).ready();
  ready.catch(() => undefined);
  await asked.promise;
  bob.close();
  await alice.home.addMember(conversation, bob.device.user);
  const again = await crew.deviceOf('otto', bob.vault);
  await again.group(conversation).ready();
  await same(alice, again, conversation);
  await alice.say(conversation, 'welcome back');
  await until(() => again.heard.at(-1) === 'welcome back', 'it hears');
});
