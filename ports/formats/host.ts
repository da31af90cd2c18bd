/** What the machine itself needs of a firewall that lets in nothing but by a rule: its administrators, and its own address. */

/** Who may come to the SSH server of the machine. */
export interface Ssh {
  /** At least one. */
  readonly ports: readonly number[];
  /** CIDR prefixes of either family. */
  readonly from: readonly string[] | 'anyone';
}

export interface FirewallOptions {
  /** Also what goes out is limited to the rules. */
  readonly isStrict: boolean;
  readonly ssh: Ssh;
}

/** As the comment of the rule, in firewalls that keep one. */
export function sshComment({ from }: Ssh): string {
  return from === 'anyone' ? 'ssh-in: --ssh-from narrows it to where administrators are' : 'ssh-in';
}

/** The prefixes of one family; undefined for everybody. */
export function sshSources({ from }: Ssh, family: 'ip' | 'ip6'): readonly string[] | undefined {
  return from === 'anyone' ? undefined : from.filter((each) => each.includes(':') === (family === 'ip6'));
}

/**
 * Ports of DHCPv6 (RFC 8415, section 7.2). A machine asks at an address of a group, and servers and relays answer from one of the link, so that
 * no firewall takes the answer for one. Without it the machine loses its IPv6 address when the lease ends.
 */
export const DHCPV6 = { client: 546, server: 547, servers: 'ff02::1:2', link: 'fe80::/10' } as const;
