import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { initFolder } from '#cli/certs/folder.ts';
import type { DomainName } from '#signalling/ids.ts';
import { LINK_VERSIONS } from '#signalling/sft-link.ts';
import { BOTH } from '#site/part.ts';
import { temporaryFolder } from '#trust/testing-folder.ts';
import { type LinkQuestion, linkPlace } from './federation.ts';
import { linkBackStep, linkTrouble, versionStep } from './link.ts';
import { partsHere } from './parts.ts';

const LINK = 'wss://sft.beta.example:8548/link/v1';

describe('where the own SFT is to dial', () => {
  const asked: LinkQuestion = {
    ...{ domain: 'beta.example', parts: BOTH, isRunning: true, given: undefined },
    answer: { link: LINK },
  };
  const place = (change: Partial<LinkQuestion>) => linkPlace({ ...asked, ...change });

  it('is where the homeserver of the other domain says, or an administrator', () => {
    expect(place({})).toEqual({ link: LINK });
    expect(place({ parts: ['sft'], answer: undefined, given: LINK })).toEqual({ link: LINK });
  });

  it('is told to the machine of the SFT, where that is another one', () => {
    expect(place({ parts: ['homeserver'] })).toEqual({
      tried: `the SFT of beta.example at ${LINK}`,
      why: 'your SFT runs on another machine',
      todo: `There: hawser doctor beta.example --link ${LINK}`,
    });
  });

  it('is known to the homeserver alone, where that is on another machine', () => {
    expect(place({ parts: ['sft'], answer: undefined })).toMatchObject({
      why: expect.stringContaining('yours alone can ask'),
      todo: expect.stringContaining('On the machine of your homeserver, hawser doctor beta.example'),
    });
  });

  it('is nowhere without an answer, and is not dialled by an SFT that does not run', () => {
    expect(place({ answer: undefined })).toMatchObject({ why: expect.stringContaining('would have to say') });
    expect(place({ answer: {} })).toMatchObject({ why: 'it says that it has none' });
    expect(place({ isRunning: false })).toMatchObject({ why: 'your own servers come first' });
  });
});

describe('the servers of this machine', () => {
  const folder = temporaryFolder();
  const key = (part: string) => join(folder, 'certificates', `${part}.key`);
  const certificates = { homeserver: { key: key('homeserver') }, sft: { key: key('sft') } };
  const here = () => partsHere(certificates);

  it('are those whose keys lie on it', async () => {
    await initFolder(join(folder, 'certificates'), 'alpha.example' as DomainName, Date.now());
    expect(await here()).toEqual(['homeserver', 'sft']);
    await rm(key('homeserver'));
    expect(await here()).toEqual(['sft']);
    await rm(key('sft'));
    expect(await here()).toEqual(['homeserver', 'sft']);
  });
});

it('names the older side where there is no version in common', () => {
  const { min, max } = LINK_VERSIONS;
  expect(versionStep({ min, max: max + 5 }, 'beta.example').outcome).toBe('ok');
  expect(versionStep({ min: max + 1, max: max + 2 }, 'beta.example')).toMatchObject({ outcome: 'failed', who: 'you' });
  expect(versionStep({ min: 0, max: min - 1 }, 'beta.example')).toMatchObject({ outcome: 'failed', who: 'them' });
});

describe('an SFT that was not examined', () => {
  const dialled = { address: 'sft.beta.example:8548', domain: 'beta.example', own: 'alpha.example', isShunned: false };
  it.each([
    ['SILENT', undefined, 'you', /your own SFT/],
    ['SIG_BUSY', undefined, 'you', /another examination/],
    ['SIG_UNSUPPORTED_VERSION', undefined, 'them', /does not know/],
    ['SIG_FLOOD', undefined, 'both', /was refused \(SIG_FLOOD\)/],
    ['SIG_UNREACHABLE', 'ENOTFOUND', 'them', /has no address/],
    ['SIG_UNREACHABLE', 'ECONNREFUSED', 'them', /nobody listens/],
    ['SIG_UNREACHABLE', 'EPERM', 'you', /not let out/],
    ['SIG_TIMEOUT', undefined, 'them', /nothing comes back/],
    ['TRUST_REVOKED', undefined, 'them', /was revoked/],
    ['FED_ADDRESS', undefined, 'you', /not of the open internet/],
  ])('%s (%s) is told in words', (code, errno, who, saw) => {
    const trouble = linkTrouble({ code, errno }, dialled);
    expect(trouble.who).toBe(who);
    expect(trouble.saw).toMatch(saw);
  });
});

describe('the own SFT, as the other one dials it,', () => {
  const site = {
    domain: 'alpha.example' as DomainName,
    sft: { link: { url: 'wss://sft.alpha.example:8548/link/v1' } },
  };
  it.each([
    ['reached', 'ok', undefined, /it reaches you/],
    ['unknown', 'skipped', undefined, /ended the examination before/],
    [{ code: 'TRUST_REVOKED', errno: undefined }, 'failed', 'you', /certificate of your SFT was revoked/],
    [{ code: 'SIG_UNREACHABLE', errno: 'EAI_AGAIN' }, 'failed', 'you', /finds no address for sft\.alpha/],
    [{ code: 'SIG_TIMEOUT', errno: undefined }, 'failed', 'you', /nothing comes back/],
    [{ code: 'SIG_UNREACHABLE', errno: 'EPERM' }, 'failed', 'them', /was not let out/],
  ] as const)('is told as it is: %o', (back, outcome, who, saw) => {
    const step = linkBackStep(back, 'beta.example', site);
    expect([step.outcome, step.who]).toEqual([outcome, who]);
    expect(step.saw).toMatch(saw);
  });
});
