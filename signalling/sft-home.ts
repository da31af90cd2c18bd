/**
 * SFT to the homeserver of its own domain, versions 1 and 2. The SFT dials with its certificate. It learns pseudonyms only; the
 * homeserver learns from it who is present, which is the single truth about who joined and who left.
 */
import Type, { type Static } from 'typebox';
import { Closed, type Contract, Sequence } from './contract.ts';
import { ConferenceId, DomainName, ParticipantId } from './ids.ts';
import { Permission } from './ticket.ts';

export const SFT_HOME_PATH = '/sft/v1';

const MAX_DOMAINS = 100;
const PermissionList = Type.Array(Permission, { maxItems: 3, uniqueItems: true });

export const Allowed = Closed({
  conference: ConferenceId,
  /** A higher one replaces a lower one. */
  seq: Sequence,
  domains: Type.Array(
    Closed({ domain: DomainName, domains: Type.Array(DomainName, { maxItems: MAX_DOMAINS, uniqueItems: true }) }),
    { maxItems: MAX_DOMAINS },
  ),
});
export type Allowed = Static<typeof Allowed>;

/** What participants may send, whole: those who are named, and everybody else. */
export const Permissions = Closed({
  conference: ConferenceId,
  unnamed: PermissionList,
  named: Type.Array(Closed({ participant: ParticipantId, may: PermissionList }), { maxItems: 2_000 }),
});
export type Permissions = Static<typeof Permissions>;

/** Knows no `draining`, which would end the connection. */
export const SFT_HOME_V1 = 'hawser-sft-home-v1';

export const SFT_HOME = {
  protocol: 'hawser-sft-home-v2',
  earlier: [SFT_HOME_V1],
  maxLength: { dialler: 128 * 1024, acceptor: 1024 * 1024 },
  requests: {
    hello: {
      from: 'dialler',
      params: Closed({ software: Type.String({ maxLength: 80 }) }),
      result: Closed({ domain: DomainName }),
    },
    /** The grant that lets this SFT join a conference of another domain, and where that domain's SFT takes links. */
    grant: {
      from: 'dialler',
      params: Closed({ conference: ConferenceId }),
      result: Closed({
        grant: Type.String({ maxLength: 4_096 }),
        anchor: DomainName,
        /** `wss://host:port/link/v1`; the certificate must name `sft.<anchor>` whatever the host. */
        link: Type.String({ maxLength: 300, pattern: '^wss://' }),
      }),
    },
  },
  notifications: {
    /** Everybody of the SFT's own domain who is in the conference now; an empty list: the SFT has dropped it. */
    presence: {
      from: 'dialler',
      params: Closed({
        conference: ConferenceId,
        seq: Sequence,
        participants: Type.Array(ParticipantId, { maxItems: 1_000 }),
      }),
    },
    /** From version 2 on. It takes no new conferences any more, and ends at that time at the latest, ms since 1970. Said anew on each connection. */
    draining: { from: 'dialler', params: Closed({ until: Type.Integer({ minimum: 0 }) }) },
    /**
     * Which other domains may be in a conference that this SFT anchors, each with those whose people it may hear and be heard
     * by. Said at the start, with each change, and anew on each connection: grants that were given before say no more then.
     * A domain that is missing may no longer be in it.
     */
    allowed: { from: 'acceptor', params: Allowed },
    /**
     * Of a call in which those who moderate it have decided something: from then on this counts, and no ticket. Said with each change, and
     * anew on each connection.
     */
    permissions: { from: 'acceptor', params: Permissions },
    /** The microphones of these are to be muted now; they may switch them on again as far as they may speak. */
    mute: {
      from: 'acceptor',
      params: Closed({
        conference: ConferenceId,
        participants: Type.Array(ParticipantId, { maxItems: 1_000 }),
      }),
    },
    /** The call was ended for everybody. */
    endConference: { from: 'acceptor', params: Closed({ conference: ConferenceId }) },
    removeParticipant: { from: 'acceptor', params: Closed({ conference: ConferenceId, participant: ParticipantId }) },
  },
} as const satisfies Contract;
