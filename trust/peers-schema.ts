/** The form of `peers.yaml`. */
import Type, { type Static } from 'typebox';
import { Closed } from '#signalling/contract.ts';
import { DomainName } from '#signalling/ids.ts';

const PEM = 'the path of a PEM file, or the PEM text itself';

const most = (maximum: number, unit: string) =>
  Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum,
      expects: `a whole number of ${unit}, from 0 to ${maximum}; leave it out for the default`,
    }),
  );
const mbit = Type.Optional(
  Type.Number({
    minimum: 0,
    maximum: 100_000,
    expects: 'a number of Mbit/s, from 0 to 100000; leave it out for the default',
  }),
);

/** What a peer may take at the most; what is left out is as `sft.peerLimits` of the site says. */
export const PeerLimits = Closed({
  /** Mbit/s that this SFT sends to the peer. */
  sendMbit: mbit,
  /** Mbit/s that this SFT asks the peer for. */
  receiveMbit: mbit,
  /** Cameras, microphones and screens of the peer, in all conferences. */
  sources: most(100_000, 'sources'),
  /** Conferences shared with the peer. */
  conferences: most(10_000, 'conferences'),
  /** Participants behind the peer, in all conferences. */
  participants: most(100_000, 'participants'),
});
export type PeerLimits = Static<typeof PeerLimits>;

const yes = (what: string) =>
  Type.Boolean({ default: true, expects: `true or false: whether ${what}; true when left out` });

/** What a domain may do here, and our people with it. */
export const PeerScopes = Closed({
  /** Conversations with MLS groups: messages, files, connections. */
  messages: yes('messages are exchanged with it'),
  calls: yes('there are calls with it'),
  /** What its people may ask for: nobody, whom they know the exact handle of, or parts of names. */
  search: Type.Unsafe<'none' | 'exact' | 'full'>({
    type: 'string',
    enum: ['none', 'exact', 'full'],
    default: 'exact',
    expects: 'none, exact or full; exact when left out',
  }),
});
export type PeerScopes = Static<typeof PeerScopes>;

export const ALL_SCOPES: PeerScopes = { messages: true, calls: true, search: 'exact' };

const PeerEntry = Closed({
  domain: Type.Unsafe<DomainName>({
    ...DomainName,
    description: 'which domain it is.',
    expects: 'a DNS name in lower case, such as beta.example',
  }),
  state: Type.Unsafe<'allowed' | 'blocked'>({
    type: 'string',
    enum: ['allowed', 'blocked'],
    description: 'say allowed or blocked.',
    expects: 'allowed or blocked',
  }),
  /** The certificates of the authorities that speak for this domain. A blocked domain may do without. */
  authority: Type.Optional(Type.String({ minLength: 1, maxLength: 65_536, expects: PEM })),
  revocationList: Type.Optional(Type.String({ minLength: 1, maxLength: 1_000_000, expects: PEM })),
  /** Where its federation door is. */
  homeserver: Type.Optional(
    Type.String({ maxLength: 120, expects: 'a host and a port, such as hs.beta.example:8448' }),
  ),
  /** Where its media may come from and go to. Nothing listed: no media. */
  mediaPrefixes: Type.Array(Type.String({ maxLength: 50, expects: 'an address prefix such as 203.0.113.0/24' }), {
    maxItems: 100,
    default: [],
    expects: 'a list of address prefixes, such as [203.0.113.0/24]',
  }),
  /** Where its SFT takes links, and from which ports its trunks come, for the rules of firewalls. */
  linkPort: Type.Optional(Type.Integer({ minimum: 1, maximum: 65_535, expects: 'a port, 1 to 65535' })),
  trunkPorts: Type.Optional(
    Type.String({
      pattern: '^[0-9]{1,5}-[0-9]{1,5}$',
      expects: 'the first and the last UDP port, such as 41000-41199',
    }),
  ),
  limits: Type.Optional(PeerLimits),
  may: PeerScopes,
  /**
   * Where names may lead: to addresses of the open internet, or anywhere, also into the own house. An address that stands in
   * `homeserver` itself was written by the administrator and is good as it is.
   */
  addresses: Type.Unsafe<'public' | 'any'>({
    type: 'string',
    enum: ['public', 'any'],
    default: 'public',
    expects: 'public or any; public when left out',
  }),
});
export type PeerEntry = Static<typeof PeerEntry>;

export const PeersSchema = Type.Array(PeerEntry, {
  maxItems: 10_000,
  expects: 'a list of domains, each beginning with "- domain:"',
});
