/** The first `hawser.yaml` of an organisation that has both servers on one host: what has to be said, and no more. */
import { isIPv6 } from 'node:net';
import type { DomainName } from '#signalling/ids.ts';

export interface FirstSite {
  readonly domain: DomainName;
  /** The name under which browsers and other organisations reach the host. */
  readonly host: string;
  /** The address to which that name leads. */
  readonly address: string;
  /** That of the machine itself, another one behind address translation only. */
  readonly listenIp: string;
  readonly workers: number;
  /** Folder of what the servers write: database, files, allow list. From the folder of the file, where it is not absolute. */
  readonly state: string;
}

/** Where its files are, from the folder of `hawser.yaml`: keys of the two servers in folders of their own. */
export const FIRST_FILES = {
  certificates: 'certificates',
  homeserverKeys: 'keys/homeserver',
  sftKeys: 'keys/sft',
  browsers: 'browsers',
} as const;

export const FIRST_PORTS = { federation: 8448, signalling: 8543, link: 8548 } as const;

/** @returns YAML, with a comment on what somebody may want to change */
export function firstSite({ domain, host, address, listenIp, workers, state }: FirstSite): string {
  const every = isIPv6(listenIp) ? '"[::]:' : '"0.0.0.0:';
  const { certificates, homeserverKeys, sftKeys, browsers } = FIRST_FILES;
  const { federation, signalling, link } = FIRST_PORTS;
  const ips = `listenIp: ${text(listenIp)}, announcedIp: ${text(address)}`;
  return `# ${domain}. hawser config check says what is wrong here; docs/reference/hawser.yaml shows all there is.
# Paths count from the folder of this file.

# Part of every address of your people, such as @alice@${domain}. It cannot change later.
domain: ${text(domain)}
data: ${text(`${state}data`)}
# The allow list, which hawser peers writes: nobody is allowed until you say so.
peers: ${text(`${state}peers.yaml`)}

# Who you are towards other organisations. hawser certs init makes all of them.
certificates:
  authority: ${certificates}/authority.pem
  revocationList: ${certificates}/revoked.pem
  homeserver: { certificate: ${certificates}/homeserver.pem, key: ${homeserverKeys}/homeserver.key }
  sft: { certificate: ${certificates}/sft.pem, key: ${sftKeys}/sft.key }
  tickets: { privateKey: ${homeserverKeys}/tickets.key, publicKey: ${certificates}/tickets.pem }
  devices:
    root: ${certificates}/devices-root.pem
    revocationList: ${certificates}/devices-root-revoked.pem
    certificate: ${certificates}/devices.pem
    key: ${homeserverKeys}/devices.key

homeserver:
  # The page, and what browsers and programs ask.
  client:
    listen: ${every}443"
    url: https://${host}
    tls: { certificate: ${browsers}/fullchain.pem, key: ${browsers}/privkey.pem }
  # Other organisations.
  federation:
    listen: ${every}${federation}"
    address: ${host}:${federation}

sft:
  # Signalling of calls, for browsers.
  client:
    listen: ${every}${signalling}"
    url: wss://${host}:${signalling}/client/v1
    tls: { certificate: ${browsers}/fullchain.pem, key: ${browsers}/privkey.pem }
    origins: [ "https://${host}" ]
  # SFTs of other organisations.
  link:
    listen: ${every}${link}"
    url: wss://${host}:${link}/link/v1
  homeserver: wss://127.0.0.1:${federation}/sft/v1
  # Sound and pictures of your people; one port a worker, one worker a core.
  media: { workers: ${workers}, ${ips} }
  # Sound and pictures from and to other organisations.
  trunk: { ${ips} }
`;
}

/** As a string of YAML, whatever is in it: JSON is YAML (YAML 1.2.2, section 1.2). */
function text(value: string): string {
  return /^[a-z/][\w./-]*$/.test(value) ? value : JSON.stringify(value);
}
