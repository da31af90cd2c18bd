/** The dashboards as files, and what each panel has to have. */
import { describe, expect, it } from 'vitest';
import { checkMentions } from '../testing/mentions.ts';
import { type Dashboard, dashboardModel } from './dashboard.ts';
import { HOMESERVER } from './homeserver.ts';
import { SFT } from './sft.ts';

const DASHBOARDS: readonly (readonly [string, Dashboard])[] = [
  ['sft', SFT],
  ['homeserver', HOMESERVER],
];

describe.each(DASHBOARDS)('%s.json', (name, dashboard) => {
  const panels = dashboard.sections.flatMap((section) => section.panels);

  // After a change: vitest run -u --project unit deploy/grafana
  it('is what its description says', async () => {
    const text = `${JSON.stringify(dashboardModel(dashboard), undefined, 2)}\n`;
    await expect(text).toMatchFileSnapshot(`./${name}.json`);
  });

  it('says of every panel what is normal, and shows no two of one name', () => {
    for (const { title, about, queries } of panels) {
      expect(about, title).toMatch(/[Nn]ormal/);
      expect(about, title).toMatch(/[^.]\.$/);
      expect(queries.length, title).toBeGreaterThan(0);
    }
    expect(new Set(panels.map(({ title }) => title)).size).toBe(panels.length);
  });

  it('places panels beside each other, never over each other', () => {
    const model = dashboardModel(dashboard);
    const taken = new Set<string>();
    for (const { gridPos } of model.panels as { gridPos: { x: number; y: number; w: number; h: number } }[]) {
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(taken.has(`${x} ${y}`)).toBe(false);
          taken.add(`${x} ${y}`);
        }
      }
    }
  });

  it('asks everywhere of the servers, and where it is about peers of the peers, that are chosen above', () => {
    for (const { title, queries } of panels) {
      for (const { expr } of queries) {
        const selectors = [...expr.matchAll(/hawser_\w+\{([^}]*)\}/g)].map((match) => match[1] ?? '');
        expect(selectors.length, title).toBe([...expr.matchAll(/hawser_/g)].length);
        for (const selector of selectors) expect(selector, title).toContain('instance=~"$instance"');
      }
    }
  });

  it('names commands, pages and codes that exist', async () => {
    for (const { title, about } of panels) await checkMentions(about, title);
  });
});
