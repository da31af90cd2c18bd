/** A Compose file with the site that its servers read, seen from the host. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import process from 'node:process';
import { parse } from 'yaml';
import { checkSite } from '#check/check.ts';
import { lineOf } from '#check/finding.ts';
import type { Machine } from '#check/machine.ts';
import { CONTAINER } from '#check/testing.ts';
import { loadSite } from '#site/load.ts';
import type { Site } from '#site/schema.ts';

interface Mount {
  readonly type: 'bind' | 'volume';
  readonly source: string;
  readonly target: string;
  readonly read_only?: boolean;
}

export interface Service {
  readonly image: string;
  readonly command?: readonly string[];
  readonly entrypoint?: readonly string[];
  readonly user?: string;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly cap_add?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly network_mode?: string;
  readonly networks?: Readonly<Record<string, { readonly ipv4_address: string }>>;
  readonly ports?: readonly string[];
  readonly profiles?: readonly string[];
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly stop_grace_period?: string;
  readonly volumes?: readonly Mount[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
}

export interface Project {
  readonly text: string;
  readonly services: Readonly<Record<string, Service>>;
}

export async function readProject(name: 'one' | 'trial'): Promise<Project> {
  const text = await readFile(join(import.meta.dirname, name, 'compose.yaml'), 'utf8');
  return { text, ...parse(text, { merge: true }) };
}

export function serviceOf(project: Project, name: string): Service {
  const service = project.services[name];
  if (service === undefined) throw new Error(`there is no service ${name}`);
  return service;
}

/** `443:8443` and `127.0.0.1:42000:42000/udp`: host to container. */
export function published(service: Service): string[] {
  return (service.ports ?? []).map((each) => {
    const [, host, container, protocol = 'tcp'] = /(\d+):(\d+)(?:\/(udp))?$/.exec(each) ?? [];
    return `${host}:${container}/${protocol}`;
  });
}

/** Where a path of the container is on the host; `folder` stands for the Compose file's own. */
function onHost(service: Service, folder: string, path: string): string {
  const mounts = [...(service.volumes ?? [])].sort((a, b) => b.target.length - a.target.length);
  const mount = mounts.find(({ target }) => path === target || path.startsWith(`${target}/`));
  return mount === undefined ? path : normalize(join(folder, mount.source, path.slice(mount.target.length)));
}

/** The host with the address of the example, and what the kernel of a machine of our own would say of it left out. */
const HOST: Machine = {
  addresses: ['127.0.0.1', '203.0.113.7', '10.97.53.11', '10.97.53.12', '10.97.53.21', '10.97.53.22'],
  uid: process.getuid?.(),
  ...CONTAINER,
};
/** The two organisations of the trial are in a network of their own, and nobody outside of it is to reach them. */
const OF_TRIAL = /: 10\.97\.53\.\d+ is a private address/;
/** As Compose publishes it: `443:8443`, which a test holds against the ports. */
const PUBLISHED = 'homeserver.client.url: it leads to port 443, and homeserver.client.listen is port 8443.';

/**
 * The site as the server in the container reads it: with the files that are mounted there, and no others.
 * @throws Error with what `hawser config check` would find
 */
export async function siteIn(service: Service, folder: string): Promise<Site> {
  const [part, , config = ''] = service.command ?? [];
  const text = await readFile(onHost(service, folder, config), 'utf8');
  // Behind spaces and quotes stand paths, and behind the slashes of a URL does not.
  const seen = text.replaceAll(/(?<=^ *\w+: )\/[^\s"]+/gm, (path) => onHost(service, folder, path));
  const copy = join(folder, '.seen', `${part}.yaml`);
  await mkdir(dirname(copy), { recursive: true });
  await writeFile(copy, seen);
  const parts = [part === 'homeserver' ? 'homeserver' : 'sft'] as const;
  const findings = await checkSite(copy, { parts, machine: HOST });
  const isMeant = (reason: string) => OF_TRIAL.test(reason) || reason === PUBLISHED;
  const wrong = findings.filter(({ severity, reason }) => severity === 'error' || !isMeant(reason));
  if (wrong.length > 0) throw new Error(wrong.map(lineOf).join('\n'));
  return loadSite(copy, parts);
}
