/** The alert rules, by Prometheus's own tool: each fires when it should and is silent when it should be. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { parse } from 'yaml';
import { outcome } from '#cli/setup/program.ts';
import { ensurePrometheus } from '#cli/setup/prometheus.ts';
import { checkMentions } from '../testing/mentions.ts';

interface Rule {
  readonly alert: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly description: string };
}

const HERE = import.meta.dirname;
const TESTS = join(HERE, 'tests');
const RULES = join(HERE, 'alerts.yaml');

let promtool: string;
let rules: readonly Rule[];
beforeAll(async () => {
  promtool = join(await ensurePrometheus(), 'promtool');
  const { groups }: { groups: { rules: Rule[] }[] } = parse(await readFile(RULES, 'utf8'));
  rules = groups.flatMap((group) => group.rules);
});

it('are rules, and the example configuration that names them is one', async () => {
  for (const args of [
    ['rules', RULES],
    ['config', join(HERE, 'prometheus.yaml')],
  ]) {
    const { code, tail } = await outcome(promtool, ['check', ...args]);
    expect(code, tail).toBe(0);
  }
});

// After a change: vitest run -u --project unit deploy/prometheus
it('are in the chart as they are here: Helm reads nothing outside of its folder', async () => {
  await expect(await readFile(RULES, 'utf8')).toMatchFileSnapshot('../helm/hawser/alerts.yaml');
});

it('say how grave it is, what it is, and what to do next; the guide says why there', async () => {
  const guide = await readFile(join(HERE, '..', '..', 'docs', 'guides', 'monitoring.md'), 'utf8');
  for (const { alert, labels, annotations } of rules) {
    expect(['warning', 'critical'], alert).toContain(labels.severity);
    expect(annotations.summary, alert).toMatch(/\.$/);
    expect(annotations.description, alert).toMatch(/\.$/);
    await checkMentions(annotations.description, alert);
    expect(guide).toContain(`\`${alert}\``);
  }
});

it('have each a file of tests, with a case in which it fires and one in which it does not', async () => {
  expect((await readdir(TESTS)).sort()).toEqual(rules.map(({ alert }) => `${alert}.yaml`).sort());
  interface Case {
    readonly promql_expr_test: readonly { readonly expr: string; readonly exp_samples: readonly object[] }[];
  }
  for (const { alert } of rules) {
    const { tests }: { tests: Case[] } = parse(await readFile(join(TESTS, `${alert}.yaml`), 'utf8'));
    const cases = tests.flatMap((each) => each.promql_expr_test);
    for (const { expr } of cases) expect(expr).toBe(`count(ALERTS{alertname="${alert}", alertstate="firing"})`);
    const fires = cases.map(({ exp_samples }) => exp_samples.length > 0);
    expect(new Set(fires), alert).toEqual(new Set([true, false]));
  }
});

it('pass them', async () => {
  const files = (await readdir(TESTS)).map((name) => join(TESTS, name));
  const { code, tail } = await outcome(promtool, ['test', 'rules', ...files]);
  expect(code, tail).toBe(0);
}, 60_000);
