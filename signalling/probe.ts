/**
 * What two SFTs say to each other to find out why media does not come through: a connection of its own at the link's door, asked
 * for by an administrator. Nothing of it is needed for calls.
 */
import Type, { type Static } from 'typebox';
import { Closed, type Contract, Nothing } from './contract.ts';
import type { ErrorCode } from './errors.ts';
import { DomainName } from './ids.ts';

export const PROBE_PATH = '/probe/v1';

/** Sizes of the datagrams that are tried, bytes of UDP payload: RTCP, sound, and pictures up to what SRTP sends at the most. */
export const PROBE_SIZES = [64, 512, 1_200, 1_400] as const;
/** Most ports of one side in one volley. */
export const MAX_PROBE_PORTS = 256;
/** Most volleys of one probe: each has half of the ports that are free, so that a few are enough for all of them. */
export const MOST_VOLLEYS = 8;
/** Most that a synthetic trunk sends in one direction, kbit/s, and for how long, ms. */
export const MAX_STREAM_KBPS = 4_000;
export const MAX_STREAM_MS = 2_000;

const Port = Type.Integer({ minimum: 1, maximum: 65_535 });
const Ip = Type.String({ minLength: 2, maxLength: 45, pattern: '^[0-9a-fA-F:.]+$' });
const Ports = Type.Array(Port, { maxItems: MAX_PROBE_PORTS, uniqueItems: true });
const Version = Type.Integer({ minimum: 1, maximum: 1_000 });
const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const Range = Closed({ from: Port, to: Port });
/** What the system said of a connection: `ETIMEDOUT`. */
const Errno = Type.String({ pattern: '^[A-Z][A-Z0-9_]{0,39}$' });
const Code = Type.String({ pattern: '^[A-Z][A-Z0-9_]{0,59}$' });

/** What one side says of itself. */
export const ProbeSide = Closed({
  domain: DomainName,
  /** An administrator's terminal shows it, and obeys control characters. */
  software: Type.String({ maxLength: 80, pattern: '^[ -~]*$' }),
  links: Closed({ min: Version, max: Version }),
  /** ms since 1970 */
  now: Count,
  trunk: Closed({ ip: Ip, ports: Range }),
});
export type ProbeSide = Static<typeof ProbeSide>;

/** What came on one pair of ports, in one direction: which sizes, as a set of bits in the order of `PROBE_SIZES`. */
export const ProbePair = Closed({
  pair: Type.Integer({ minimum: 0, maximum: MAX_PROBE_PORTS - 1 }),
  sizes: Type.Integer({ minimum: 0, maximum: 2 ** PROBE_SIZES.length - 1 }),
});
export type ProbePair = Static<typeof ProbePair>;

export const ProbeSeen = Closed({
  pairs: Type.Array(ProbePair, { maxItems: MAX_PROBE_PORTS }),
  /** Of the synthetic trunk. */
  packets: Count,
  bytes: Count,
  /** From where datagrams came that were sent from other addresses or ports than was said: something translates them. */
  translated: Type.Optional(Closed({ said: Closed({ ip: Ip, port: Port }), seen: Closed({ ip: Ip, port: Port }) })),
});
export type ProbeSeen = Static<typeof ProbeSeen>;

export const SFT_PROBE = {
  protocol: 'hawser-probe-v1',
  maxLength: { dialler: 64 * 1024, acceptor: 64 * 1024 },
  requests: {
    hello: {
      from: 'dialler',
      params: ProbeSide,
      /** `approved`: whether the dialler's trunk address lies in the prefixes that the acceptor's administrator approved. */
      result: Closed({ ...ProbeSide.properties, approved: Type.Boolean(), calls: Type.Boolean() }),
    },
    /** The acceptor dials the dialler's link door, anew, and says what came of it. */
    back: {
      from: 'dialler',
      params: Closed({ link: Type.String({ maxLength: 300, pattern: '^wss://[!-~]+$' }) }),
      result: Closed({ code: Type.Optional(Code), errno: Type.Optional(Errno) }),
    },
    /** Takes ports for a volley. `key`: 32 bytes, base64; the head of every datagram is signed with it, so that nobody else is answered. */
    open: {
      from: 'dialler',
      params: Closed({
        ip: Ip,
        ports: Type.Array(Port, { minItems: 1, maxItems: MAX_PROBE_PORTS, uniqueItems: true }),
        key: Type.String({ pattern: '^[A-Za-z0-9+/]{43}=$' }),
      }),
      /** `busy`: ports of the range that calls use now. */
      result: Closed({ ports: Ports, busy: Ports }),
    },
    /** The acceptor sends every size on every pair, and answers when it has; `unsent` is what its own system did not let out. */
    volley: { from: 'dialler', params: Nothing, result: Closed({ unsent: Count }) },
    /** The acceptor sends a synthetic trunk on the first pair, and answers when it has. */
    stream: {
      from: 'dialler',
      params: Closed({
        kbps: Type.Integer({ minimum: 1, maximum: MAX_STREAM_KBPS }),
        ms: Type.Integer({ minimum: 1, maximum: MAX_STREAM_MS }),
      }),
      result: Closed({ packets: Count, bytes: Count }),
    },
    seen: { from: 'dialler', params: Nothing, result: ProbeSeen },
    /** Gives the ports back. */
    close: { from: 'dialler', params: Nothing, result: Nothing },
  },
  notifications: {},
} as const satisfies Contract;

/** What came of one direction of the media path, as the administrator's port of an SFT tells it. */
export interface PathReport {
  /** Pairs of ports that were tried, and of those on which nothing came at all. */
  readonly tried: number;
  /** Datagrams that the sender's own system did not let out. */
  readonly unsent: number;
  readonly silent: readonly { readonly from: number; readonly to: number }[];
  /** Sizes of which nothing came on any pair, although smaller ones did. */
  readonly lostSizes: readonly number[];
  readonly stream: { readonly sentPackets: number; readonly packets: number; readonly kbps: number };
  /** What the receiving side saw in place of what the sending side said. */
  readonly translated: ProbeSeen['translated'];
}

/** Trunk ports of one side that were not tried. */
export interface PortsLeft {
  /** Calls use them. */
  readonly busy: readonly number[];
  /** Another program holds them. The other side does not say so: of it, those that did not come when all others did. */
  readonly taken: readonly number[];
  /** Their turn did not come: an examination has an end. */
  readonly late: readonly number[];
}

export interface ProbeReport {
  readonly far: ProbeSide & { readonly approved: boolean; readonly calls: boolean };
  /** Clock of the other side minus ours, ms, as exact as half a round trip. */
  readonly clockMs: number;
  /** Whether the other SFT could dial ours, or why not. */
  readonly back: 'reached' | 'unknown' | { readonly code: string; readonly errno: string | undefined };
  /** Absent where no ports could be had on both sides. */
  readonly path?: {
    readonly out: PathReport;
    readonly in: PathReport;
    /** Median of the round trips on the trunk ports, ms; undefined where none came back. */
    readonly rttMs: number | undefined;
  };
  /** Absent where none were to be tried, because the other side does not approve our address. */
  readonly left?: { readonly own: PortsLeft; readonly far: PortsLeft };
  /** With which code it broke off; what had been seen by then is in the report. Absent where it came to its end. */
  readonly ended?: ErrorCode;
}
