import process from 'node:process';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import type { ConferenceId } from '#signalling/ids.ts';
import { until } from '#signalling/testing.ts';
import { temporaryFolder } from '#trust/testing-folder.ts';
import { newConferenceId, newParticipantId, TestSft } from '../testing.ts';

const folder = temporaryFolder();
let sft: TestSft;
beforeAll(async () => {
  sft = await TestSft.start(folder, 'alpha');
});
afterAll(() => sft.close());

/** Somebody who is let in, and for whom the media worker, which stands still, has no media yet. */
async function newcomer(conference: ConferenceId) {
  const [participant, worker] = [newParticipantId(), (await sft.state()).workers[0]?.pid ?? 0];
  const ticket = await sft.ticket({ conference, participant });
  const [client, other] = [await sft.connect(), await sft.connect()];
  process.kill(worker, 'SIGSTOP');
  const goOn = () => process.kill(worker, 'SIGCONT');
  onTestFinished(() => void goOn());
  const joining = client.rpc.request('join', { conference, ticket });
  joining.catch(() => undefined);
  // The same ticket is refused when it has been taken.
  await expect(other.rpc.request('join', { conference, ticket })).rejects.toMatchObject({ code: 'SFT_TICKET_USED' });
  return { client, participant, joining, goOn };
}

async function first(conference: ConferenceId) {
  const client = await sft.connect();
  await client.rpc.request('join', { conference, ticket: await sft.ticket({ conference }) });
  await until(() => sft.presence.get(conference)?.length === 1, 'the first one');
  return client;
}

it('is in a call that goes on, though the last one who was here has left at that moment', async () => {
  const conference = newConferenceId();
  const last = await first(conference);
  const { client, participant, joining, goOn } = await newcomer(conference);
  await last.rpc.request('leave', {});
  await until(() => sft.presence.get(conference)?.length === 0, 'nobody is here');
  goOn();
  expect(await joining).toMatchObject({ participant, roster: { participants: [{ participant }] } });
  await until(() => sft.presence.get(conference)?.join() === participant, 'the newcomer');
  await client.rpc.request('leave', {});
  await sft.idle();
});

it('is not in a call that was ended for everybody at that moment', async () => {
  const conference = newConferenceId();
  const last = await first(conference);
  const { joining, goOn } = await newcomer(conference);
  sft.endConference(conference);
  expect(await last.closed).toBe('SFT_CONFERENCE_ENDED');
  goOn();
  await expect(joining).rejects.toMatchObject({ code: 'SFT_CONFERENCE_ENDED' });
  await sft.idle();
});
