import { expect, test } from 'vitest';
import { commandHelp } from './help.ts';
import { table } from './table.ts';

test.each(table)('$name is loaded, and says of itself what the table says', async ({ name, summary, load }) => {
  const command = await load();
  expect(command.name).toBe(name);
  expect(command.summary).toBe(summary);
  expect(commandHelp(command)).toContain(`Usage: hawser ${name}`);
});

test('no summary ends with a full stop or is longer than its line', () => {
  for (const { name, summary } of table) {
    expect(summary).not.toMatch(/\.$/);
    expect(name.length + summary.length).toBeLessThan(90);
  }
});
