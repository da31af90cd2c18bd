import { generateKeyPair } from 'jose';
import { expect, it } from 'vitest';
import type { ConferenceId, DomainName, ParticipantId } from '#signalling/ids.ts';
import { signTicket } from '#signalling/ticket.ts';
import { Tickets } from './tickets.ts';

const domain = 'alpha.example' as DomainName;
const conference = 'c'.repeat(22) as ConferenceId;
const START = 1_800_000_000_000;

async function setUp() {
  const { privateKey, publicKey } = await generateKeyPair('EdDSA');
  const clock = { now: START };
  const tickets = new Tickets({ domain, key: publicKey, now: () => clock.now });
  const make = (jti: string, iat = START / 1_000 + 1) =>
    signTicket(
      {
        iss: domain,
        aud: 'sft.alpha.example',
        iat,
        exp: iat + 120,
        jti: jti.padEnd(22, '_'),
        conference,
        participant: 'p'.repeat(22) as ParticipantId,
        anchor: domain,
        may: ['audio'],
      },
      privateKey,
    );
  return { tickets, make, clock };
}

it('admits a ticket once', async () => {
  const { tickets, make } = await setUp();
  const ticket = await make('one');
  expect(await tickets.admit(ticket, conference)).toMatchObject({ conference });
  await expect(tickets.admit(ticket, conference)).rejects.toMatchObject({ code: 'SFT_TICKET_USED' });
});

it('admits one of many uses at the same time', async () => {
  const { tickets, make } = await setUp();
  const ticket = await make('one');
  const answers = await Promise.allSettled(Array.from({ length: 20 }, () => tickets.admit(ticket, conference)));
  expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
});

it('refuses a ticket for another conference and leaves it usable for its own', async () => {
  const { tickets, make } = await setUp();
  const ticket = await make('one');
  await expect(tickets.admit(ticket, 'd'.repeat(22) as ConferenceId)).rejects.toMatchObject({
    code: 'SFT_TICKET_CONFERENCE',
  });
  expect(await tickets.admit(ticket, conference)).toMatchObject({ conference });
});

it('refuses what was made before it started, because it could have been used before', async () => {
  const { tickets, make } = await setUp();
  await expect(tickets.admit(await make('old', START / 1_000 - 1), conference)).rejects.toMatchObject({
    code: 'SFT_TICKET_EXPIRED',
  });
});

it('still knows a used ticket at the last moment of its life', async () => {
  const { tickets, make, clock } = await setUp();
  const ticket = await make('one');
  await tickets.admit(ticket, conference);
  clock.now = START + 124_000;
  await expect(tickets.admit(ticket, conference)).rejects.toMatchObject({ code: 'SFT_TICKET_USED' });
  clock.now = START + 200_000;
  await expect(tickets.admit(ticket, conference)).rejects.toMatchObject({ code: 'SFT_TICKET_EXPIRED' });
});
