/** A file of /etc/sysctl.d: what the kernel of the machine has to leave to the servers. */
import { type Machine, type PortRange, rangeText } from '../rule.ts';
import { type KnownSite, mediaPorts } from '../rules.ts';

/** docs/guides/ports.md: media sockets ask for 4 MB, which the kernel counts twice. */
const BUFFER = 8 * 1024 * 1024;

export function sysctl(site: KnownSite, machines: readonly Machine[]): string {
  const kept = keptPorts(site, machines);
  return [
    ...(kept.length > 0
      ? [
          '# Not for outgoing connections, which would be given them otherwise. Ports that other programs of this machine keep go behind them.',
          `net.ipv4.ip_local_reserved_ports = ${kept.map((range) => rangeText(range)).join(',')}`,
        ]
      : []),
    ...(machines.includes('sft')
      ? [
          '# Room for bursts of media.',
          // A container may not set these; the dash makes that no fault (sysctl.d(5)).
          `-net.core.rmem_max = ${BUFFER}`,
          `-net.core.wmem_max = ${BUFFER}`,
        ]
      : []),
  ].join('\n');
}

/** Wherever the kernel takes ports of outgoing connections from: that may be set otherwise tomorrow. */
function keptPorts({ sft, turn }: KnownSite, machines: readonly Machine[]): readonly PortRange[] {
  return [
    ...(machines.includes('sft') ? [mediaPorts(sft), sft.trunk.ports] : []),
    ...(machines.includes('turn') && turn ? [turn.ports] : []),
  ];
}
