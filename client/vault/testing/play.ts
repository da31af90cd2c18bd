/** For tests: what is done with a vault, written down so that it can be done in a browser too. */
import type { PageRange, Vault } from '../vault.ts';

export type Bytes = readonly number[];

export type Single =
  | { readonly do: 'write'; readonly changes: readonly (readonly [key: string, value: Bytes | null])[] }
  | { readonly do: 'get'; readonly key: string }
  | { readonly do: 'list'; readonly prefix: string };

export type Step =
  | Single
  /** All called at once, none waited for. */
  | { readonly do: 'together'; readonly steps: readonly Single[] }
  | { readonly do: 'pages'; readonly prefix: string; readonly range: PageRange }
  | { readonly do: 'reopen' };

/** The records that a step showed; of a `get`, one or none. */
export type Shown = readonly (readonly [key: string, value: Bytes])[];

/** Does it with a vault; runs in the browser too. @returns what each reading showed, in order */
export async function play(steps: readonly Step[], open: () => Promise<Vault>): Promise<Shown[]> {
  const shown: Shown[] = [];
  let vault = await open();
  for (const step of steps) {
    switch (step.do) {
      case 'reopen':
        await vault.close();
        vault = await open();
        break;
      case 'pages':
        shown.push(await turn(vault, step.prefix, step.range));
        break;
      case 'together': {
        const results = await Promise.all(step.steps.map((each) => single(vault, each)));
        shown.push(...results.filter((each) => each !== undefined));
        break;
      }
      default: {
        const result = await single(vault, step);
        if (result !== undefined) shown.push(result);
      }
    }
  }
  await vault.close();
  return shown;
}

async function single(vault: Vault, step: Single): Promise<Shown | undefined> {
  switch (step.do) {
    case 'write': {
      const changes = new Map(step.changes.map(([key, value]) => [key, value ? Uint8Array.from(value) : undefined]));
      const written = vault.write(changes);
      // As callers do with secrets that they have handed over.
      for (const value of changes.values()) value?.fill(0xff);
      await written;
      return undefined;
    }
    case 'get': {
      const value = await vault.get(step.key);
      return value === undefined ? [] : [[step.key, [...value]]];
    }
    case 'list':
      return [...(await vault.list(step.prefix))].map(([key, value]) => [key, [...value]] as const);
  }
}

async function turn(vault: Vault, prefix: string, range: PageRange): Promise<Shown> {
  const pages: Shown[] = [];
  for await (const page of vault.pages(prefix, range)) {
    pages.push([...page].map(([key, value]) => [key, [...value]] as const));
  }
  const { size = 100 } = range;
  for (const page of pages.slice(0, -1))
    if (page.length < size) throw new Error('a page that is not the last is short');
  if (pages.some((page) => page.length === 0)) throw new Error('an empty page');
  return pages.flat();
}
