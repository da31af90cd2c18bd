/** What the commands read of the answers of a homeserver that is not in `#signalling/administration.ts`. */
import Type, { type Static } from 'typebox';
import { DomainName } from '#signalling/ids.ts';
import { ProcessFigures } from '#site/process-figures.ts';

export const HomeserverFigures = Type.Object({
  domain: DomainName,
  sft: Type.Boolean(),
  process: ProcessFigures,
  calls: Type.Integer(),
  eventConnections: Type.Integer(),
});
export type HomeserverFigures = Static<typeof HomeserverFigures>;
