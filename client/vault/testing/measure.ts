/** How fast a vault is; runs in the browser too. */
import { ordinal } from '../record-key.ts';
import type { Vault } from '../vault.ts';

/** What was measured, to the figure: writes a second, or ms. */
export type Figures = Readonly<Record<string, number>>;

const CONVERSATION = 'message/mimi://alpha.example/r/abcdefghijklmnop/';
const MANY = 100_000;
const BYTES = 500;
/** So long each size of write is measured, ms. */
const WINDOW_MS = 5_000;

export async function measure(open: (ifMissing: 'create' | 'refuse') => Promise<Vault>): Promise<Figures> {
  const figures: Record<string, number> = {};
  let vault = await open('create');
  const value = crypto.getRandomValues(new Uint8Array(BYTES));
  const records = (round: number, count: number) =>
    new Map(Array.from({ length: count }, (_, index) => [`timed/${ordinal(round)}/${index}`, value]));
  for (const count of [1, 10, 100]) {
    const start = performance.now();
    let round = 0;
    while (performance.now() - start < WINDOW_MS) await vault.write(records(round++, count));
    figures[`writes of ${count} a second`] = (round * 1_000) / (performance.now() - start);
  }
  for (let at = 0; at < MANY; at += 1_000) {
    const keys = Array.from({ length: 1_000 }, (_, index) => `${CONVERSATION}${ordinal(at + index)}`);
    await vault.write(new Map(keys.map((key) => [key, value])));
  }
  await vault.close();
  const time = async (what: string, work: () => Promise<unknown>) => {
    const start = performance.now();
    await work();
    figures[`ms: ${what}`] = performance.now() - start;
  };
  await time('open, with 100,000 records', async () => {
    vault = await open('refuse');
  });
  await time('the last page of 50', async () => {
    for await (const page of vault.pages(CONVERSATION, { reverse: true, size: 50 })) if (page.size === 50) break;
  });
  await time('one record', () => vault.get(`${CONVERSATION}${ordinal(77)}`));
  await time('all 100,000, page by page of 1,000', async () => {
    let count = 0;
    for await (const page of vault.pages(CONVERSATION, { size: 1_000 })) count += page.size;
    if (count !== MANY) throw new Error(`${count} records came`);
  });
  await time('all 100,000, as one list', () => vault.list(CONVERSATION));
  await vault.destroy();
  return figures;
}
