/** The configuration of coturn for one TURN host of a site: every option that matters, and why. Pure. */
import { isIPv6 } from 'node:net';
import { isSameIp } from '#site/ip.ts';
import type { Site } from '#site/schema.ts';
import type { TurnOptions } from '#site/turn.ts';
import { DENIED_RANGES } from './denied-ranges.ts';

export type TurnHost = TurnOptions['hosts'][number];

/** One line of `turnserver.conf`. */
export interface Directive {
  readonly option: string;
  /** Undefined for an option that is a switch. */
  readonly value?: string;
  readonly reason: string;
}

/** Most allocations of one device at once: two transports, each over UDP and TLS, and as many again while it comes back. */
export const USER_QUOTA = 12;

/** Bytes a second in one direction of one allocation: three layers of a camera and a screen, or what a viewer of 25 gets, with room. */
const MAX_BYTES_PER_SECOND = 2_500_000;

/** @param host one of `site.turn.hosts` */
export function coturnDirectives(site: Site, turn: TurnOptions, host: TurnHost): readonly Directive[] {
  return [
    ...addresses(host),
    ...doors(turn),
    ...credentials(site, turn),
    ...peers(site),
    ...limits(turn),
    ...SILENCE,
    ...(isIPv6(host.listenIp)
      ? [{ option: 'keep-address-family', reason: 'Clients of IPv6 get relays of IPv6.' }]
      : []),
  ];
}

function addresses({ listenIp, announcedIp }: TurnHost): readonly Directive[] {
  const isTranslated = announcedIp !== undefined && !isSameIp(announcedIp, listenIp);
  return [
    { option: 'listening-ip', value: listenIp, reason: 'Takes clients at this address only.' },
    { option: 'relay-ip', value: listenIp, reason: 'Relays from this address only.' },
    ...(isTranslated
      ? [{ option: 'external-ip', value: `${announcedIp}/${listenIp}`, reason: 'What others see of that address.' }]
      : []),
  ];
}

function doors(turn: TurnOptions): readonly Directive[] {
  return [
    { option: 'listening-port', value: String(turn.port), reason: 'TURN over UDP.' },
    {
      option: 'tls-listening-port',
      value: String(turn.tlsPort),
      reason: 'TURN over TLS on TCP, for networks that let nothing else out.',
    },
    {
      option: 'cert',
      value: turn.certificate,
      reason: 'Browsers check it: a public authority, and the name of this host.',
    },
    { option: 'pkey', value: turn.key, reason: 'Its key. Readable to the user of coturn and nobody else.' },
    { option: 'no-tlsv1', reason: 'Broken (RFC 8996).' },
    { option: 'no-tlsv1_1', reason: 'Broken (RFC 8996).' },
    { option: 'no-dtls', reason: 'No browser uses it, and it would answer larger than it is asked.' },
    { option: 'no-tcp', reason: 'TURN over TCP without TLS shows who talks; TLS does what it does.' },
  ];
}

function credentials({ domain }: Site, { database }: TurnOptions): readonly Directive[] {
  return [
    { option: 'realm', value: domain, reason: 'Stands in every credential.' },
    {
      option: 'use-auth-secret',
      reason: 'The homeserver makes a credential for each device and hour; there are no accounts here.',
    },
    {
      option: 'userdb',
      value: database,
      reason:
        'The secrets are in there, not in this file: hawser turn secrets writes them, and they are in effect at once.',
    },
    { option: 'no-auth-pings', reason: 'Nothing has to be kept awake in a local database.' },
    { option: 'no-dynamic-ip-list', reason: 'Allowed and denied addresses stand here only, and nowhere else.' },
    { option: 'no-dynamic-realms', reason: 'There is one realm.' },
    {
      option: 'stale-nonce',
      value: '600',
      reason: 'A nonce that was heard is good for ten minutes (RFC 8656, section 5).',
    },
    { option: 'fingerprint', reason: 'Tells TURN from other packets (RFC 8489, section 14.7).' },
  ];
}

/** To whom is relayed. */
function peers({ sft: { media } }: Site): readonly Directive[] {
  return [
    {
      option: 'allowed-peer-ip',
      value: media.announcedIp ?? media.listenIp,
      reason: 'The media of the SFT, and nothing else. It holds also where a range below has it.',
    },
    ...DENIED_RANGES.map(({ from, to, reason }) => ({ option: 'denied-peer-ip', value: `${from}-${to}`, reason })),
    { option: 'no-multicast-peers', reason: 'Multicast again, as coturn itself knows it.' },
    { option: 'no-tcp-relay', reason: 'Media is UDP: nobody opens TCP connections through here.' },
  ];
}

function limits({ ports: { from, to } }: TurnOptions): readonly Directive[] {
  const relays = to - from + 1;
  return [
    { option: 'min-port', value: String(from), reason: 'A small range, so that a firewall can know it.' },
    { option: 'max-port', value: String(to), reason: `Room for ${relays} allocations.` },
    { option: 'user-quota', value: String(USER_QUOTA), reason: 'Allocations of one device at once.' },
    { option: 'total-quota', value: String(relays), reason: 'Never more than there are ports.' },
    {
      option: 'max-bps',
      value: String(MAX_BYTES_PER_SECOND),
      reason: '20 Mbit/s for one allocation and direction; a call takes less.',
    },
  ];
}

/** What strangers learn: as little as can be. */
const SILENCE: readonly Directive[] = [
  { option: 'secure-stun', reason: 'Answers nothing to strangers but a refusal.' },
  {
    option: 'no-rfc5780',
    reason: 'Nobody needs to learn what a NAT does; those answers are larger than the questions.',
  },
  { option: 'no-stun-backward-compatibility', reason: 'Nobody speaks the protocol of 2003.' },
  { option: 'response-origin-only-with-rfc5780', reason: 'Smaller answers.' },
  { option: 'no-software-attribute', reason: 'Smaller answers, and no version for whoever looks for an old one.' },
  { option: 'no-cli', reason: 'No console on the network.' },
  { option: 'syslog', reason: 'The log goes where the machine keeps its logs; without verbose it names no client.' },
];

/** @returns the file, one directive a line with its reason above */
export function coturnFile(site: Site, host: TurnHost, directives: readonly Directive[]): string {
  return [
    `# TURN for ${site.domain} on ${host.name}: /etc/turnserver.conf of coturn.`,
    '# Made by `hawser turn render`. Change hawser.yaml and make it again; `hawser turn check` finds what differs.',
    '',
    ...directives.flatMap((directive) => [`# ${directive.reason}`, lineOf(directive)]),
    '',
  ].join('\n');
}

export function lineOf({ option, value }: Directive): string {
  return value === undefined ? option : `${option}=${value}`;
}
