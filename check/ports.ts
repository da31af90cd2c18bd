/** Ports and buffers, held against what the kernel of this machine does with them. */
import { parseHostAndPort } from '#site/address.ts';
import { text } from '#site/yaml.ts';
import { allowedOf, type Facts, isUsed } from './facts.ts';
import { type Option, type Remark, warn } from './finding.ts';
import type { Range } from './machine.ts';
import { isTurnHere } from './turn.ts';

export function checkPorts(facts: Facts): readonly Remark[] {
  return [...checkTrunks(facts), ...checkOutgoing(facts), ...checkLow(facts), ...checkBuffers(facts)];
}

/** Each pair of an own and a far worker takes a port, and a second one while its trunk is renewed. */
function checkTrunks(facts: Facts): readonly Remark[] {
  const { options } = facts.site;
  const workers = workersOf(facts);
  const range = rangeOf(options.number('sft.trunk.ports.from'), options.number('sft.trunk.ports.to'));
  const to = options.number('sft.trunk.ports.to');
  if (!range || !to || !isUsed(to, facts) || range.to < range.from) return [];
  const ports = range.to - range.from + 1;
  const peers = allowedOf(facts.peers).length;
  // Of the other side nobody knows how many workers it has: as many as here.
  const needed = 2 * workers * workers * Math.max(1, peers);
  if (ports >= needed) return [];
  const whom = peers > 1 ? `${peers} domains with as many` : 'a domain with as many';
  const reason = `${ports} ports are fewer than ${workers} workers here and ${whom} can take, ${needed} with those for renewal; calls beyond them get no trunk.`;
  const last = range.from + needed - 1;
  const remedy =
    last <= 65_535
      ? `Let the range end at ${last} or above, and open it in the firewall.`
      : 'Begin the range lower, or set sft.media.workers to fewer.';
  return [warn(to, reason, remedy)];
}

function workersOf({ site, machine }: Facts): number {
  return site.options.number('sft.media.workers')?.value ?? machine.workers;
}

function rangeOf(from: Option<number> | undefined, to: Option<number> | undefined): Range | undefined {
  return from && to && { from: from.value, to: to.value };
}

/** Where the kernel gives such a port to a connection of another program, a worker does not start or a trunk fails. */
function checkOutgoing(facts: Facts): readonly Remark[] {
  const { options } = facts.site;
  const { outgoing, reserved } = facts.machine;
  const workers = workersOf(facts);
  const port = options.number('sft.media.port');
  const from = options.number('sft.trunk.ports.from');
  const relays = isTurnHere(facts) ? options.number('turn.ports.from') : undefined;
  const used = [
    { option: port, range: port && { from: port.value, to: port.value + workers - 1 } },
    { option: from, range: rangeOf(from, options.number('sft.trunk.ports.to')) },
    { option: relays, range: rangeOf(relays, options.number('turn.ports.to')) },
  ];
  const all = merged([...reserved, ...used.flatMap(({ range }) => (range && range.from <= range.to ? range : []))]);
  const list = all.map(({ from, to }) => (from === to ? from : `${from}-${to}`)).join(',');
  return used.flatMap(({ option, range }) => {
    if (!option || !range || !outgoing || !isUsed(option, facts)) return [];
    const meets = range.from <= outgoing.to && outgoing.from <= range.to;
    if (!meets || merged(reserved).some((kept) => kept.from <= range.from && range.to <= kept.to)) return [];
    const reason = `ports ${range.from} to ${range.to} lie in ${outgoing.from} to ${outgoing.to}, which this machine gives to outgoing connections: one of them may be gone when it is needed.`;
    return [warn(option, reason, `Keep them free${lasting(`net.ipv4.ip_local_reserved_ports = ${list}`)}`)];
  });
}

/** In their order, each port once. */
function merged(ranges: readonly Range[]): readonly Range[] {
  const all: Range[] = [];
  for (const { from, to } of ranges.toSorted((a, b) => a.from - b.from)) {
    const last = all.at(-1);
    if (last && from <= last.to + 1) all[all.length - 1] = { from: last.from, to: Math.max(last.to, to) };
    else all.push({ from, to });
  }
  return all;
}

/** How a value of the kernel is changed for good, and without that others lose theirs. */
function lasting(...lines: readonly string[]): string {
  const what = lines.length === 1 ? 'the line' : 'the lines';
  return `: write ${what} ${lines.join(' and ')} into /etc/sysctl.d/60-hawser.conf, and run as root: sysctl --system`;
}

function checkLow(facts: Facts): readonly Remark[] {
  const { firstFreePort } = facts.machine;
  if (firstFreePort === undefined) return [];
  return facts.site.options.all.flatMap((leaf) => {
    if (text(leaf.schema, 'kind') !== 'listen' || !isUsed(leaf, facts)) return [];
    const port = parseHostAndPort(String(leaf.value))?.port;
    if (port === undefined || port >= firstFreePort) return [];
    const reason = `ports below ${firstFreePort} need a right that this user does not have.`;
    return [
      warn(
        leaf,
        reason,
        'Give the server CAP_NET_BIND_SERVICE (AmbientCapabilities of systemd), or take a higher port.',
      ),
    ];
  });
}

/** docs/guides/ports.md: media sockets ask for so much. */
const BUFFER = 4 * 1024 * 1024;

function checkBuffers(facts: Facts): readonly Remark[] {
  const { receiveBuffer } = facts.machine;
  const port = facts.site.options.number('sft.media.port');
  if (receiveBuffer === undefined || receiveBuffer >= BUFFER || !port || !isUsed(port, facts)) return [];
  const reason = `this machine grants receive buffers of ${receiveBuffer} bytes, and media sockets ask for ${BUFFER}: packets are lost in bursts, from some 50 Mbit/s on.`;
  const allow = lasting('net.core.rmem_max = 8388608', 'net.core.wmem_max = 8388608');
  return [warn(port, reason, `Allow more${allow}`)];
}
