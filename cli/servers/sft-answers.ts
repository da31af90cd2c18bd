/** What the commands read of the answers of a media server; there may be more in them. */
import Type, { type Static } from 'typebox';
import { ConferenceId, DomainName, ParticipantId, SourceId } from '#signalling/ids.ts';
import { ProcessFigures } from '#site/process-figures.ts';

const Kind = Type.String({ maxLength: 20 });

export const SftConference = Type.Object({
  conference: ConferenceId,
  anchor: DomainName,
  /** ms since 1970 */
  since: Type.Number(),
  roster: Type.Array(
    Type.Object({
      participant: ParticipantId,
      domain: DomainName,
      hand: Type.Boolean(),
      sources: Type.Array(
        Type.Object({ source: SourceId, kind: Kind, layers: Type.Array(Type.Number()), muted: Type.Boolean() }),
      ),
    }),
  ),
  /** The layers that are sent now of pictures of this SFT's own people. */
  publishing: Type.Array(Type.Object({ source: SourceId, layers: Type.Array(Type.Number()) })),
});
export type SftConference = Static<typeof SftConference>;

export const SftConferences = Type.Object({ conferences: Type.Array(SftConference) });

/** What `hawser top` reads of the state. */
export const SftFigures = Type.Object({
  homeserver: Type.Boolean(),
  /** ms since 1970, while it drains */
  drainsUntil: Type.Optional(Type.Number()),
  process: ProcessFigures,
  conferences: Type.Array(SftConference),
  links: Type.Array(
    Type.Object({
      peer: DomainName,
      rttMs: Type.Optional(Type.Number()),
      silentForMs: Type.Number(),
      trunks: Type.Array(
        Type.Object({
          /** bytes */
          sent: Type.Number(),
          received: Type.Number(),
          streams: Type.Array(Type.Object({ packets: Type.Number(), lost: Type.Number() })),
        }),
      ),
    }),
  ),
  peers: Type.Array(
    Type.Object({
      peer: DomainName,
      shed: Type.Array(Type.Object({})),
      refused: Type.Optional(Type.Object({ code: Type.String({ maxLength: 60 }) })),
    }),
  ),
  workers: Type.Array(Type.Object({ worker: Type.Integer(), cpuMs: Type.Number() })),
});
export type SftFigures = Static<typeof SftFigures>;

export const SftPaths = Type.Object({
  paths: Type.Array(
    Type.Object({
      participant: ParticipantId,
      protocol: Type.Optional(Kind),
      inMbit: Type.Number(),
      outMbit: Type.Number(),
      lossIn: Type.Optional(Type.Number()),
      lossOut: Type.Optional(Type.Number()),
      rttMs: Type.Optional(Type.Number()),
    }),
  ),
});
export type Path = Static<typeof SftPaths>['paths'][number];
