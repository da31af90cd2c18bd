/**
 * docs/guides/install.md, typed as it stands into two fresh Debians by two administrators at once, up to a call between two browsers. What
 * the page cannot say is said by whoever stands between the two: values of the variables, and the file that each sends the other.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openBrowser } from '#cli/demo/browser.ts';
import { seen, seesOther } from '#cli/demo/check.ts';
import { converse, joinCall, leaveCall, openConversation, signInAt, startCall } from '#cli/demo/page.ts';
import { ensureDebianHost } from '#cli/setup/debian-host.ts';
import { repository } from '#cli/setup/packages.ts';
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
  network = stack.use(await makeNetwork());
  const prepared = [prepare(root, file, 'alpha', 'beta'), prepare(root, file, 'beta', 'alpha')] as const;
  // Where one does not come up, the other one is not to be left behind.
  await Promise.allSettled(prepared);
  both = await Promise.all(prepared);
}, 180_000);

afterAll(() => stack.disposeAsync());

type Name = 'alpha' | 'beta';

async function prepare(root: string, file: string, name: Name, peer: Name): Promise<Organisation> {
  const { namespace, address } = network[name];
  const files = { [file]: `/root/${basename(file)}` };
  const host = stack.use(await DebianHost.boot({ root, namespace, files }));
  const values = {
    ...{ DOMAIN: `${name}.example`, HOST: hostName(name), ADDRESS: address },
    ...{ PEER: `${peer}.example`, PEER_HOST: hostName(peer), PEER_ADDRESS: network[peer].address },
  };
  const [{ text = '' } = {}] = page.filter(({ kind }) => kind === 'variables');
  return { domain: values.DOMAIN, hostName: values.HOST, host, variables: withValues(text, values), printed: [] };
}

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

/** Calls may go on for half an hour, while systemd by itself has little patience. */
const LET_CALLS_END = `
sed --in-place 's/^  homeserver: wss/  drainMinutes: 30\\n&/' /etc/hawser/hawser.yaml
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

/** Every certificate of both, with the commands of the page, while the servers run; resolves when every door shows the new one. */
async function renewAll(): Promise<void> {
  const blocks = page.filter(
    ({ step, text }) => (step === 4 && text.startsWith('cd ')) || (step === 5 && text.includes('-x509 ')),
  );
  expect(blocks.map(({ kind }) => kind)).toEqual(['run', 'trial']);
  // Where servers are served, the connection ends without a certificate on this side; what is shown before is enough.
  const shown = (organisation: Organisation) =>
    Promise.all(
      DOORS.map((port) =>
        type(
          organisation,
          `(openssl s_client -connect "$ADDRESS:${port}" || true) 2>&1 < /dev/null | openssl x509 -noout -serial`,
        ),
      ),
    );
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

  test('a new version leaves the servers running until they are restarted, and says so', async () => {
    const [alpha] = both;
    const servers = () => type(alpha, 'systemctl show --property MainPID hawser-homeserver hawser-sft');
    const before = await servers();
    expect(await type(alpha, 'apt-get install --yes --reinstall /root/hawser_*.deb')).toContain(
      'systemctl restart hawser-homeserver hawser-sft',
    );
    expect(await servers()).toBe(before);
    await type(alpha, 'systemctl restart hawser-homeserver hawser-sft');
    expect(await servers()).not.toBe(before);
  });

  test('it goes without a trace in systemd, and leaves data and keys', async () => {
    const [, beta] = both;
    await type(beta, 'apt-get remove --yes hawser');
    expect(await type(beta, 'systemctl list-units --plain --no-legend "hawser-*"')).toBe('');
    expect(await type(beta, 'ls /etc/hawser/keys/homeserver/homeserver.key /var/lib/hawser/peers.yaml')).toContain(
      'peers',
    );
    expect(await type(beta, 'test -d /opt/hawser/cli || echo gone')).toBe('gone');
  });
});
