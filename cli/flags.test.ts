import { describe, expect, test } from 'vitest';
import type { Command } from './command.ts';
import { configFlag, siteFile } from './flags.ts';
import { commandHelp } from './help.ts';
import { parse } from './parse.ts';
import { table } from './table.ts';

const HOST = '/etc/hawser/hawser.yaml';
const among =
  (...files: string[]) =>
  (path: string) =>
    files.includes(path);

test('the site is the one in this folder, else that of the host, and without either both are named', () => {
  expect(siteFile(among('hawser.yaml', HOST))).toBe('hawser.yaml');
  expect(siteFile(among(HOST))).toBe(HOST);
  expect(() => siteFile(among())).toThrow(
    `There is no hawser.yaml in this folder, and no ${HOST} that you may see. Name the site with --config FILE, or write a first one: hawser config init.`,
  );
});

test('a site that is named is the one, and where none is named it is looked for when the command wants it', () => {
  let looked = 0;
  const find = () => {
    looked++;
    return HOST;
  };
  const config = { type: 'string', value: 'FILE', summary: 'The site', fallback: { words: HOST, find } } as const;
  const spec = { name: 'look', usage: '', flags: { config } };
  expect(parse(spec, ['--config', 'mine.yaml']).flags.config).toBe('mine.yaml');
  const { flags } = parse(spec, []);
  expect(looked).toBe(0);
  expect(flags.config).toBe(HOST);
});

describe('of the commands', async () => {
  const commands: Command[] = await Promise.all(table.map(({ load }) => load()));
  const withSite = commands.filter(({ flags }) => flags.config !== undefined);

  test('all that read a site look for it in the same places, and say so', () => {
    expect(withSite.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['homeserver', 'sft', 'backup', 'restore', 'accounts add', 'top', 'turn render']),
    );
    for (const command of withSite) {
      const { words } = configFlag('').fallback;
      expect(command.flags.config, command.name).toMatchObject({ fallback: { words } });
      expect(commandHelp(command)).toContain(`(hawser.yaml in this folder, else ${HOST}, when left out)`);
    }
  });
});
