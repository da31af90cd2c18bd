/**
 * Requests of TURN without a credential are answered, to whoever they say they come from. coturn 4.6 limits that by nothing, so firewalls
 * that can look into a packet do. Requests are told by the first two bytes (RFC 8489, section 5): two bits that are 0, and a class of 0.
 * What is sent by a relay is no request.
 */
export const STUN = {
  /** Of one address, or of one network of IPv6 (/64), each second and at once. Whoever is in a call sends some in minutes. */
  each: { rate: 50, burst: 500 },
  /** Of all together: some hundred devices that begin each second. About 2 Mbit/s of refusals go out at the most. */
  all: { rate: 2_000, burst: 2_000 },
  /** How many of them are counted one by one; some 15 MB of the kernel's memory. */
  sources: 65_536,
  /** Until one that is silent is forgotten, and its place free. */
  seconds: 60,
} as const;
