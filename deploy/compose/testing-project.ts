/** A Compose file with the site that its servers read, seen from the host. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import { parse } from 'yaml';
import { loadSite } from '#site/load.ts';
import type { Part } from '#site/part.ts';
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

/**
 * The site as the server in the container reads it: with the files that are mounted there, and no others.
 * @throws SiteError where the server would refuse it
 */
export async function siteIn(service: Service, folder: string): Promise<Site> {
  const [part, , config = ''] = service.command ?? [];
  const text = await readFile(onHost(service, folder, config), 'utf8');
  // Behind spaces and quotes stand paths, and behind the slashes of a URL does not.
  const seen = text.replaceAll(/(?<=^ *\w+: )\/[^\s"]+/gm, (path) => onHost(service, folder, path));
  const copy = join(folder, '.seen', `${part}.yaml`);
  await mkdir(dirname(copy), { recursive: true });
  await writeFile(copy, seen);
  return loadSite(copy, [part as Part]);
}
