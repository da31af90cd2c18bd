/** Where people come in: at the server itself, or at what stands in front of it and hands them on. Pure. */
import { type HostAndPort, hostAndPort } from '#site/address.ts';
import { isLocalHost } from '#site/ip.ts';

export interface Door {
  /** Where the server listens. */
  readonly inner: HostAndPort;
  /** The port that the URL leads to. */
  readonly port: number;
  /**
   * `direct`: the two are one. `proxy`: the server listens for this machine alone, so that a reverse proxy is on it. `ahead`: something
   * in front takes the port of the URL, a reverse proxy here or elsewhere, or a port forward.
   */
  readonly kind: 'direct' | 'proxy' | 'ahead';
}

/** @param listen `host:port` @param url as browsers have it */
export function doorOf(listen: string, url: string): Door {
  const inner = hostAndPort(listen);
  const told = new URL(url);
  const port = portOf(told);
  // A trial on one machine: browsers and servers are on it.
  if (isLocalHost(hostOf(told))) return { inner, port: inner.port, kind: 'direct' };
  if (isLocalHost(inner.host)) return { inner, port, kind: 'proxy' };
  return { inner, port, kind: port === inner.port ? 'direct' : 'ahead' };
}

/** The port of a server that others dial, where something hands another one on to it: a sentence for its rule. */
export function forwarded(listen: string, told: number): string {
  const { port } = hostAndPort(listen);
  return port === told ? '' : ` Others dial port ${told}: what is in front has to hand it on to port ${port}.`;
}

const PORT_OF: Readonly<Record<string, number>> = {
  'smtp:': 587,
  'smtps:': 465,
  'http:': 80,
  'ws:': 80,
  'https:': 443,
  'wss:': 443,
};

/** Of a scheme that is not known, 443. */
export function portOf({ protocol, port }: URL): number {
  return port === '' ? (PORT_OF[protocol] ?? 443) : Number(port);
}

/** Without brackets. */
export function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '');
}
