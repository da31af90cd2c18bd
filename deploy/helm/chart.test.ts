import { access, chmod, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { checkSite } from '#check/check.ts';
import { lineOf } from '#check/finding.ts';
import type { Machine } from '#check/machine.ts';
import { CONTAINER } from '#check/testing.ts';
import { certsInit } from '#cli/certs.ts';
import { repository } from '#cli/setup/packages.ts';
import { table } from '#cli/table.ts';
import { loadSite } from '#site/load.ts';
import { parsePeers } from '#trust/peers.ts';
import { PeersSchema } from '#trust/peers-schema.ts';
import { makeTestDomain, type TestCertificate } from '#trust/testing.ts';
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
  type Relabeling,
  render,
  type ValueSet,
  valueSets,
  valuesFile,
} from './testing-chart.ts';

const rendered = new Map<ValueSet, Manifest[]>();
let faults: Faults;
/** What the Secrets of type kubernetes.io/tls hold. */
let browsers: TestCertificate;
let folder: string;

const of = (set: ValueSet) => rendered.get(set) ?? [];
const pods = (all: readonly Manifest[]) => all.flatMap(({ spec }) => (spec?.template ? [spec.template.spec] : []));
const containersOf = (all: readonly Manifest[]) => pods(all).flatMap(({ containers }) => containers);
/** A node of the cluster, with the addresses that stand in `ci/`. */
const NODE: Machine = {
  addresses: ['127.0.0.1', '203.0.113.7', '2001:db8::7'],
  uid: 10_001,
  ...CONTAINER,
};
/** What `config check` warns of here and not in a cluster. */
const MEANT = [
  // The address for examples in `ci/everything.yaml` stands for a public one.
  /homeserver\.federation\.address: 203\.0\.113\.8 is an address that is kept for examples/,
  // The Service has 443.
  /homeserver\.client\.url: it leads to port 443, and homeserver\.client\.listen is port 8443\.$/,
];
const port = (container: Container | undefined, name: string) =>
  container?.ports?.find((each) => each.name === name)?.containerPort;

describe.runIf(hasHelm)('the chart', () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hawser-chart-'));
    const quiet = { out: () => undefined, err: () => undefined, signal: new AbortController().signal };
    await certsInit.execute(['--domain', 'alpha.example', '--out', join(folder, 'made')], quiet);
    const { issue } = await makeTestDomain(join(folder, 'browsers'), 'alpha.example');
    browsers = await issue({ names: ['alpha.example', 'sft.alpha.example'] });
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
    'gives both servers a hawser.yaml in which nothing is wrong, with the files that NOTES.txt names (%s)',
    async (set) => {
      const text = await notes(set);
      const config = find(of(set), 'ConfigMap', 'alpha-site').data?.['hawser.yaml'] ?? '';
      for (const part of ['homeserver', 'sft'] as const) {
        const root = join(folder, set, part);
        const secret = new RegExp(`secret generic hawser-${part}((?: \\\\\\n|[^\\n])*)`).exec(text)?.[1] ?? '';
        const files = [...secret.matchAll(/--from-file=(\S+)/g)].map((match) => match[1] ?? '');
        expect(files).toContain(`${part}.key`);
        const mounts = podOf(of(set), `alpha-${part}`).spec.containers[0]?.volumeMounts ?? [];
        const password = join(folder, 'password');
        await writeFile(password, 'geheim\n');
        const sources: Record<string, Record<string, string>> = {
          '/etc/hawser/browsers': { 'tls.crt': browsers.certificate, 'tls.key': browsers.key },
          '/etc/hawser/database': { password },
          '/etc/hawser/secrets': { mail: password },
          '/etc/hawser/certificates': Object.fromEntries(files.map((name) => [name, join(folder, 'made', name)])),
        };
        await mkdir(join(root, 'data'), { recursive: true, mode: 0o700 });
        for (const { mountPath } of mounts) {
          for (const [name, source] of Object.entries(sources[mountPath] ?? {})) {
            const path = join(root, mountPath, name);
            await mkdir(dirname(path), { recursive: true });
            await copyFile(source, path);
            // As fsGroup has it: root's, and the group of the servers may read.
            await chmod(path, 0o440);
          }
        }
        const file = join(root, 'hawser.yaml');
        await writeFile(file, config.replaceAll(/(?<=^|[\s"])\/(?=etc\/hawser\/|data$)/gm, `${root}/`));
        const findings = await checkSite(file, { parts: [part], machine: NODE });
        expect(findings.map(lineOf).filter((line) => !MEANT.some((words) => words.test(line)))).toEqual([]);
        expect(findings.filter(({ severity }) => severity === 'error')).toEqual([]);
        expect(await loadSite(file, [part])).toMatchObject({ domain: 'alpha.example', data: join(root, 'data') });
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

  it('shows the figures to the cluster alone, at doors of their own', () => {
    for (const set of valueSets) {
      const services = of(set).filter(({ kind }) => kind === 'Service');
      const isOutside = ({ spec }: Manifest) => ['LoadBalancer', 'NodePort'].includes(spec?.type ?? 'ClusterIP');
      const portsOf = (all: Manifest[]) => all.flatMap(({ spec }) => spec?.ports?.map(({ targetPort }) => targetPort));
      expect(portsOf(services.filter(isOutside))).toContain('federation');
      expect(portsOf(services.filter(isOutside))).not.toContain('metrics');
      const doors = services.filter(({ spec }) => spec?.ports?.some(({ targetPort }) => targetPort === 'metrics'));
      const names = set === 'ingress' ? [] : ['alpha-homeserver-metrics', 'alpha-sft-metrics'];
      expect(doors.map(({ metadata }) => metadata.name)).toEqual(names);
      for (const { spec } of doors) expect(spec?.ports).toHaveLength(1);
    }
    expect(find(of('own-tls'), 'Service', 'alpha-homeserver').spec?.type).toBe('LoadBalancer');
  });

  it('has the figures read under the names by which the alerts look for the servers, and brings the alerts along', async () => {
    const all = of('everything');
    const { selector, endpoints = [] } = find(all, 'ServiceMonitor', 'alpha').spec ?? {};
    const wanted = Object.entries(selector?.matchLabels ?? {});
    const chosen = all.filter(
      ({ kind, metadata: { labels = {} } }) =>
        kind === 'Service' && wanted.every(([label, value]) => labels[label] === value),
    );
    expect(chosen.map(({ metadata }) => metadata.name)).toEqual(['alpha-homeserver-metrics', 'alpha-sft-metrics']);
    const [endpoint] = endpoints;
    for (const { spec } of chosen) expect(spec?.ports?.map(({ name }) => name)).toEqual([endpoint?.port]);
    const jobs = chosen.map(({ metadata }) => jobOf(metadata.labels ?? {}, endpoint?.relabelings ?? []));
    const rules = await readFile(join(repository, 'deploy', 'prometheus', 'alerts.yaml'), 'utf8');
    const matchers = [...rules.matchAll(/\bup\{job(=~?)"([^"]+)"\}/g)].map(([, operator, job = '']) =>
      operator === '=' ? (each: string) => each === job : (each: string) => new RegExp(`^(?:${job})$`).test(each),
    );
    expect(matchers).toHaveLength(3);
    for (const matches of matchers) expect(jobs.some(matches)).toBe(true);
    for (const job of jobs) expect(matchers.filter((matches) => matches(job))).toHaveLength(2);
    expect(find(all, 'PrometheusRule', 'alpha').spec).toEqual(parse(rules));
  });

  it('keeps the addresses of those who come from outside of the cluster', async () => {
    for (const type of ['NodePort', 'LoadBalancer', 'ClusterIP']) {
      const types = ['clients', 'federation'].flatMap((door) => ['--set', `homeserver.${door}.serviceType=${type}`]);
      const all = await render('own-tls', ...types);
      for (const name of ['alpha-homeserver', 'alpha-homeserver-federation']) {
        const { spec } = find(all, 'Service', name);
        expect(spec?.externalTrafficPolicy, `${name} ${type}`).toBe(type === 'ClusterIP' ? undefined : 'Local');
      }
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

  it('says that the port behind the Ingress is for its controller alone', async () => {
    expect(await notes('ingress')).toMatch(/TCP 8543 there from the controller of the Ingress only/);
    expect(await notes('own-tls')).toMatch(/: TCP 8543 and UDP and TCP 40000 to 40001 for your people/);
    expect(await notes('own-tls')).not.toContain('Ingress');
    const inside = await render('ingress', '--set', 'site.sft.client.listen=10.0.0.7:8543');
    const config = join(folder, 'inside.yaml');
    await writeFile(config, find(inside, 'ConfigMap', 'alpha-site').data?.['hawser.yaml'] ?? '');
    expect((await loadSite(config, [])).sft.client.listen).toBe('10.0.0.7:8543');
  });

  it('refuses in `site` what the pod is made from, and names the value in its place', async () => {
    const one = ['--values', join(chart, 'ci', 'ingress.yaml'), '--set'];
    const wrong: readonly [string, RegExp][] = [
      ['site.sft.drainMinutes=60', /site\.sft\.drainMinutes is set.*Set sft\.drainMinutes instead\./],
      ['site.sft.drainMinutes=0', /Set sft\.drainMinutes instead\./],
      ['site.sft.media.workers=8', /Set sft\.workers instead\./],
      ['site.sft.media.port=50000', /Set sft\.mediaPort instead\./],
      ['site.sft.trunk.ports.to=41300', /Set sft\.trunkPorts instead\./],
      ['site.sft.link.listen=0.0.0.0:9000', /Set sft\.linkPort instead\./],
      ['site.sft.client.listen=10.0.0.7:85430', /Set sft\.clientPort instead\./],
      ['site.sft.admin.listen=127.0.0.1:9000', /Set sft\.adminPort instead\./],
      ['site.sft.media.announcedIp=203.0.113.8', /Set sft\.address instead\./],
      ['site.homeserver.client.listen=0.0.0.0:443', /has another port than :8443/],
      ['site.homeserver.client.url=https://meet.alpha.example', /Set homeserver\.url instead\./],
      ['site.data=/var/lib/hawser', /site\.data is set.*Leave it out\./],
    ];
    for (const [set, words] of wrong) expect(await complaint(...one, set), set).toMatch(words);
    for (const set of ['site.sft.limits.participants=100', 'site.sft.link.listen=10.0.0.7:8548', 'site.sft=null'])
      expect(await complaint(...one, set), set).toBe('');
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
      [
        [...one, '--set', 'metrics.enabled=true,metrics.prometheusRule.enabled=true'],
        /needs metrics\.serviceMonitor\.enabled=true/,
      ],
      [[...one, '--set', 'networkPolicy.enabled=true'], /networkPolicy\.nodes is missing/],
      [
        [...one, '--set', 'peers[0].domain=beta.example,peers[0].state=allowed,peers[0].authority=beta.pem'],
        /peers.0.authority/,
      ],
    ];
    for (const [args, words] of wrong) expect(await complaint(...args), args.join(' ')).toMatch(words);
  });
});

/** What Prometheus makes of a Service's labels: https://prometheus.io/docs/prometheus/latest/configuration/configuration/#relabel_config */
function jobOf(labels: Readonly<Record<string, string>>, relabelings: readonly Relabeling[]): string {
  const known = new Map(
    Object.entries(labels).map(([label, value]) => [
      `__meta_kubernetes_service_label_${label.replace(/[^a-zA-Z0-9_]/g, '_')}`,
      value,
    ]),
  );
  for (const { sourceLabels, targetLabel, replacement } of relabelings) {
    const value = sourceLabels.map((label) => known.get(label) ?? '').join(';');
    known.set(targetLabel, replacement.replaceAll('$1', value));
  }
  return known.get('job') ?? '';
}
