/** What browsers are told of the TURN servers of their domain. */
import type { TurnOptions } from '#site/turn.ts';

/** URLs for an `RTCIceServer` (RFC 7065): UDP first, since it costs less; TLS for where nothing else gets out. */
export function relayUrls({ hosts, port, tlsPort }: TurnOptions): readonly string[] {
  return hosts.flatMap(({ name }) => [`turn:${name}:${port}?transport=udp`, `turns:${name}:${tlsPort}?transport=tcp`]);
}
