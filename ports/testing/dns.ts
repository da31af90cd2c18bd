/** For tests: the real dnsmasq on a host of a test's network, which knows the names of its sites and nothing else. */
import { once } from 'node:events';
import { ensureDebianPackages } from '#cli/setup/debian.ts';
import { findProgram } from '#cli/setup/program.ts';
import { until } from '#signalling/testing.ts';
import type { TestHost, TestNetwork } from './network.ts';

export interface Zone {
  /** Name to address. */
  readonly addresses: Readonly<Record<string, string>>;
  /** `_service._tcp.domain` to a name and its port. */
  readonly services?: Readonly<Record<string, { readonly name: string; readonly port: number }>>;
}

export interface TestDns {
  close(): Promise<void>;
}

/** Resolves when it answers; what it does not know does not exist. */
export async function startDns(
  network: TestNetwork,
  where: TestHost,
  { addresses, services = {} }: Zone,
): Promise<TestDns> {
  await ensureDebianPackages(['dnsmasq-base'], 'for names in networks of tests');
  const program = (await findProgram('dnsmasq')) ?? '/usr/sbin/dnsmasq';
  const flags = [
    ...['--keep-in-foreground', '--no-resolv', '--no-hosts', '--conf-file=/dev/null', '--pid-file', '--user=root'],
    ...[`--listen-address=${where.ip}`, '--bind-interfaces', '--local=/#/'],
    ...Object.entries(addresses).map(([name, ip]) => `--host-record=${name},${ip}`),
    ...Object.entries(services).map(([service, { name, port }]) => `--srv-host=${service},${name},${port}`),
  ];
  const child = network.start(where, program, flags, { stdio: ['ignore', 'ignore', 'pipe'] });
  child.stderr?.resume();
  await until(
    async () => {
      if (child.exitCode !== null) throw new Error('dnsmasq ended');
      return (await network.run(where, 'ss', ['-Hlun'])).includes(`${where.ip}:53 `);
    },
    'dnsmasq to listen',
    30_000,
  );
  return {
    async close() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    },
  };
}
