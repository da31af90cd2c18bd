/** For tests: where organisations of the demo are, on ports that no other test is given. */
import { freePorts } from '#site/testing-ports.ts';
import { type Places, placesFrom, SERVERS, TRUNKS, WORKERS } from './places.ts';

export async function testPlaces<Name extends string>(...names: Name[]): Promise<Record<Name, Places>> {
  const places: Partial<Record<Name, Places>> = {};
  for (const name of names) {
    const [http = 0] = await freePorts(SERVERS + WORKERS + TRUNKS);
    const [media, trunk] = [http + SERVERS, http + SERVERS + WORKERS];
    places[name] = placesFrom(http, media, { from: trunk, to: trunk + TRUNKS - 1 });
  }
  return places as Record<Name, Places>;
}
