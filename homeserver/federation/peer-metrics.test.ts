/** What goes over the border, as Prometheus reads it on both sides. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Crew } from '#client/testing/crew.ts';
import { MemoryVault } from '#client/vault/memory.ts';
import { until } from '../testing/world.ts';

let crew: Crew;
beforeAll(async () => {
  crew = await Crew.gather('beta.example');
});
afterAll(async () => {
  crew.rest();
  await crew[Symbol.asyncDispose]();
});

test('messages are counted for each domain, those that came and those that went', async () => {
  const { alpha, beta } = crew;
  const [alice, bob] = [await crew.deviceOf('alice'), await crew.deviceOf('bob', new MemoryVault(), beta)];
  const conversation = await crew.converse(alice, bob);
  const find = () => bob.home.store.state.conversations.find((each) => each.conversation === conversation);
  await until(() => find()?.group, 'the hub told of the group');
  await bob.group(conversation).ready();
  for (const words of ['one', 'two', 'three']) await alice.say(conversation, words);
  await bob.say(conversation, 'four');
  await until(() => alice.heard.includes('four') && bob.heard.length === 3, 'all is heard');
  const counted = async (at: typeof alpha, peer: typeof alpha) => {
    const text = await (await fetch(`${at.admin}/metrics`)).text();
    const of = (way: string) =>
      new RegExp(`^hawser_homeserver_peer_messages_total{peer="${peer.domain}",way="${way}"} (\\d+)$`, 'm').exec(
        text,
      )?.[1];
    return { in: of('in'), out: of('out') };
  };
  // What bob said comes back to his homeserver by the feed, and is counted once there.
  await until(async () => (await counted(alpha, beta)).out === '3', 'alpha delivered three');
  expect(await counted(alpha, beta)).toEqual({ in: '1', out: '3' });
  expect(await counted(beta, alpha)).toEqual({ in: '3', out: '1' });
});
