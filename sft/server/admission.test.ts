import { generateKeyPair } from 'jose';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { ConferenceId, DomainName, ParticipantId } from '#signalling/ids.ts';
import { until } from '#signalling/testing.ts';
import type { TicketClaims } from '#signalling/ticket.ts';
import { temporaryFolder } from '#trust/testing-folder.ts';
import { newConferenceId, newParticipantId, TestSft } from '../testing.ts';

const COME_BACK_MS = 3_000;
const folder = temporaryFolder();
let sft: TestSft;
beforeAll(async () => {
  sft = await TestSft.start(folder, 'alpha', { options: { comeBackMs: COME_BACK_MS } });
});
afterAll(() => sft.close());

async function join(conference: ConferenceId, ticket: string) {
  const client = await sft.connect();
  const answer = await client.rpc.request('join', { conference, ticket }).then(
    (joined) => ({ joined, code: undefined }),
    (error: { code: string }) => ({ joined: undefined, code: error.code }),
  );
  return { client, ...answer };
}

describe('admission', () => {
  it('lets the bearer of a ticket in, tells the homeserver, and forgets everything when he leaves', async () => {
    const conference = newConferenceId();
    const participant = newParticipantId();
    const { client, joined } = await join(conference, await sft.ticket({ conference, participant }));
    expect(joined).toMatchObject({ conference, participant, domain: sft.domain, anchor: sft.domain });
    expect(joined?.roster.participants).toMatchObject([{ participant, domain: sft.domain, via: [] }]);
    await until(() => sft.presence.get(conference)?.includes(participant) === true, 'presence');
    await client.rpc.request('leave', {});
    expect(await client.closed).toBe('normal');
    await sft.idle();
    expect(sft.presence.get(conference)).toEqual([]);
  });

  it('says that a call is empty only after the last one who was cut off had time to come back', async () => {
    const conference = newConferenceId();
    const [alice, bob] = [newParticipantId(), newParticipantId()];
    const come = async (participant: ParticipantId) =>
      (await join(conference, await sft.ticket({ conference, participant }))).client;
    const told = () => sft.presence.get(conference);
    const [ofAlice, ofBob] = [await come(alice), await come(bob)];
    await until(() => told()?.length === 2, 'both are there');
    ofBob.rpc.close('SIG_TIMEOUT');
    await until(() => told()?.join() === alice, 'of another one it is said at once');
    ofAlice.rpc.close('SIG_TIMEOUT');
    await sft.idle();
    expect(told()).toEqual([alice]);
    const again = await come(alice);
    // Who takes his own place was never away.
    const tells = vi.spyOn(sft.presence, 'set');
    onTestFinished(() => tells.mockRestore());
    const replacing = await come(alice);
    expect(await again.closed).toBe('SFT_REPLACED');
    await until(() => tells.mock.calls.length > 0, 'it is told');
    expect(tells.mock.calls).toEqual([[conference, [alice]]]);
    const cutAt = performance.now();
    replacing.rpc.close('SIG_TIMEOUT');
    await until(() => told()?.length === 0, 'nobody is there');
    expect(performance.now() - cutAt).toBeGreaterThanOrEqual(COME_BACK_MS - 1);
  });

  const now = Date.now() / 1_000;
  const bad: [string, Partial<TicketClaims>, string][] = [
    ['has expired', { iat: now - 600, exp: now - 300 }, 'SFT_TICKET_EXPIRED'],
    ['is from the future', { iat: now + 600, exp: now + 900 }, 'SFT_TICKET_EARLY'],
    ['is for another SFT', { aud: 'sft.beta.example' }, 'SFT_TICKET_AUDIENCE'],
    ['names another domain as its maker', { iss: 'beta.example' as DomainName }, 'SFT_TICKET_FORGED'],
    ['was made before the SFT started', { iat: now - 100 }, 'SFT_TICKET_EXPIRED'],
  ];
  it.each(bad)('refuses a ticket that %s, counts it, and makes nothing', async (_, change, code) => {
    const before = await sft.metric('hawser_sft_refused_tickets_total', `code="${code}"`);
    const conference = newConferenceId();
    const refused = await join(conference, await sft.ticket({ conference, ...change }));
    expect(refused.code).toBe(code);
    expect(await refused.client.closed).toBe(code);
    expect(await sft.metric('hawser_sft_refused_tickets_total', `code="${code}"`)).toBe(before + 1);
    await sft.idle();
  });

  it('refuses a forged ticket', async () => {
    const { privateKey } = await generateKeyPair('EdDSA');
    const conference = newConferenceId();
    const { code } = await join(conference, await sft.ticket({ conference }, privateKey));
    expect(code).toBe('SFT_TICKET_FORGED');
    await sft.idle();
  });

  it('refuses a ticket for another conference', async () => {
    const ticket = await sft.ticket({ conference: newConferenceId() });
    expect((await join(newConferenceId(), ticket)).code).toBe('SFT_TICKET_CONFERENCE');
    await sft.idle();
  });

  it('refuses a ticket the second time, and the first bearer does not notice', async () => {
    const conference = newConferenceId();
    const ticket = await sft.ticket({ conference });
    const first = await join(conference, ticket);
    expect(first.joined).toBeDefined();
    expect((await join(conference, ticket)).code).toBe('SFT_TICKET_USED');
    expect(first.client.rpc.isOpen).toBe(true);
    first.client.rpc.close();
    await sft.idle();
  });

  it('replaces the same participant who comes from elsewhere', async () => {
    const conference = newConferenceId();
    const participant = newParticipantId();
    const first = await join(conference, await sft.ticket({ conference, participant }));
    const second = await join(conference, await sft.ticket({ conference, participant }));
    expect(await first.client.closed).toBe('SFT_REPLACED');
    expect(second.joined?.roster.participants).toHaveLength(1);
    second.client.rpc.close();
    await sft.idle();
  });

  it('lets nobody back into a conference that was ended', async () => {
    const conference = newConferenceId();
    const { client } = await join(conference, await sft.ticket({ conference }));
    sft.endConference(conference);
    expect(await client.closed).toBe('SFT_CONFERENCE_ENDED');
    expect((await join(conference, await sft.ticket({ conference }))).code).toBe('SFT_CONFERENCE_ENDED');
    await sft.idle();
  });

  it('says when it is full', async () => {
    const clients = [];
    for (let i = 0; i < sft.site.sft.limits.conferences; i++) {
      const conference = newConferenceId();
      clients.push(await join(conference, await sft.ticket({ conference })));
    }
    const conference = newConferenceId();
    expect((await join(conference, await sft.ticket({ conference }))).code).toBe('SFT_FULL');
    for (const { client } of clients) client.rpc.close();
    await sft.idle();
  });

  it('has no ticket, key or pseudonym in its log', () => {
    expect(sft.log).not.toMatch(/eyJ/); // how every JSON Web Signature begins
    expect(sft.log).toContain('SFT_TICKET_USED');
  });
});
