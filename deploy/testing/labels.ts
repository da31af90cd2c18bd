/** For tests: what a query of Prometheus asks of the labels of the figures in it. */

/** One matcher of a selector, `hawser_sft_links{state="suspect"}`. */
export interface Matcher {
  readonly metric: string;
  readonly label: string;
  /** What it may be, where the query says so; none where that is chosen elsewhere or is anything but something. */
  readonly values: readonly string[];
}

export interface Asked {
  readonly metrics: readonly string[];
  readonly matchers: readonly Matcher[];
  /** Labels by which it groups or joins. */
  readonly grouped: readonly string[];
}

export function askedIn(expr: string): Asked {
  const metrics = [...expr.matchAll(/\bhawser_\w+/g)].map(([metric]) => metric);
  const matchers = [...expr.matchAll(/\b(hawser_\w+)\{([^}]*)\}/g)].flatMap(([, metric = '', inside = '']) =>
    [...inside.matchAll(/(\w+)(=~|!~|!=|=)"([^"]*)"/g)].map(([, label = '', operator = '', value = '']) => {
      const isChosen = operator.startsWith('!') || value.includes('$') || value === '.*';
      return { metric, label, values: isChosen ? [] : value.split('|') };
    }),
  );
  const grouped = [...expr.matchAll(/\b(?:by|on|without|ignoring) \(([^)]*)\)/g)].flatMap(([, labels = '']) =>
    labels.split(',').map((label) => label.trim()),
  );
  return { metrics: [...new Set(metrics)], matchers, grouped: [...new Set(grouped)] };
}
