import { generateKeyPair } from 'jose';
import { describe, expect, it } from 'vitest';
import type { ConferenceId, DomainName, ParticipantId } from './ids.ts';
import { checkGrant, checkTicket, signGrant, signTicket, type TicketClaims } from './ticket.ts';

const NOW = 1_800_000_000_000;
const domain = 'alpha.example' as DomainName;
const audience = 'sft.alpha.example';

async function setUp() {
  const { privateKey, publicKey } = await generateKeyPair('EdDSA');
  const claims: TicketClaims = {
    iss: domain,
    aud: audience,
    iat: NOW / 1000,
    exp: NOW / 1000 + 120,
    jti: 'j'.repeat(22),
    conference: 'c'.repeat(22) as ConferenceId,
    participant: 'p'.repeat(22) as ParticipantId,
    anchor: domain,
    may: ['audio', 'video'],
  };
  return { privateKey, claims, expected: { issuer: domain, audience, key: publicKey, now: NOW } };
}

describe('ticket', () => {
  it('comes back as it was signed', async () => {
    const { privateKey, claims, expected } = await setUp();
    expect(await checkTicket(await signTicket(claims, privateKey), expected)).toEqual(claims);
  });

  it.each([
    ['expired', { exp: NOW / 1000 - 60 }, 'SFT_TICKET_EXPIRED'],
    ['from the future', { iat: NOW / 1000 + 60 }, 'SFT_TICKET_EARLY'],
    ['for another SFT', { aud: 'sft.beta.example' }, 'SFT_TICKET_AUDIENCE'],
    ['of another domain', { iss: 'beta.example' as DomainName }, 'SFT_TICKET_FORGED'],
    ['with another claim', { admin: true }, 'SFT_TICKET_MALFORMED'],
    ['with a wrong participant', { participant: 'alice' as ParticipantId }, 'SFT_TICKET_MALFORMED'],
  ])('is refused when %s', async (_, change, code) => {
    const { privateKey, claims, expected } = await setUp();
    const ticket = await signTicket({ ...claims, ...change }, privateKey);
    await expect(checkTicket(ticket, expected)).rejects.toMatchObject({ code });
  });

  it('is refused when signed by somebody else', async () => {
    const [mine, theirs] = [await setUp(), await setUp()];
    const ticket = await signTicket(mine.claims, theirs.privateKey);
    await expect(checkTicket(ticket, mine.expected)).rejects.toMatchObject({ code: 'SFT_TICKET_FORGED' });
  });

  it('is refused when changed', async () => {
    const { privateKey, claims, expected } = await setUp();
    const [head, , signature] = (await signTicket(claims, privateKey)).split('.');
    const body = Buffer.from(JSON.stringify({ ...claims, exp: claims.exp + 1_000 })).toString('base64url');
    await expect(checkTicket(`${head}.${body}.${signature}`, expected)).rejects.toMatchObject({
      code: 'SFT_TICKET_FORGED',
    });
  });

  it('is refused without a signature, and when it is no token', async () => {
    const { claims, expected } = await setUp();
    const head = Buffer.from('{"alg":"none","typ":"hawser-ticket+jwt"}').toString('base64url');
    const body = Buffer.from(JSON.stringify(claims)).toString('base64url');
    for (const ticket of [`${head}.${body}.`, '', 'a.b.c', '🙂'.repeat(100)]) {
      await expect(checkTicket(ticket, expected)).rejects.toMatchObject({
        code: expect.stringMatching(/^SFT_TICKET_(FORGED|MALFORMED)$/),
      });
    }
  });

  it('is no grant, and a grant no ticket', async () => {
    const { privateKey, claims, expected } = await setUp();
    const { participant: _p, anchor: _a, may: _m, ...rest } = claims;
    const grant = await signGrant({ ...rest, domain: 'beta.example' as DomainName, domains: [domain] }, privateKey);
    expect(await checkGrant(grant, expected)).toMatchObject({ domain: 'beta.example' });
    await expect(checkTicket(grant, expected)).rejects.toMatchObject({ code: 'SFT_TICKET_MALFORMED' });
    await expect(checkGrant(await signTicket(claims, privateKey), expected)).rejects.toMatchObject({
      code: 'SFT_TICKET_MALFORMED',
    });
  });
});
