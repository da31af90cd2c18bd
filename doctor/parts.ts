/** Which servers of a site run on this machine: those whose keys lie here, since each key belongs on the machine of its server alone. */
import { access } from 'node:fs/promises';
import { errnoOf } from '#sft/probe/errno.ts';
import { BOTH, type Part } from '#site/part.ts';

/** Both where there is neither key: then the files are what is wrong. */
export async function partsHere(
  certificates: Readonly<Record<Part, { readonly key: string }>>,
): Promise<readonly Part[]> {
  const found = await Promise.all(BOTH.map(async (part) => ((await isThere(certificates[part].key)) ? [part] : [])));
  const here = found.flat();
  return here.length > 0 ? here : BOTH;
}

/** Also where this user may not look. */
async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    (error: unknown) => errnoOf(error) !== 'ENOENT' && errnoOf(error) !== 'ENOTDIR',
  );
}
