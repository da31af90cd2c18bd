/** A media server that is drained beside its homeserver: both real, with people in a call. */
import { expect, it } from 'vitest';
import { type Organisation, organise } from '#homeserver/testing/organisation.ts';
import { TestPerson } from '#sft/testing-people.ts';
import { until } from '#signalling/testing.ts';
import { sftDrain } from '../sft.ts';
import { say, startSite } from './testing.ts';

it('nobody is rung for a call that the media server would refuse, and the one that goes on is joined', async () => {
  await using world = await organise('alpha.example');
  const [alpha] = world.organisations as [Organisation];
  const [alice, bob] = await Promise.all([alpha.person('alice'), alpha.person('bob')]);
  const site = await startSite(alpha, world.folder);
  try {
    const [going, next] = [await alice.create('Going', bob.id), await alice.create('Next', bob.id)];
    await alice.call(going.conversation);
    using her = await TestPerson.enter(await alice.ticket(going.conversation));
    await her.speak();
    expect(await say(site, sftDrain, '--minutes', '30')).toContain('takes no new conferences');

    await until(() => alpha.logged.join('').includes('the SFT takes no new calls'), 'the homeserver is told');
    await expect(alice.call(next.conversation)).rejects.toMatchObject({ code: 'SFT_DRAINING' });
    expect((await bob.conversation(next.conversation)).call).toBeUndefined();
    using him = await TestPerson.enter(await bob.call(going.conversation));
    await him.hears(her);
    await Promise.all([her.leave(), him.leave()]);
    await site.sft.drained;
  } finally {
    await site.sft.close();
  }
}, 60_000);
