/**
 * docs/guides/install.md, typed as it stands into two fresh Debians by two administrators at once, up to a call between two browsers. What
 * the page cannot say is said by whoever stands between the two: values of the variables, and the file that each sends the other.
 */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openBrowser } from '#cli/demo/browser.ts';
import { seen, seesOther } from '#cli/demo/check.ts';
import { converse, joinCall, leaveCall, openConversation, signInAt, startCall } from '#cli/demo/page.ts';
import { ensureDebianHost } from '#cli/setup/debian-host.ts';
import { repository } from '#cli/setup/packages.ts';
import { outcome, run } from '#cli/setup/program.ts';
import { until } from '#signalling/testing.ts';
import { buildDebianPackage } from '../debian/build.ts';
import { type Block, blocksOf, missingLine, withValues } from './page.ts';
import { DebianHost } from './testing-host.ts';
import { makeNetwork, type Network } from './testing-network.ts';

/** A server needs a second or two until it serves, and as long until it knows the other one. */
const CHECK_MS = 20_000;
/** All that speak TLS, by the page. */
const DOORS = [443, 8448, 8543, 8548];

const root = await ensureDebianHost().catch((error: Error) => {
  console.warn(`not tried: docs/guides/install.md. ${error.message}`);
  return undefined;
});

const page = blocksOf(await readFile(join(repository, 'docs', 'guides', 'install.md'), 'utf8'));

interface Organisation {
  readonly domain: string;
  readonly hostName: string;
  readonly host: DebianHost;
  /** The block of variables, with the values of this one. */
  readonly variables: string;
  /** Everything that was printed. */
  readonly printed: string[];
}

/** Where SSH listens before the page begins, so that the firewall has to find it out. */
const SSH_PORTS = { alpha: 22, beta: 2_222 } as const;
/** What administrators have in their shells, so that the page makes readable what has to be. */
const UMASKS = { alpha: '022', beta: '077' } as const;

const hostName = (name: string) => `hawser.${name}.example`;

let stack: AsyncDisposableStack;
let network: Network;
let both: readonly [Organisation, Organisation];

beforeAll(async () => {
  stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'hawser-install-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  if (root === undefined) return;
  const file = await buildDebianPackage(folder);
  await mkdir(join(folder, 'newer'));
  await makeNewer(file, join(folder, 'newer'));
  network = stack.use(await makeNetwork());
  const prepared = [prepare(root, folder, 'alpha', 'beta'), prepare(root, folder, 'beta', 'alpha')] as const;
  // Where one does not come up, the other one is not to be left behind.
  await Promise.allSettled(prepared);
  both = await Promise.all(prepared);
}, 180_000);

afterAll(() => stack.disposeAsync());

type Name = 'alpha' | 'beta';

/** The same package as of a commit a second later. */
async function makeNewer(file: string, folder: string): Promise<void> {
  const dpkg = (...args: string[]) => run('dpkg-deb', args, 'A newer package could not be made:');
  const content = join(folder, 'content');
  await dpkg('--raw-extract', file, content);
  const control = join(content, 'DEBIAN', 'control');
  const text = await readFile(control, 'utf8');
  await writeFile(
    control,
    text.replace(/^(Version: )(.*)$/m, (_line, name, version) => `${name}${newerThan(version)}`),
  );
  await dpkg('--root-owner-group', '-Zzstd', '-z1', '--build', content, folder);
  await rm(content, { recursive: true });
}

function newerThan(version: string): string {
  return version.replace(/\.(\d{6})\./, (_text, time) => `.${String(Number(time) + 1).padStart(6, '0')}.`);
}

async function prepare(root: string, folder: string, name: Name, peer: Name): Promise<Organisation> {
  const { namespace, address } = network[name];
  const files = { [folder]: '/srv/packages' };
  const host = stack.use(await DebianHost.boot({ root, namespace, files }));
  const values = {
    ...{ DOMAIN: `${name}.example`, HOST: hostName(name), ADDRESS: address, LISTEN: address },
    ...{ PEER: `${peer}.example`, PEER_HOST: hostName(peer), PEER_ADDRESS: network[peer].address },
  };
  const [{ text = '' } = {}] = page.filter(({ kind }) => kind === 'variables');
  const variables = `umask ${UMASKS[name]}\n${withValues(text, values)}`;
  const organisation = { domain: values.DOMAIN, hostName: values.HOST, host, variables, printed: [] };
  await type(organisation, `${AS_INSTALLED}\n${listenOn(SSH_PORTS[name])}`);
  return organisation;
}

/** What stands on a Debian that somebody installed for this, and the package in its place. */
const AS_INSTALLED = `
install --mode 0644 /dev/stdin /etc/hosts <<< '127.0.0.1 localhost'
ln --symbolic /srv/packages/*.deb /root
apt-get update
apt-get install --yes openssh-server`;

const listenOn = (port: number) =>
  `install --mode 0644 /dev/stdin /etc/ssh/sshd_config.d/port.conf <<END\nPort ${port}\nEND\nsystemctl restart ssh`;

/** @throws Error with what was printed, where it did not end well */
async function type({ domain, host, variables, printed }: Organisation, text: string): Promise<string> {
  const { code, stdout, tail } = await host.type(`${variables}\n${text}`);
  if (code !== 0) throw new Error(`${domain}: ended with ${code}:\n${text}\n\n${tail}`);
  printed.push(stdout);
  return stdout;
}

/** What a check has to print may be a moment away: a server has just been started. */
async function check(organisation: Organisation, { text, answer = '', line }: Block): Promise<void> {
  let last = '';
  const isRight = async () => {
    const { stdout, tail } = await organisation.host.type(`${organisation.variables}\n${text}`);
    last = tail;
    return missingLine(answer, stdout) === undefined;
  };
  await until(isRight, `line ${line}`, CHECK_MS).catch(() => {
    throw new Error(
      `${organisation.domain}, line ${line}: '${missingLine(answer, last)}' is not printed, but:\n${last}`,
    );
  });
}

/** The mail of step 11: each sends the other the file that the page has made. */
async function exchange(): Promise<void> {
  const [alpha, beta] = both;
  const carry = async (from: Organisation, to: Organisation) => {
    const file = `/root/${from.domain}.tar`;
    await type(to, `base64 --decode > ${file} <<END\n${await type(from, `base64 ${file}`)}\nEND`);
  };
  await Promise.all([carry(alpha, beta), carry(beta, alpha)]);
}

async function follow(block: Block): Promise<void> {
  if (block.kind === 'check') await Promise.all(both.map((each) => check(each, block)));
  if (block.kind === 'run' || block.kind === 'trial') await Promise.all(both.map((each) => type(each, block.text)));
  // It is what the package of this test was built by.
  if (block.kind === 'elsewhere') expect(block.text).toBe('./hawser package --out .');
  if (block.text.startsWith('tar --create')) await exchange();
}

describe.skipIf(root === undefined)('the page, from nothing', () => {
  test('is typed by two administrators, and says at every check what it promises', async () => {
    for (const block of page) await follow(block);
  }, 300_000);

  test('leaves nothing to be warned of but what a trial has', async () => {
    const [block] = page.filter(({ text }) => text.includes('hawser config check'));
    for (const { host, variables } of both) {
      const { stdout } = await host.type(`${variables}\n${block?.text}`);
      const warnings = stdout.split('\n').filter((line) => line.startsWith('warning: '));
      // The second one is of the machine that all this runs on.
      expect(warnings.filter((line) => !/signed by itself|receive buffers/.test(line))).toEqual([]);
    }
  });

  test('leaves administrators their SSH, and lets nobody in at other ports', async () => {
    const [alpha, beta] = both;
    const greets = async (address: string, port: number, seconds: number) => {
      const script = `exec 3<>/dev/tcp/${address}/${port}; head --lines 1 <&3`;
      const args = ['netns', 'exec', network.internet, 'timeout', `${seconds}`, 'bash', '-c', script];
      return (await outcome('ip', args)).stdout.startsWith('SSH-2.0-');
    };
    expect(await greets(network.alpha.address, SSH_PORTS.alpha, 15)).toBe(true);
    expect(await greets(network.beta.address, SSH_PORTS.beta, 15)).toBe(true);
    // Behind the back of the firewall.
    await type(beta, listenOn(SSH_PORTS.alpha));
    expect(await greets(network.beta.address, SSH_PORTS.alpha, 3)).toBe(false);
    await type(beta, `${listenOn(SSH_PORTS.beta)}\nhawser-firewall`);
    expect(await type(alpha, 'cat /etc/nftables.conf.before-hawser')).toContain('flush ruleset');
  });

  test('a firewall whose rules cannot be made stays as it was, also in the file of the next start', async () => {
    const [alpha] = both;
    const rules = () => type(alpha, 'cat /etc/hawser.nft; nft list table inet hawser');
    const before = await rules();
    await type(alpha, "sed --in-place 's/^  link:/  lnik:/' /etc/hawser/hawser.yaml");
    expect((await alpha.host.type('hawser-firewall')).code).not.toBe(0);
    expect(await rules()).toBe(before);
    await type(alpha, "sed --in-place 's/^  lnik:/  link:/' /etc/hawser/hawser.yaml; hawser-firewall");
    expect(await rules()).toBe(before);
  });

  test('the script that certbot calls hands a new certificate over, and the servers show it', async () => {
    const [, beta] = both;
    const [{ text = '' } = {}] = page.filter(({ kind, step }) => kind === 'internet' && step === 5);
    const [, script = ''] =
      /^(cat > \/usr\/local\/sbin\/hawser-browser-certificate [\s\S]*?^chmod .*)$/m.exec(text) ?? [];
    expect(script).toContain('RENEWED_LINEAGE');
    const [, hook = ''] = /--deploy-hook (\S+)/.exec(text) ?? [];
    // As certbot keeps them: root's alone, and links to the newest of several.
    const lineage = '/etc/letsencrypt/live/$HOST';
    const serial = await type(
      beta,
      `${script}
mkdir --parents "${lineage}" /etc/letsencrypt/archive
cd /etc/letsencrypt/archive
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days 90 -subj "/CN=$HOST" \
  -addext "subjectAltName=DNS:$HOST" -keyout privkey2.pem -out fullchain2.pem
ln --symbolic /etc/letsencrypt/archive/privkey2.pem "${lineage}/privkey.pem"
ln --symbolic /etc/letsencrypt/archive/fullchain2.pem "${lineage}/fullchain.pem"
RENEWED_LINEAGE="${lineage}" ${hook}
openssl x509 -in fullchain2.pem -noout -serial`,
    );
    const files = 'stat --format "%U:%G %a %F" /etc/hawser/browsers /etc/hawser/browsers/*.pem';
    expect(await type(beta, files)).toBe(
      'root:hawser 750 directory\nroot:hawser 644 regular file\nroot:hawser 640 regular file',
    );
    await until(
      async () => (await shown(beta, [443, 8543])).every((each) => each === serial.trim()),
      'it is shown',
      CHECK_MS,
    );
  });

  test('ends in a call between two browsers over the border, which goes on while all certificates are renewed, and while a server is to stop', async () => {
    const [alpha, beta] = both;
    await type(alpha, LET_CALLS_END);
    const hosts = Object.fromEntries(
      (['alpha', 'beta'] as const).map((name) => [hostName(name), network[name].address]),
    );
    const wrapper = ['ip', 'netns', 'exec', network.internet];
    await using undo = new AsyncDisposableStack();
    const signIn = async ({ hostName, printed }: Organisation) => {
      const browser = await openBrowser({ hosts, wrapper });
      undo.defer(() => browser.close());
      const [, password = ''] = /Its password is (\S+)/.exec(printed.join('\n')) ?? [];
      await signInAt(browser.page, `https://${hostName}/`, 'alice', password);
      return browser.page;
    };
    const [here, there] = await Promise.all([signIn(alpha), signIn(beta)]);
    await converse(here, `@alice@${beta.domain}`);
    await startCall(here);
    await openConversation(there);
    await joinCall(there);
    await Promise.all([seesOther(here), seesOther(there)]);
    for (const block of page.filter(({ kind }) => kind === 'call')) {
      await Promise.all(both.map((each) => check(each, block)));
    }
    const goesOn = async (what: string, frames: number) => {
      const before = await Promise.all([seen(here), seen(there)]);
      const isOn = async () => {
        const now = await Promise.all([seen(here), seen(there)]);
        return now.every((each, who) => each.frames > (before[who]?.frames ?? 0) + frames && each.energy > 0);
      };
      await until(isOn, what, CHECK_MS);
    };
    await renewAll();
    await goesOn('pictures after all certificates were renewed', 50);
    for (const organisation of both) {
      const journal = await type(organisation, 'journalctl --unit hawser-sft --output cat');
      expect(journal).toContain('a link stands');
      // The doctor of step 9 went by itself, before the call.
      expect(journal.split('\n').filter((line) => / ended"/.test(line) && !line.includes('"code":"normal"'))).toEqual(
        [],
      );
    }
    await stopSoftly(
      alpha,
      () => goesOn('pictures while it is to stop', MORE_THAN_PATIENCE),
      () => Promise.all([leaveCall(here), leaveCall(there)]),
    );
  });
});

/** How long systemd waits where it is told nothing, and pictures that take longer; browsers send 30 a second. */
const PATIENCE_S = 3;
const MORE_THAN_PATIENCE = 4 * 30;

/** Calls may go on for a third of an hour, while systemd by itself has little patience. */
const LET_CALLS_END = `
sed --in-place 's/^  homeserver: wss/  drainMinutes: 20\\n&/' /etc/hawser/hawser.yaml
install -D --mode 0644 /dev/stdin /etc/systemd/system/hawser-sft.service.d/impatient.conf <<END
[Service]
TimeoutStopSec=${PATIENCE_S}s
END
systemctl daemon-reload
systemctl restart hawser-sft`;

/** `systemctl stop` waits for the call, and takes nobody's media away before that. @param leave all, of both organisations: the call is led from here */
async function stopSoftly(
  organisation: Organisation,
  goesOn: () => Promise<void>,
  leave: () => Promise<unknown>,
): Promise<void> {
  const show = (property: string) =>
    type(organisation, `systemctl show --property ${property} --value hawser-sft`).then((text) => text.trim());
  const workers = () => type(organisation, 'grep --files-with-matches mediasoup-worke /proc/[0-9]*/comm');
  const before = await workers();
  await type(organisation, 'systemctl stop --no-block hawser-sft');
  await until(async () => (await show('StatusText')).startsWith('Takes no new calls'), 'it has told systemd', CHECK_MS);
  await goesOn();
  expect(await show('ActiveState')).toBe('deactivating');
  expect(await workers()).toBe(before);
  await leave();
  await until(async () => (await show('ActiveState')) === 'inactive', 'the end with the last one', CHECK_MS);
  expect(await show('Result')).toBe('success');
  await type(organisation, 'systemctl start hawser-sft');
}

/** Serials of the certificates at these ports. Where servers are served, the connection ends without one on this side; that is enough. */
function shown(organisation: Organisation, ports: readonly number[] = DOORS): Promise<string[]> {
  const text = (port: number) =>
    `(openssl s_client -connect "$ADDRESS:${port}" || true) 2>&1 < /dev/null | openssl x509 -noout -serial`;
  return Promise.all(ports.map(async (port) => (await type(organisation, text(port))).trim()));
}

/** Every certificate of both, with the commands of the page, while the servers run; resolves when every door shows the new one. */
async function renewAll(): Promise<void> {
  const blocks = page.filter(
    ({ step, text }) => (step === 4 && text.startsWith('cd ')) || (step === 5 && text.includes('-x509 ')),
  );
  expect(blocks.map(({ kind }) => kind)).toEqual(['run', 'trial']);
  await Promise.all(
    both.map(async (organisation) => {
      const before = await shown(organisation);
      await type(organisation, 'hawser certs renew /root/hawser-authority');
      for (const { text } of blocks) await type(organisation, text);
      const isNew = async () => (await shown(organisation)).every((serial, door) => serial !== before[door]);
      await until(isNew, `new certificates of ${organisation.domain}`, CHECK_MS);
    }),
  );
}

describe.skipIf(root === undefined)('what was installed', () => {
  test('the media server sees no key and no data of the homeserver, and is nobody', async () => {
    const [alpha] = both;
    const inside = 'cd /proc/$(systemctl show --property MainPID --value hawser-sft)';
    const hidden = ['etc/hawser/keys/homeserver', 'var/lib/hawser/data', 'var/cache/hawser/homeserver'];
    // Also after the files in there were replaced.
    expect(await type(alpha, `${inside}/root; stat --format %a ${hidden.join(' ')}`)).toBe('0\n0\n0');
    const status = await type(alpha, `${inside}; grep -E '^(CapEff|CapBnd|NoNewPrivs|Seccomp):' status`);
    expect(status.split('\n').map((line) => line.split(/:\s+/)[1])).toEqual([
      '0000000000000000',
      '0000000000000000',
      '1',
      '2',
    ]);
  });

  test('what the configuration said to type next can be typed', async () => {
    const [alpha] = both;
    const [, said = ''] =
      /^From here to the first call .*$([\s\S]*?)^\/opt\/hawser\/docs\/guides\/install\.md/m.exec(
        alpha.printed.join('\n'),
      ) ?? [];
    const lines = said.replaceAll('\\\n', '').match(/^ {6}.*/gm) ?? [];
    // In capitals is what another person has to say first.
    const commands = lines.map((line) => line.trim()).filter((line) => !/\b[A-Z]{3,}\b/.test(line));
    expect(commands).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^setpriv .* hawser config check$/),
        'systemctl enable --now hawser-homeserver hawser-sft',
        'hawser doctor clients',
        'hawser doctor beta.example',
      ]),
    );
    // The account is there, and nobody asks twice for one.
    for (const line of commands.filter((each) => !each.startsWith('hawser accounts add'))) {
      const text = `${alpha.variables}\nexport NODE_EXTRA_CA_CERTS=/etc/hawser/browsers/fullchain.pem\n${line}`;
      // The server was started a moment ago, and the doctor sees what a busy machine loses.
      await until(async () => (await alpha.host.type(text)).code === 0, line, 3 * CHECK_MS);
    }
  });

  test('no server is refused anything that it needs', async () => {
    for (const organisation of both) {
      const journal = await type(organisation, 'journalctl --unit hawser-homeserver --unit hawser-sft --output cat');
      expect(journal.split('\n').filter((line) => /EPERM|EACCES|"level":[56]0/.test(line))).toEqual([]);
    }
  });

  test('a configuration that is refused makes the start fail, and the journal says why', async () => {
    const [alpha] = both;
    await type(alpha, "sed --in-place 's/^  link:/  lnik:/' /etc/hawser/hawser.yaml");
    const { code, tail } = await alpha.host.type('systemctl restart hawser-sft');
    expect(code, tail).not.toBe(0);
    const journal = await type(alpha, 'journalctl --unit hawser-sft --output cat');
    expect(journal).toMatch(/hawser\.yaml:\d+.*lnik/);
    await type(alpha, "sed --in-place 's/^  lnik:/  link:/' /etc/hawser/hawser.yaml; systemctl restart hawser-sft");
  });

  test('what a server needs may come later than it is tried for by the usual limits of systemd', async () => {
    const [alpha] = both;
    const dropIn = '/etc/systemd/system/hawser-sft.service.d/late.conf';
    const failing = `[Service]\nExecStart=\nExecStart=/bin/false\nRestartSec=20ms\n`;
    await type(alpha, `install -D --mode 0644 /dev/stdin ${dropIn} <<END\n${failing}END\nsystemctl daemon-reload`);
    await alpha.host.type('systemctl restart hawser-sft');
    const restarts = async () => Number(await type(alpha, 'systemctl show --property NRestarts --value hawser-sft'));
    await until(async () => (await restarts()) > 20, 'it is tried more often', 3 * CHECK_MS);
    await type(alpha, `rm ${dropIn}; systemctl daemon-reload`);
    await until(
      async () => (await alpha.host.type('systemctl is-active hawser-sft')).code === 0,
      'it serves',
      CHECK_MS,
    );
  });

  test('a new version is installed by the commands of the page, and leaves the servers running until they are restarted', async () => {
    const [alpha] = both;
    const blocks = page.filter(({ kind }) => kind === 'upgrade').map(({ text }) => text);
    expect(blocks).toHaveLength(2);
    const servers = () => type(alpha, 'systemctl show --property MainPID hawser-homeserver hawser-sft');
    const version = () => type(alpha, "dpkg-query --status hawser | sed --quiet 's/^Version: //p'");
    const before = { servers: await servers(), version: await version() };
    expect(before.version).toMatch(/\+git\d{8}\.\d{6}\.[0-9a-f]{12}$/);
    await type(alpha, `rm /root/hawser_*.deb; ln --symbolic /srv/packages/newer/*.deb /root`);
    expect(await type(alpha, blocks[0] ?? '')).toContain('systemctl restart hawser-homeserver hawser-sft');
    expect(await version()).toBe(newerThan(before.version));
    expect(await servers()).toBe(before.servers);
    await type(alpha, blocks[1] ?? '');
    expect(await servers()).not.toBe(before.servers);
    expect(await type(alpha, 'hawser --help')).toContain('Start with: hawser config init');
  });

  test('it goes without a trace in systemd, and leaves data and keys', async () => {
    const [, beta] = both;
    expect(await type(beta, 'apt-get remove --yes hawser')).toContain('hawser sft drain --minutes 0');
    expect(await type(beta, 'systemctl list-units --plain --no-legend "hawser-*"')).toBe('');
    expect(await type(beta, 'ls /etc/hawser/keys/homeserver/homeserver.key /var/lib/hawser/peers.yaml')).toContain(
      'peers',
    );
    expect(await type(beta, 'test -d /opt/hawser/cli || echo gone')).toBe('gone');
  });

  test('a purge takes what can be made anew, leaves the rest, and says so', async () => {
    const [, beta] = both;
    expect(await type(beta, 'apt-get purge --yes hawser')).toContain(
      'Kept: /var/lib/hawser with all data, /etc/hawser',
    );
    const kept =
      '/etc/hawser/hawser.yaml /etc/hawser/keys/homeserver/homeserver.key /var/lib/hawser/data/homeserver.sqlite';
    expect((await type(beta, `ls ${kept}`)).split('\n')).toHaveLength(3);
    expect(await type(beta, 'test -e /var/cache/hawser || echo gone')).toBe('gone');
    expect(await type(beta, 'dpkg-query --list hawser 2>&1 || true')).toContain('no packages found');
  });
});
