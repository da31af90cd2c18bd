/**
 * `window.hawser`: a debugging aid, also used by the end-to-end tests. It shows what the page knows about its call and what failed, and
 * offers nothing that the page itself could not do.
 */
import type { BrowserCall, BrowserConference } from '#client/call.ts';
import type { TimingsReport } from '#client/conference/timings.ts';
import type { DomainName, ParticipantId } from '#signalling/ids.ts';
import type { SourceKind } from '#signalling/media-profile.ts';
import type { GuestSession } from '../guest/guest-session.ts';
import type { PageSession } from './session.ts';

/** One incoming source. Counters run since its begin. */
export interface TileStats {
  readonly participant: ParticipantId;
  readonly domain: DomainName;
  readonly name?: string;
  readonly kind: SourceKind;
  readonly via: readonly DomainName[];
  /** The rendition that the figures of the picture are of. */
  readonly consumer: string;
  readonly framesDecoded: number;
  readonly width: number;
  readonly height: number;
  /** As the W3C's `totalAudioEnergy`. */
  readonly audioEnergy: number;
  readonly packets: number;
  readonly packetsLost: number;
  readonly bytes: number;
  readonly jitterMs: number;
  readonly freezes: number;
  readonly framesDropped: number;
}

export interface HawserHooks {
  /** The call on the screen, or the last one. */
  readonly conference: BrowserConference | undefined;
  readonly timings: TimingsReport | undefined;
  /** How the media is encrypted: the epoch that is sent with, as digits, and what came and was not shown. */
  readonly encryption: { readonly epoch?: string; readonly refused: Readonly<Record<string, number>> } | undefined;
  stats(): Promise<readonly TileStats[]>;
  /** Codes of what failed in the background. */
  readonly faults: readonly string[];
}

declare global {
  interface Window {
    hawser?: HawserHooks;
  }
}

export function installHooks(session: PageSession | GuestSession): void {
  let call: BrowserCall | undefined;
  const look = () => {
    const { state } = session.store;
    if (state.screen === 'call') call = state.call;
  };
  session.store.subscribe(look);
  window.hawser = {
    get conference() {
      return call?.conference;
    },
    get encryption() {
      if (!call) return undefined;
      const { epoch, refused } = call.encryption.state;
      return { ...(epoch !== undefined && { epoch: `${epoch}` }), refused };
    },
    get timings() {
      return call?.conference.timings.report;
    },
    get faults() {
      return session.faults;
    },
    stats: async () => (call ? statsOf(call.conference) : []),
  };
}

async function statsOf(conference: BrowserConference): Promise<readonly TileStats[]> {
  const { state } = conference;
  if (state.phase !== 'joined') return [];
  const people = new Map(state.participants.map((each) => [each.participant, each]));
  return (await conference.counters()).flatMap(({ participant, kind, via, counters }) => {
    const person = people.get(participant);
    if (!person) return [];
    const { framesDecoded = 0, width = 0, height = 0, audioEnergy = 0, freezes = 0, framesDropped = 0 } = counters;
    const { consumer, packets, packetsLost, bytes, jitterMs } = counters;
    return [
      {
        participant,
        domain: person.domain,
        ...(person.person && { name: person.person.name }),
        kind,
        via,
        consumer,
        framesDecoded,
        width,
        height,
        audioEnergy,
        packets,
        packetsLost,
        bytes,
        jitterMs,
        freezes,
        framesDropped,
      },
    ];
  });
}
