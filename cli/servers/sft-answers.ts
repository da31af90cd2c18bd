/** What the commands read of the answers of a media server; there may be more in them. */
import Type, { type Static } from 'typebox';
import { ConferenceId, DomainName, ParticipantId, SourceId } from '#signalling/ids.ts';

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
