/** Reads `host:port` as options write it. */

export interface HostAndPort {
  /** Without brackets. */
  readonly host: string;
  readonly port: number;
}

/** `0.0.0.0:8443`, `[::1]:8443`, `hs.alpha.example:8448`; undefined where it is none of these. */
export function parseHostAndPort(text: string): HostAndPort | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9.-]+)):([0-9]{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  return host !== undefined && port >= 1 && port <= 65_535 ? { host, port } : undefined;
}

/** The same for a text that a schema has already checked. */
export function hostAndPort(text: string): HostAndPort {
  const parsed = parseHostAndPort(text);
  if (parsed === undefined) throw new RangeError('not an address and a port');
  return parsed;
}
