/**
 * From a short description to Grafana's JSON model (the classic one, schemaVersion 39: Grafana 10, 11 and later). What a dashboard shows stands
 * in `sft.ts` and `homeserver.ts`; here is what all panels have in common. Pure.
 * Source: https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/
 */

/** Ids of Grafana's units. `d` days, `cpm` a minute, `percentunit` 1 is 100 %. */
export type Unit = 'short' | 's' | 'd' | 'bps' | 'bytes' | 'percentunit' | 'cpm' | 'none';

export interface Query {
  /** PromQL; may name the variables of the dashboard and `$__rate_interval`. */
  readonly expr: string;
  readonly legend: string;
}

export interface Panel {
  readonly title: string;
  readonly unit: Unit;
  /** What is normal, and what to do otherwise. */
  readonly about: string;
  readonly queries: readonly Query[];
  /** From which value on it is orange, and red; where the first is the greater one, from which value down. */
  readonly limits?: readonly [orange: number, red: number];
  /** Words in the place of values. */
  readonly words?: Readonly<Record<string, string>>;
  /** Shown where there is no series; a dash when left out. */
  readonly none?: string;
}

export interface Section {
  readonly title: string;
  /** `stat`: one large figure each, the newest. */
  readonly as: 'stat' | 'timeseries';
  readonly panels: readonly Panel[];
}

/** A choice above the dashboard: all values that a label of a metric has. */
export interface Variable {
  readonly name: string;
  readonly label: string;
  readonly metric: string;
}

export interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly about: string;
  readonly variables: readonly Variable[];
  readonly sections: readonly Section[];
}

const COLUMNS = 24;
const SIZE = { stat: { w: 4, h: 4 }, timeseries: { w: 8, h: 7 } } as const;
// biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana fills it in.
const SOURCE = { type: 'prometheus', uid: '${datasource}' } as const;
const GREEN = 'green';
const ORANGE = 'orange';
const RED = 'red';

export function dashboardModel({ uid, title, about, variables, sections }: Dashboard) {
  return {
    uid,
    title,
    description: about,
    tags: ['hawser'],
    schemaVersion: 39,
    version: 1,
    editable: true,
    graphTooltip: 1,
    timezone: 'browser',
    refresh: '30s',
    time: { from: 'now-3h', to: 'now' },
    templating: { list: [sourceVariable(), ...variables.map(queryVariable)] },
    annotations: { list: [] },
    links: [{ type: 'dashboards', title: 'Hawser', tags: ['hawser'], asDropdown: false, keepTime: true }],
    panels: placed(sections),
  };
}

export type DashboardModel = ReturnType<typeof dashboardModel>;

function placed(sections: readonly Section[]) {
  const panels: object[] = [];
  let y = 0;
  for (const { title, as, panels: described } of sections) {
    panels.push({
      id: panels.length + 1,
      type: 'row',
      title,
      collapsed: false,
      gridPos: { x: 0, y, w: COLUMNS, h: 1 },
    });
    y += 1;
    const { w, h } = SIZE[as];
    const inRow = COLUMNS / w;
    for (const [index, panel] of described.entries()) {
      const gridPos = { x: (index % inRow) * w, y: y + Math.floor(index / inRow) * h, w, h };
      panels.push({ id: panels.length + 1, ...panelModel(panel, as), gridPos });
    }
    y += Math.ceil(described.length / inRow) * h;
  }
  return panels;
}

function panelModel({ title, unit, about, queries, limits, words, none }: Panel, as: Section['as']) {
  return {
    type: as,
    title,
    description: about,
    datasource: SOURCE,
    targets: queries.map(({ expr, legend }, index) => ({
      refId: String.fromCharCode('A'.charCodeAt(0) + index),
      datasource: SOURCE,
      editorMode: 'code',
      range: true,
      expr,
      legendFormat: legend,
    })),
    fieldConfig: {
      defaults: {
        unit,
        // A counter has no halves; what is left of one second in a rate is none.
        ...(unit === 'none' && { decimals: 0 }),
        ...(none !== undefined && { noValue: none }),
        ...(words && { mappings: [{ type: 'value', options: optionsOf(words) }] }),
        color: { mode: as === 'stat' ? 'thresholds' : 'palette-classic' },
        thresholds: { mode: 'absolute', steps: stepsOf(limits) },
        ...(as === 'timeseries' && {
          min: 0,
          custom: {
            drawStyle: 'line',
            lineWidth: 1,
            fillOpacity: 10,
            showPoints: 'never',
            spanNulls: false,
            thresholdsStyle: { mode: limits ? 'dashed' : 'off' },
          },
        }),
      },
      overrides: [],
    },
    options:
      as === 'stat'
        ? {
            reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
            colorMode: 'value',
            graphMode: 'area',
            textMode:
              queries.length > 1 || queries.some(({ legend }) => legend.includes('{{')) ? 'value_and_name' : 'value',
          }
        : {
            legend: { showLegend: true, displayMode: 'list', placement: 'bottom' },
            tooltip: { mode: 'multi', sort: 'desc' },
          },
  };
}

function stepsOf(limits: Panel['limits']) {
  if (!limits) return [{ color: GREEN, value: null }];
  const [orange, red] = limits;
  return orange < red
    ? [
        { color: GREEN, value: null },
        { color: ORANGE, value: orange },
        { color: RED, value: red },
      ]
    : [
        { color: RED, value: null },
        { color: ORANGE, value: red },
        { color: GREEN, value: orange },
      ];
}

function optionsOf(words: Readonly<Record<string, string>>) {
  return Object.fromEntries(Object.entries(words).map(([value, text], index) => [value, { text, index }]));
}

function sourceVariable() {
  return {
    name: 'datasource',
    label: 'Data source',
    type: 'datasource',
    query: 'prometheus',
    refresh: 1,
    hide: 0,
    multi: false,
    includeAll: false,
  };
}

function queryVariable({ name, label, metric }: Variable) {
  const query = `label_values(${metric}, ${name})`;
  return {
    name,
    label,
    type: 'query',
    datasource: SOURCE,
    definition: query,
    query: { qryType: 1, query, refId: 'PrometheusVariableQueryEditor-VariableQuery' },
    refresh: 2,
    sort: 1,
    hide: 0,
    multi: true,
    includeAll: true,
    allValue: '.*',
    current: { text: ['All'], value: ['$__all'] },
  };
}
