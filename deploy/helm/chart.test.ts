import { access, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { certsInit } from '#cli/certs.ts';
import { repository } from '#cli/setup/packages.ts';
import { table } from '#cli/table.ts';
import { loadSite } from '#site/load.ts';
import { parsePeers } from '#trust/peers.ts';
import { PeersSchema } from '#trust/peers-schema.ts';
import { type Faults, kubernetesFaults } from '../schemas/testing-schemas.ts';
import { blocksOf } from '../testing-commands.ts';
import {
  type Container,
  chart,
  complaint,
  find,
  hasHelm,
  lint,
  type Manifest,
  manifests,
  notes,
  podOf,
  render,
  type ValueSet,
  valueSets,
  valuesFile,
} from './testing-chart.ts';

const rendered = new Map<ValueSet, Manifest[]>();
let faults: Faults;
let folder: string;

const of = (set: ValueSet) => rendered.get(set) ?? [];
const pods = (all: readonly Manifest[]) => all.flatMap(({ spec }) => (spec?.template ? [spec.template.spec] : []));
const containersOf = (all: readonly Manifest[]) => pods(all).flatMap(({ containers }) => containers);
const port = (container: Container | undefined, name: string) =>
  container?.ports?.find((each) => each.name === name)?.containerPort;

describe.runIf(hasHelm)('the chart', () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hawser-chart-'));
    const quiet = { out: () => undefined, err: () => undefined, signal: new AbortController().signal };
    await certsInit.execute(['--domain', 'alpha.example', '--out', join(folder, 'made')], quiet);
    faults = await kubernetesFaults();
    for (const set of valueSets) rendered.set(set, await render(set));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it.each(valueSets)('is right for Helm and for Kubernetes (%s)', async (set) => {
    const { code, tail } = await lint(set);
    expect(tail).not.toMatch(/\[(WARNING|ERROR)\]/);
    expect(code).toBe(0);
    const all = of(set);
    expect(all.map(faults)).toEqual(all.map(() => []));
    const names = all.map(({ kind, metadata }) => `${kind} ${metadata.name}`);
    expect(new Set(names).size).toBe(names.length);
    expect(names).toContain('StatefulSet alpha-homeserver');
    expect(names).toContain('StatefulSet alpha-sft');
  });

  it('would be refused with an unknown field or a wrong type', () => {
    const sft = find(of('everything'), 'StatefulSet', 'alpha-sft');
    const broken = (from: string, to: string) => {
      const text = JSON.stringify(sft);
      expect(text).toContain(from);
      return manifests(text.replace(from, to)).flatMap(faults).join('\n');
    };
    expect(broken('"hostNetwork"', '"hostNetwrok"')).toMatch(/hostNetwrok.*false|additional properties/);
    expect(broken('"replicas":1', '"replicas":"1"')).toContain('/spec/replicas must be');
    expect(broken('"drop":["ALL"]', '"drop":"ALL"')).toContain('/capabilities/drop must be');
    expect(broken('"kind":"StatefulSet"', '"kind":"StatfulSet"')).toContain('no schema of apps/v1 StatfulSet');
  });

  it.each(valueSets)(
    'gives both servers a hawser.yaml that they take, with the files that NOTES.txt names (%s)',
    async (set) => {
      const text = await notes(set);
      const config = find(of(set), 'ConfigMap', 'alpha-site').data?.['hawser.yaml'] ?? '';
      for (const part of ['homeserver', 'sft'] as const) {
        const root = join(folder, set, part);
        const secret = new RegExp(`secret generic hawser-${part}((?: \\\\\\n|[^\\n])*)`).exec(text)?.[1] ?? '';
        const files = [...secret.matchAll(/--from-file=(\S+)/g)].map((match) => match[1] ?? '');
        expect(files).toContain(`${part}.key`);
        for (const file of files) await access(join(folder, 'made', file));
        const mounts = podOf(of(set), `alpha-${part}`).spec.containers[0]?.volumeMounts ?? [];
        const others: Record<string, string[]> = {
          '/etc/hawser/browsers': ['tls.crt', 'tls.key'],
          '/etc/hawser/database': ['password'],
          '/etc/hawser/secrets': ['mail'],
          '/etc/hawser/certificates': files,
        };
        for (const { mountPath } of mounts) {
          for (const file of others[mountPath] ?? []) {
            const path = join(root, mountPath, file);
            await mkdir(dirname(path), { recursive: true });
            await writeFile(path, 'what is in it is not looked at here', { mode: 0o440 });
          }
        }
        const file = join(root, 'hawser.yaml');
        await writeFile(file, config.replaceAll(/(^|[\s"])\/etc\/hawser\//gm, `$1${root}/etc/hawser/`));
        const site = await loadSite(file, [part]);
        expect(site).toMatchObject({ domain: 'alpha.example', data: '/data' });
      }
    },
  );

  it('publishes exactly the ports of that hawser.yaml', async () => {
    const all = of('everything');
    const config = join(folder, 'ports.yaml');
    await writeFile(config, find(all, 'ConfigMap', 'alpha-site').data?.['hawser.yaml'] ?? '');
    const { homeserver, sft } = await loadSite(config, []);
    const end = (listen: string) => Number(listen.split(':').at(-1));
    const [home, door] = podOf(all, 'alpha-homeserver').spec.containers;
    expect(port(home, 'clients')).toBe(end(homeserver.client.listen));
    expect(port(home, 'federation')).toBe(end(homeserver.federation.listen));
    expect(door?.args).toEqual([homeserver.admin.listen, '0.0.0.0:9450']);
    const [media, sftDoor] = podOf(all, 'alpha-sft').spec.containers;
    expect(port(media, 'clients')).toBe(end(sft.client.listen));
    expect(port(media, 'link')).toBe(end(sft.link.listen));
    expect(sftDoor?.args).toEqual([sft.admin.listen, '0.0.0.0:9550']);
    const ranges = ['UDP', undefined].map((protocol) =>
      media?.ports?.filter((each) => each.protocol === protocol && each.name.startsWith('media')),
    );
    const wanted = Array.from({ length: sft.media.workers ?? 0 }, (_, worker) => sft.media.port + worker);
    for (const range of ranges) expect(range?.map(({ containerPort }) => containerPort)).toEqual(wanted);
    for (const { containerPort, hostPort } of media?.ports ?? []) expect(hostPort).toBe(containerPort);
    expect(podOf(all, 'alpha-sft').spec.hostNetwork).toBe(true);
    const federation = find(all, 'Service', 'alpha-homeserver-federation').spec?.ports?.[0];
    expect(sft.homeserver).toBe(`wss://alpha-homeserver-federation.default.svc:${federation?.port}/sft/v1`);
    for (const { spec } of all.filter(({ kind }) => kind === 'Service')) {
      const named = containersOf(all).flatMap(({ ports }) => ports?.map(({ name }) => name) ?? []);
      for (const { targetPort } of spec?.ports ?? []) expect(named).toContain(targetPort);
    }
  });

  it('lets no container be root, gain rights or write anything but data and /tmp', () => {
    for (const set of valueSets) {
      for (const pod of pods(of(set))) {
        expect(pod).toMatchObject({ automountServiceAccountToken: false, enableServiceLinks: false });
        expect(pod.securityContext).toMatchObject({
          runAsNonRoot: true,
          runAsUser: 10_001,
          seccompProfile: { type: 'RuntimeDefault' },
        });
        for (const { securityContext, volumeMounts = [] } of pod.containers) {
          expect(securityContext).toEqual({
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          });
          const writable = volumeMounts.filter(({ readOnly }) => !readOnly).map(({ mountPath }) => mountPath);
          expect(['/data', '/backups', '/tmp']).toEqual(expect.arrayContaining(writable));
        }
      }
      expect(of(set).filter(({ kind }) => kind === 'Secret')).toEqual([]);
    }
  });

  it('starts commands and files that there are', async () => {
    const commands = table.map(({ name }) => name);
    const text = await notes('ingress');
    for (const [, words = ''] of text.matchAll(/(?:^ +|-- )hawser ([a-z-]+ [a-z-]+)/gm))
      expect(commands).toContain(words);
    expect(text).toContain('hawser accounts add');
    for (const { name, command = [], args = [] } of containersOf(of('everything'))) {
      if (name === 'metrics') await access(join(repository, command.at(-1)?.replace('/hawser/', '') ?? ''));
      else expect(commands).toContain(args[0]);
    }
    const health = JSON.stringify(of('everything')).match(/\/hawser\/cli\/health\.ts/g);
    expect(health).toHaveLength(2);
    await access(join(repository, 'cli/health.ts'));
  });

  it('gives calls the minutes of the drain to end, and one more', async () => {
    const grace = (all: Manifest[]) => podOf(all, 'alpha-sft').spec.terminationGracePeriodSeconds;
    expect(grace(of('ingress'))).toBe(11 * 60);
    expect(find(of('ingress'), 'ConfigMap', 'alpha-site').data?.['hawser.yaml']).toMatch(/^ {2}drainMinutes: 10$/m);
    expect(grace(await render('ingress', '--set', 'sft.drainMinutes=0'))).toBe(60);
    const draining = await render('ingress', '--set', 'sft.drainMinutes=15');
    expect(grace(draining)).toBe(16 * 60);
    expect(find(draining, 'ConfigMap', 'alpha-site').data?.['hawser.yaml']).toMatch(/^ {2}drainMinutes: 15$/m);
    const config = join(folder, 'draining.yaml');
    await writeFile(config, find(draining, 'ConfigMap', 'alpha-site').data?.['hawser.yaml'] ?? '');
    expect((await loadSite(config, [])).sft.drainMinutes).toBe(15);
  });

  it('calls the media server ready by its own word, and leaves the way to it open while it drains', () => {
    for (const set of valueSets) {
      const all = of(set);
      const [media] = podOf(all, 'alpha-sft').spec.containers;
      expect(media).toMatchObject({
        startupProbe: { httpGet: { path: '/health' } },
        livenessProbe: { httpGet: { path: '/health' } },
        readinessProbe: { httpGet: { path: '/ready', host: '127.0.0.1' } },
      });
      expect(find(all, 'Service', 'alpha-sft').spec).toMatchObject({ publishNotReadyAddresses: true });
    }
  });

  it('lets the homeserver believe the proxies that are named, and no others', async () => {
    const clientOf = (all: Manifest[]) => find(all, 'ConfigMap', 'alpha-site').data?.['hawser.yaml'] ?? '';
    expect(clientOf(of('ingress'))).not.toContain('proxies');
    expect(clientOf(of('everything'))).toMatch(/proxies:\n +- 10\.244\.0\.0\/16\n +- fd00:10:244::\/56\n/);
  });

  it('ends no call for what only the homeserver reads', async () => {
    const changed = await render('ingress', '--set', 'site.homeserver.search=exact');
    const checksum = (all: Manifest[], name: string) => podOf(all, name).metadata.annotations['checksum/site'];
    expect(checksum(changed, 'alpha-homeserver')).not.toBe(checksum(of('ingress'), 'alpha-homeserver'));
    expect(checksum(changed, 'alpha-sft')).toBe(checksum(of('ingress'), 'alpha-sft'));
    const media = await render('ingress', '--set', 'site.sft.voices.loud=5');
    expect(checksum(media, 'alpha-sft')).not.toBe(checksum(of('ingress'), 'alpha-sft'));
  });

  it('makes an allow list of its values that the servers take, and lets those and no others in', async () => {
    const authority = `peers[0].authority=${join(folder, 'made', 'authority.pem')}`;
    const all = await render('everything', '--set-file', authority);
    const list = find(all, 'ConfigMap', 'alpha-peers').data?.['peers.yaml'] ?? '';
    const peers = await parsePeers('peers.yaml', list, () => Promise.reject(new Error('names a file')));
    expect([...peers.values()].map(({ domain, state }) => [domain, state])).toEqual([
      ['beta.example', 'allowed'],
      ['gamma.example', 'blocked'],
    ]);
    const policy = JSON.stringify(find(all, 'NetworkPolicy', 'alpha-homeserver').spec);
    for (const prefix of ['198.51.100.0/24', '2001:db8:b::/48', '198.51.101.0/24']) expect(policy).toContain(prefix);
    expect(policy).not.toContain('192.0.2.0/24');
    const schema = JSON.parse(await valuesFile('values.schema.json'));
    const known = Object.keys(schema.properties.peers.items.properties);
    expect(known.sort()).toEqual(Object.keys(PeersSchema.items.properties).sort());
  });

  it('is what the guide installs, with the Secrets that it makes', async () => {
    const guide = await readFile(join(repository, 'docs', 'guides', 'containers.md'), 'utf8');
    const values = join(folder, 'guide.yaml');
    await writeFile(values, blocksOf(guide).find((block) => block.startsWith('domain: alpha.example')) ?? '');
    expect(await complaint('--values', values)).toBe('');
    const secrets = (text: string) =>
      [...text.matchAll(/secret generic (\S+)((?: \\\n|[^\n])*)/g)].map(([, name, files = '']) => [
        name,
        [...files.matchAll(/--from-file=(\S+)/g)].map(([, file]) => file),
      ]);
    expect(secrets(guide)).toEqual(secrets(await notes('own-tls')));
    expect(secrets(guide)).toHaveLength(2);
  });

  it('refuses what cannot be right, and says what to do', async () => {
    const one = ['--values', join(chart, 'ci', 'ingress.yaml')];
    const wrong: readonly [readonly string[], RegExp][] = [
      [[], /domain is missing: .*--set domain=alpha\.example/],
      [['--set', 'domain=alpha.example'], /https pages only: set homeserver\.tlsSecret/],
      [['--set', 'domain=alpha'], /domain: Does not match/],
      [[...one, '--set', 'sft.wrokers=3'], /sft.*wrokers.*not allowed/],
      [[...one, '--set-string', 'sft.workers=3'], /sft.workers: Invalid type|sft.workers.*integer/],
      [[...one, '--set', 'sft.address='], /sft\.address is missing/],
      [[...one, '--set', 'sft.nodeSelector=null'], /sft\.nodeSelector is missing: name the node/],
      [[...one, '--set', 'sft.trunkPorts.to=2000'], /the last port, 2000, is below the first, 41000/],
      [[...one, '--set', 'homeserver.tlsSecret=x'], /one of the two ends TLS/],
      [[...one, '--set', 'homeserver.database.url=postgresql://hawser@db/hawser'], /passwordSecret is missing/],
      [
        [...one, '--set', 'homeserver.database.url=postgresql://hawser:geheim@db/hawser'],
        /database.url: Does not match/,
      ],
      [[...one, '--set', 'homeserver.proxies={0.0.0.0/0}'], /homeserver.proxies.0/],
      [[...one, '--set', 'metrics.serviceMonitor.enabled=true'], /needs metrics\.enabled=true/],
      [[...one, '--set', 'networkPolicy.enabled=true'], /networkPolicy\.nodes is missing/],
      [
        [...one, '--set', 'peers[0].domain=beta.example,peers[0].state=allowed,peers[0].authority=beta.pem'],
        /peers.0.authority/,
      ],
    ];
    for (const [args, words] of wrong) expect(await complaint(...args), args.join(' ')).toMatch(words);
  });
});
