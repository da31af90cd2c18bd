/**
 * For tests: hosts with addresses of their own on one machine. Each is a network namespace with one cable to a router, which is a
 * namespace too; nothing of it is connected to the machine's own network, so that any address may be used.
 */
import { type ChildProcess, execFile, type SpawnOptions, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { isIPv6 } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ensureDebianPackages } from '#cli/setup/debian.ts';

const run = promisify(execFile);

/** By which every host reaches the router, whatever its own address is. */
const ROUTER = { ipv4: '169.254.1.1', ipv6: 'fe80::1' };
/** At which servers of tests listen, of those that the system else gives to outgoing connections. */
const SERVER_PORTS = '40000-41999';
/** Files that `ip netns exec` lays over those of the machine. */
const ETC = '/etc/netns';

export interface TestHost {
  readonly name: string;
  /** Of the namespace: `ip netns exec NAMESPACE …`. */
  readonly namespace: string;
  readonly ip: string;
}

export interface HostOptions {
  /** Further addresses. */
  readonly also?: readonly string[];
  /** IP address of the DNS server that its programs ask; none is reached where it is left out. */
  readonly dns?: string;
}

export class TestNetwork implements AsyncDisposable {
  readonly #id = randomBytes(3).toString('hex');
  readonly #hosts = new Map<string, TestHost>();
  readonly #children = new Set<ChildProcess>();

  /** @throws Error where this machine gives no namespaces */
  static async create(): Promise<TestNetwork> {
    await ensureDebianPackages(['iproute2', 'nftables', 'procps'], 'for networks of tests');
    const network = new TestNetwork();
    await network.#ip([`netns add ${network.router}`, `-n ${network.router} link set lo up`].join('\n'));
    await network.run(network.router, 'sysctl', ['-qw', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1']);
    return network;
  }

  /** The namespace through which everything goes: where a network between two hosts is broken. */
  get router(): string {
    return `hw${this.#id}r`;
  }

  get hosts(): readonly TestHost[] {
    return [...this.#hosts.values()];
  }

  /** The router's end of a host's cable. */
  cableOf({ name }: TestHost): string {
    return `v${this.#id}${[...this.#hosts.keys()].indexOf(name)}`;
  }

  /** @param name of up to ten letters, digits and hyphens */
  async addHost(name: string, ip: string, { also = [], dns = '127.0.0.1' }: HostOptions = {}): Promise<TestHost> {
    const host = { name, ip, namespace: `hw${this.#id}-${name}` };
    this.#hosts.set(name, host);
    const cable = this.cableOf(host);
    const addresses = [ip, ...also];
    const { namespace } = host;
    await mkdir(join(ETC, namespace), { recursive: true });
    await writeFile(join(ETC, namespace, 'resolv.conf'), `nameserver ${dns}\noptions timeout:1 attempts:5\n`);
    await writeFile(join(ETC, namespace, 'hosts'), '127.0.0.1 localhost\n');
    await this.#ip(
      [
        `netns add ${namespace}`,
        `link add ${cable} netns ${this.router} type veth peer name eth0 netns ${namespace}`,
        `netns exec ${namespace} sysctl -qw net.ipv4.ip_local_reserved_ports=${SERVER_PORTS}`,
        `-n ${namespace} link set lo up`,
        `-n ${namespace} link set eth0 up`,
        `-n ${this.router} link set ${cable} up`,
        `-n ${this.router} addr add ${ROUTER.ipv4}/32 dev ${cable}`,
        `-n ${this.router} addr add ${ROUTER.ipv6}/64 dev ${cable} nodad`,
        ...addresses.map((each) =>
          isIPv6(each)
            ? `-n ${namespace} addr add ${each}/128 dev eth0 nodad`
            : `-n ${namespace} addr add ${each}/32 dev eth0`,
        ),
        `-n ${namespace} route add ${ROUTER.ipv4} dev eth0 scope link`,
        `-n ${namespace} route add default via ${ROUTER.ipv4} dev eth0 src ${ip}`,
        ...(also.some(isIPv6) ? [`-n ${namespace} route add default via ${ROUTER.ipv6} dev eth0`] : []),
        ...addresses.map((each) => `-n ${this.router} route add ${each} dev ${cable}`),
      ].join('\n'),
    );
    return host;
  }

  /** Runs a program on a host to its end. @returns its standard output @throws Error where it fails */
  async run(where: TestHost | string, file: string, args: readonly string[], input?: string): Promise<string> {
    const namespace = typeof where === 'string' ? where : where.namespace;
    const running = run('ip', ['netns', 'exec', namespace, file, ...args], { maxBuffer: 2 ** 24 });
    if (input !== undefined) running.child.stdin?.end(input);
    return (await running).stdout;
  }

  /** Starts a program on a host. It is ended with the network, if it was not before. */
  start({ namespace }: TestHost, file: string, args: readonly string[], options: SpawnOptions = {}): ChildProcess {
    const child = spawn('ip', ['netns', 'exec', namespace, file, ...args], options);
    this.#children.add(child);
    child.once('exit', () => this.#children.delete(child));
    return child;
  }

  /** Gives a host its own copy of a folder of this machine's /etc. */
  async ownConfiguration({ namespace }: TestHost, name: string): Promise<void> {
    await cp(join('/etc', name), join(ETC, namespace, name), { recursive: true });
  }

  /** Puts rules of nftables into effect, in place of those that were there. */
  async firewall(where: TestHost | string, rules: string): Promise<void> {
    await this.run(where, 'nft', ['-f', '-'], `flush ruleset\n${rules}\n`);
  }

  async close(): Promise<void> {
    const gone = [...this.#children].map((child) => new Promise((resolve) => child.once('exit', resolve)));
    for (const child of this.#children) child.kill('SIGKILL');
    await Promise.all(gone);
    for (const namespace of [...this.hosts.map((host) => host.namespace), this.router]) {
      await run('ip', ['netns', 'del', namespace]).catch(() => undefined);
      await rm(join(ETC, namespace), { recursive: true, force: true });
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #ip(batch: string): Promise<void> {
    // `-batch` does not know `-n`, and one process a line is slow: a shell does it.
    const script = batch
      .split('\n')
      .map((line) => `ip ${line}`)
      .join(' && ');
    await run('sh', ['-c', script]);
  }
}
