import { access, copyFile, cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { repository } from '#cli/setup/packages.ts';
import { parsePeers } from '#trust/peers.ts';
import { makeTestDomain } from '#trust/testing.ts';
import { composeFaults, type Faults } from '../schemas/testing-schemas.ts';
import { blocksOf, codeOf, runAsWritten, unknownCommands } from '../testing-commands.ts';
import { type Project, published, readProject, type Service, serviceOf, siteIn } from './testing-project.ts';

let faults: Faults;
let folder: string;
let guide: string;
const projects: Record<'one' | 'trial', Project> = { one: await readProject('one'), trial: await readProject('trial') };
const { one, trial } = projects;
const servers = Object.values(projects).flatMap(({ services }) =>
  Object.entries(services).filter(([name]) => /homeserver$|sft$/.test(name)),
);
const end = (address: string) => Number(/:(\d+)/.exec(address.replace(/^\w+:\/\//, ''))?.[1] ?? Number.NaN);

beforeAll(async () => {
  faults = await composeFaults();
  folder = await mkdtemp(join(tmpdir(), 'hawser-compose-'));
  await cp(import.meta.dirname, join(folder, 'deploy', 'compose'), { recursive: true });
  guide = await readFile(join(repository, 'docs', 'guides', 'containers.md'), 'utf8');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it.each(['one', 'trial'] as const)('%s is a Compose file', (name) => {
  const { text } = projects[name];
  // Compose itself merges what `<<` names; the schema is for what comes of it.
  const { 'x-least': _least, 'x-server': _server, ...project } = parse(text, { merge: true });
  expect(faults(project)).toEqual([]);
  const broken = (from: string | RegExp, to: string) =>
    faults(parse(text.replace(from, to), { merge: true })).join('\n');
  expect(text).toMatch(/read_only: true\n {2}cap_drop/);
  expect(broken(/read_only: true\n {2}cap_drop/, 'read_onyl: true\n  cap_drop')).toContain('/services/');
  expect(broken('cap_drop: [ALL]', 'cap_drop: ALL')).toContain('cap_drop must be');
  expect(broken('condition: service_healthy', 'condition: healthy')).toContain('condition must be');
});

it('lets no container be root, gain rights or write what is not mounted for it', () => {
  for (const { services } of Object.values(projects)) {
    for (const [name, service] of Object.entries(services)) {
      expect(service, name).toMatchObject({
        read_only: true,
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
      });
      // What gives volumes away, and what another project wrote on its program.
      const more: Readonly<Record<string, string[]>> = { prepare: ['CHOWN'], turn: ['NET_BIND_SERVICE'] };
      expect(service.cap_add, name).toEqual(more[name]);
      if (name !== 'prepare') expect(service.user ?? '10001', name).not.toMatch(/^(0|root)\b/);
    }
  }
  expect(serviceOf(trial, 'prepare').network_mode).toBe('none');
});

it('asks each server for its health as the image does, and gives it time to end', async () => {
  const dockerfile = await readFile(join(repository, 'Dockerfile'), 'utf8');
  const inImage: string[] = JSON.parse(/^HEALTHCHECK .* CMD (\[.*\])$/m.exec(dockerfile)?.[1] ?? '[]');
  await access(join(repository, inImage.at(-1)?.replace('/hawser/', '') ?? ''));
  for (const [name, { healthcheck, stop_grace_period }] of servers) {
    expect(healthcheck?.test, name).toEqual(['CMD', ...inImage]);
    expect(stop_grace_period, name).toMatch(/^\d+[sm]$/);
  }
});

it('starts the media server when the homeserver is well, and the servers of the trial when all is prepared', () => {
  expect(serviceOf(one, 'sft').depends_on).toEqual({ homeserver: { condition: 'service_healthy' } });
  for (const name of ['alpha', 'beta']) {
    expect(serviceOf(trial, `${name}-homeserver`).depends_on).toEqual({
      prepare: { condition: 'service_completed_successfully' },
    });
    expect(serviceOf(trial, `${name}-sft`).depends_on).toEqual({
      [`${name}-homeserver`]: { condition: 'service_healthy' },
    });
  }
});

it('names commands that there are, here and in the guide', async () => {
  expect(unknownCommands('hawser acounts add alice; hawser frobnicate')).toEqual([
    'hawser acounts add',
    'hawser frobnicate',
  ]);
  const script = await readFile(join(import.meta.dirname, 'trial', 'prepare.sh'), 'utf8');
  expect(script).toMatch(/hawser accounts add/);
  expect(unknownCommands(script)).toEqual([]);
  expect(codeOf(guide)).toMatch(/hawser peers allow/);
  expect(unknownCommands(codeOf(guide))).toEqual([]);
  for (const { text } of Object.values(projects)) expect(unknownCommands(text)).toEqual([]);
  for (const [, { command }] of servers) expect(unknownCommands(`hawser ${command?.join(' ')}`)).toEqual([]);
});

describe('one organisation', () => {
  const here = () => join(folder, 'deploy', 'compose', 'one');

  beforeAll(async () => {
    // The lines of the guide that make folders and certificates, as they stand there.
    const [folders, certificates] = ['mkdir -p backups data', 'hawser certs init'].map((begin) =>
      blocksOf(guide).find((block) => block.includes(begin) && block.includes('secrets/')),
    );
    if (folders === undefined || certificates === undefined) throw new Error('the guide has other lines');
    await runAsWritten(folders, folder);
    await runAsWritten(certificates, here());
    const { issue } = await makeTestDomain(join(folder, 'browsers'), 'alpha.example');
    const { certificate, key } = await issue({ names: ['alpha.example', 'sft.alpha.example'] });
    await copyFile(certificate, join(here(), 'secrets', 'browsers', 'fullchain.pem'));
    await copyFile(key, join(here(), 'secrets', 'browsers', 'privkey.pem'));
  });

  it('has both servers start with the files that the guide puts there, and finds nothing wrong', async () => {
    for (const part of ['homeserver', 'sft']) {
      expect(await siteIn(serviceOf(one, part), here())).toMatchObject({ domain: 'alpha.example' });
    }
    const { HAWSER_UID } = Object.fromEntries(
      (await readFile(join(here(), '.env'), 'utf8')).split('\n').map((line) => line.split('=')),
    );
    expect(Number(HAWSER_UID)).toBe((await stat(join(here(), 'data'))).uid);
  });

  it('gives calls the minutes of the drain to end, and one more', async () => {
    const { drainMinutes } = (await siteIn(serviceOf(one, 'sft'), here())).sft;
    expect(drainMinutes).toBeGreaterThan(0);
    expect(serviceOf(one, 'sft').stop_grace_period).toBe(`${drainMinutes + 1}m`);
  });

  it('gives no server a key that it does not need', async () => {
    expect((await readdir(join(here(), 'secrets', 'sft'))).filter((file) => file.endsWith('.key'))).toEqual([
      'sft.key',
    ]);
    const homeservers = await readdir(join(here(), 'secrets', 'homeserver'));
    for (const key of ['authority.key', 'devices-root.key', 'sft.key']) expect(homeservers).not.toContain(key);
    const folders = (service: Service) => service.volumes?.map(({ source }) => source);
    expect(folders(serviceOf(one, 'sft'))).not.toContain('./secrets/homeserver');
    for (const name of ['homeserver', 'sft']) expect(folders(serviceOf(one, name))).not.toContain('./certificates');
  });

  it('gives coturn a configuration and a database with the commands of the guide, which name files that it sees', async () => {
    const written = (await readFile(join(here(), 'site', 'hawser.yaml'), 'utf8')).replaceAll(/^# (?=turn:$| )/gm, '');
    const config = join(here(), '.seen', 'turn.yaml');
    await mkdir(dirname(config), { recursive: true });
    await writeFile(config, written.replaceAll('/etc/hawser/turn/', `${join(here(), 'secrets', 'turn')}/`));
    const folderOf = (name: string, target: string) =>
      serviceOf(one, name).volumes?.find((each) => each.target === target && !each.read_only)?.source;
    expect(folderOf('homeserver', '/etc/hawser/turn')).toBe('./secrets/turn');
    expect(folderOf('turn', '/etc/coturn')).toBe('./secrets/turn');
    for (const file of ['fullchain.pem', 'privkey.pem'])
      await writeFile(join(here(), 'secrets', 'turn', file), 'what is in it is not looked at here');

    const block = blocksOf(guide).find((each) => each.includes('turn render')) ?? '';
    const [commands, start] = block.split(/\n(?=docker compose --profile turn up)/);
    expect(start).toContain('docker compose restart homeserver');
    const inside = /^docker compose run --rm --no-deps homeserver (.*)$/gm;
    expect(commands?.match(inside)).toHaveLength(3);
    const outside = commands?.replaceAll(inside, (_, words: string) => `hawser ${words} --config ${config}`);
    await runAsWritten(outside?.replaceAll('/etc/hawser/turn/', 'secrets/turn/') ?? '', here());
    await runAsWritten(`hawser turn check secrets/turn/turnserver.conf --config ${config}`, here());

    const conf = await readFile(join(here(), 'secrets', 'turn', 'turnserver.conf'), 'utf8');
    const files = [...conf.matchAll(/^(?:cert|pkey|userdb)=\/etc\/coturn\/(.*)$/gm)].map(([, file = '']) => file);
    expect(files).toHaveLength(3);
    for (const file of files) await access(join(here(), 'secrets', 'turn', file));
    const database = new DatabaseSync(join(here(), 'secrets', 'turn', 'turndb'));
    const kept = database.prepare('select realm, value from turn_secret').all();
    database.close();
    const secret = (await readFile(join(here(), 'secrets', 'turn', 'secrets'), 'utf8')).trim();
    expect(kept).toMatchObject([{ realm: 'alpha.example', value: expect.any(String) }]);
    expect(secret).toContain(String(kept[0]?.value));
    const opened = /UDP (\d+), TCP\n?\s?(\d+) and UDP (\d+) to (\d+)/.exec(guide)?.slice(1);
    expect(opened).toEqual(
      ['listening-port', 'tls-listening-port', 'min-port', 'max-port'].map(
        (option) => new RegExp(`^${option}=(\\d+)$`, 'm').exec(conf)?.[1],
      ),
    );
  });

  it('publishes the ports of the site, those of media on the host’s network', async () => {
    const { homeserver, sft } = await siteIn(serviceOf(one, 'sft'), here());
    expect(homeserver.client.url).toMatch(/^https:\/\/[^:]+$/);
    expect(published(serviceOf(one, 'homeserver'))).toEqual([
      `443:${end(homeserver.client.listen)}/tcp`,
      `${end(homeserver.federation.address)}:${end(homeserver.federation.listen)}/tcp`,
    ]);
    expect(serviceOf(one, 'sft')).toMatchObject({ network_mode: 'host' });
    expect(end(sft.client.url)).toBe(end(sft.client.listen));
    expect(end(sft.link.url)).toBe(end(sft.link.listen));
    expect(end(sft.homeserver)).toBe(end(homeserver.federation.address));
    const opened = /TCP 443, (\d+), (\d+) and (\d+), UDP and TCP from (\d+) .*UDP (\d+) to (\d+)/.exec(guide)?.slice(1);
    expect(opened?.map(Number)).toEqual([
      end(homeserver.federation.listen),
      end(sft.client.listen),
      end(sft.link.listen),
      sft.media.port,
      sft.trunk.ports.from,
      sft.trunk.ports.to,
    ]);
  });
});

// It gives volumes away, which root may.
describe.runIf(process.getuid?.() === 0)('the trial', () => {
  const place = (name: string) => join(folder, 'organisations', name);

  beforeAll(async () => {
    // One as Docker makes it, one as it fills it from the image before anything has run.
    await runAsWritten(
      'mkdir -p organisations/alpha organisations/beta scratch; chown 10001:10001 organisations/alpha',
      folder,
    );
    const here = join(folder, 'deploy', 'compose', 'trial');
    const places: Record<string, string> = {
      organisations: 'organisations',
      trial: 'deploy/compose/trial',
      tmp: 'scratch',
    };
    const script = (await readFile(join(here, 'prepare.sh'), 'utf8')).replaceAll(
      /(?<=[\s"#=])\/(organisations|trial|tmp)\b/g,
      (_, name: string) => join(folder, places[name] ?? ''),
    );
    await runAsWritten(script, folder);
    const before = await readFile(join(place('alpha'), 'invitation'), 'utf8');
    await runAsWritten(script, folder);
    expect(await readFile(join(place('alpha'), 'invitation'), 'utf8')).toBe(before);
  }, 60_000);

  /** A service whose volume is the folder that the script has filled. */
  const filled = (name: string): Service => {
    const service = serviceOf(trial, name);
    const volumes = service.volumes?.map((each) =>
      each.type === 'volume' ? { ...each, source: `../../../organisations/${each.source}` } : each,
    );
    return { ...service, ...(volumes && { volumes }) };
  };
  const site = (name: string) => siteIn(filled(name), join(folder, 'deploy', 'compose', 'trial'));

  it.each(['alpha', 'beta'])(
    'has both servers of %s start, on the ports and addresses that are published',
    async (name) => {
      const { homeserver } = await site(`${name}-homeserver`);
      const home = serviceOf(trial, `${name}-homeserver`);
      expect(published(home)).toEqual([`${end(homeserver.client.url)}:${end(homeserver.client.listen)}/tcp`]);
      expect(homeserver.federation.address).toBe(`${home.networks?.border?.ipv4_address}:8448`);
      const { sft } = await site(`${name}-sft`);
      const media = serviceOf(trial, `${name}-sft`);
      expect(sft.media.workers).toBe(1);
      expect(published(media)).toEqual([
        `${end(sft.client.url)}:${end(sft.client.listen)}/tcp`,
        `${sft.media.port}:${sft.media.port}/udp`,
        `${sft.media.port}:${sft.media.port}/tcp`,
      ]);
      expect(sft.trunk.listenIp).toBe(media.networks?.border?.ipv4_address);
      expect(sft.link.url).toBe(`wss://${sft.trunk.listenIp}:${end(sft.link.listen)}/link/v1`);
      expect(sft.homeserver).toBe(`wss://${homeserver.federation.address}/sft/v1`);
      expect(sft.client.origins).toEqual([homeserver.client.url]);
      // Whatever the user of the image has to read and write is his.
      for (const file of ['.', 'certificates/sft.key', 'invitation', 'kept'])
        expect((await stat(join(place(name), file))).uid, file).toBe(10_001);
    },
  );

  it('lets the two in with each other, at the addresses that they have', async () => {
    for (const [name, other] of [
      ['alpha', 'beta'],
      ['beta', 'alpha'],
    ] as const) {
      const list = await readFile(join(place(name), 'peers.yaml'), 'utf8');
      const [peer, ...more] = (await parsePeers('peers.yaml', list, (file) => readFile(file, 'utf8'))).values();
      expect(more).toEqual([]);
      const { homeserver } = await site(`${other}-homeserver`);
      const { sft } = await site(`${other}-sft`);
      expect(peer).toMatchObject({
        domain: `${other}.localhost`,
        state: 'allowed',
        mediaPrefixes: [`${sft.trunk.listenIp}/32`],
      });
      expect(`${peer?.homeserver?.host}:${peer?.homeserver?.port}`).toBe(homeserver.federation.address);
    }
  });

  it('says which two addresses to open, and who signs in there', async () => {
    const said = await Promise.all(['alpha', 'beta'].map((name) => readFile(join(place(name), 'invitation'), 'utf8')));
    const text = said.join('');
    for (const name of ['alpha', 'beta']) {
      const { homeserver } = await site(`${name}-homeserver`);
      expect(text).toMatch(new RegExp(`${homeserver.client.url} +sign in as \\w+, password [\\w-]{12}\\n`));
    }
    expect(serviceOf(trial, 'invitation').entrypoint?.slice(1)).toEqual(['/alpha/invitation', '/beta/invitation']);
  });
});
