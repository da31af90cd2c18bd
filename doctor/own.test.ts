import { writeFile } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { HAWSER_YAML, MACHINE, makeTestSite, type TestSite } from '#check/testing.ts';
import { makeMistakes } from '#check/testing-mistakes.ts';
import { BOTH, type Part } from '#site/part.ts';
import { temporaryFolder } from '#trust/testing-folder.ts';
import { filesStep } from './own.ts';

describe('the own files', () => {
  const folder = temporaryFolder();
  let site: TestSite;
  beforeAll(async () => {
    site = await makeTestSite(folder);
    await makeMistakes(site);
  });

  const look = async (made?: string, parts: readonly Part[] = BOTH) => {
    const text = made ? HAWSER_YAML.replaceAll('alpha.example/homeserver.', `made/${made}.`) : HAWSER_YAML;
    await writeFile(site.path, text);
    return filesStep(site.path, parts, MACHINE);
  };

  it('are well where nothing is wrong', async () => {
    expect(await look()).toMatchObject({ step: 'files', outcome: 'ok' });
  });

  it.each([
    ['revoked', /it is revoked: every other domain refuses it/],
    ['past', /ended on/],
    ['early', /is good from/],
    ['stranger', /did not issue it/],
    ['empty', /the file is empty|no such file|There is no/],
  ])('are in the way where others refuse what they show: %s', async (made, saw) => {
    const step = await look(made);
    expect(step).toMatchObject({ outcome: 'failed', who: 'you' });
    expect(step.saw).toMatch(saw);
  });

  it('are warned of where others do not refuse it yet', async () => {
    expect(await look('soon')).toMatchObject({ outcome: 'warning', who: 'you' });
  });

  it('of the other server are looked at on its machine', async () => {
    expect(await look('revoked', ['sft'])).toMatchObject({
      outcome: 'ok',
      tried: expect.stringMatching(/for the SFT$/),
    });
    expect(await look('revoked', ['homeserver'])).toMatchObject({ outcome: 'failed' });
  });
});
