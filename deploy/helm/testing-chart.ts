/** The chart as Helm renders it. */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { parse, parseAllDocuments } from 'yaml';
import { outcome } from '#cli/setup/program.ts';

export const chart = join(import.meta.dirname, 'hawser');

export const valueSets = ['ingress', 'own-tls', 'everything'] as const;
export type ValueSet = (typeof valueSets)[number];

export const hasHelm = Boolean(process.env.HAWSER_HELM);

const valuesOf = (set: ValueSet) => ['--values', join(chart, 'ci', `${set}.yaml`)];
/** The oldest that the chart is for; a Helm that was built with Go takes itself for a very old one. */
const CLUSTER = ['--kube-version', '1.29.0'];

export async function helm(...args: string[]): Promise<{ code: number; stdout: string; tail: string }> {
  return outcome(process.env.HAWSER_HELM ?? 'helm', args);
}

export const lint = (set: ValueSet) => helm('lint', '--strict', chart, ...valuesOf(set), ...CLUSTER);

/** The words of an error, or an empty text. */
export async function complaint(...args: string[]): Promise<string> {
  const { code, tail } = await helm('template', 'alpha', chart, ...CLUSTER, ...args);
  return code === 0 ? '' : tail;
}

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly ports?: readonly {
    readonly name: string;
    readonly containerPort: number;
    readonly hostPort?: number;
    readonly protocol?: string;
  }[];
  readonly securityContext?: object;
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string; readonly readOnly?: boolean }[];
}

export interface Relabeling {
  readonly sourceLabels: readonly string[];
  readonly targetLabel: string;
  readonly replacement: string;
}

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: {
    readonly type?: string;
    readonly externalTrafficPolicy?: string;
    readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> };
    readonly endpoints?: readonly { readonly port: string; readonly relabelings?: readonly Relabeling[] }[];
    readonly ports?: readonly { readonly name: string; readonly port: number; readonly targetPort: string }[];
    readonly template?: {
      readonly metadata: { readonly annotations: Readonly<Record<string, string>> };
      readonly spec: {
        readonly hostNetwork?: boolean;
        readonly terminationGracePeriodSeconds: number;
        readonly securityContext: object;
        readonly containers: readonly Container[];
        readonly volumes: readonly { readonly name: string }[];
      };
    };
  };
}

export function manifests(text: string): Manifest[] {
  return parseAllDocuments(text).map((document) => document.toJS({ maxAliasCount: 100 }) as Manifest);
}

/** @throws Error with Helm's words where it refuses the values */
export async function render(set: ValueSet, ...args: string[]): Promise<Manifest[]> {
  const { code, stdout, tail } = await helm('template', 'alpha', chart, ...valuesOf(set), ...CLUSTER, ...args);
  if (code !== 0) throw new Error(tail);
  return manifests(stdout);
}

/** What Helm tells whoever has installed the chart. It does so only with a cluster, so that a copy of the chart says it in a manifest. */
export async function notes(set: ValueSet): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'hawser-notes-'));
  try {
    await cp(chart, folder, { recursive: true });
    const text = await valuesFile('templates/NOTES.txt');
    const manifest = `{{ define "notes" }}${text}{{ end }}\nkind: Notes\ntext: {{ include "notes" . | toJson }}\n`;
    await writeFile(join(folder, 'templates', 'notes.yaml'), manifest);
    const only = ['--show-only', 'templates/notes.yaml'];
    const { code, stdout, tail } = await helm('template', 'alpha', folder, ...valuesOf(set), ...CLUSTER, ...only);
    if (code !== 0) throw new Error(tail);
    const { text: said }: { text: string } = parse(stdout);
    return said;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export function find(all: readonly Manifest[], kind: string, name: string): Manifest {
  const found = all.find((each) => each.kind === kind && each.metadata.name === name);
  if (found === undefined) throw new Error(`there is no ${kind} ${name}`);
  return found;
}

export function podOf(all: readonly Manifest[], name: string) {
  const template = find(all, 'StatefulSet', name).spec?.template;
  if (template === undefined) throw new Error(`${name} has no pod`);
  return template;
}

export const valuesFile = (name: string) => readFile(join(chart, name), 'utf8');
