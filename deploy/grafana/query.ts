/** What queries of the dashboards have in common: PromQL, with the variables that Grafana puts in. */
import type { Query } from './dashboard.ts';

/** The servers that are chosen. */
export const HERE = 'instance=~"$instance"';
/** And the organisations. */
export const PEER = `${HERE}, peer=~"$peer"`;
/** The range over which a rate is taken. */
export const RATE = '[$__rate_interval]';

export function one(expr: string, legend = ''): readonly Query[] {
  return [{ expr, legend }];
}

/** How often a minute a counter goes up. @param by label of which each value is a line */
export function aMinute(by: string, counter: string, where: string): string {
  return `60 * sum by (${by}) (rate(${counter}{${where}}${RATE}))`;
}
