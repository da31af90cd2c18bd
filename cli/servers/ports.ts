/** The administrator's ports of the two servers of a site. */
import { loadSite } from '#site/load.ts';
import type { Site } from '#site/schema.ts';
import { asProblem } from '../peers/list.ts';
import type { Port } from './ask.ts';

export interface Ports {
  readonly site: Site;
  readonly sft: Port;
  readonly homeserver: Port;
}

/** The files of the site need not be readable: only the addresses are looked at. @throws Problem */
export async function portsOf(config: string): Promise<Ports> {
  const site = await loadSite(config, []).catch(asProblem);
  return {
    site,
    sft: { address: site.sft.admin.listen, what: 'media server', option: 'sft.admin.listen' },
    homeserver: { address: site.homeserver.admin.listen, what: 'homeserver', option: 'homeserver.admin.listen' },
  };
}
