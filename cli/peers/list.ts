/** The allow list of a site, with problems as the commands tell them. */
import { loadSite } from '#site/load.ts';
import { SiteError } from '#site/mistakes.ts';
import type { Site } from '#site/schema.ts';
import * as file from '#trust/peers-file.ts';
import { Problem } from '../errors.ts';

/** Where the site keeps its list. The files of the site need not be there: the list may be edited on another machine. */
export async function listPath(config: string): Promise<string> {
  return (await siteAt(config)).peers;
}

export function siteAt(config: string): Promise<Site> {
  return loadSite(config, []).catch(asProblem);
}

export const readPeers = (path: string) => file.readPeers(path).catch(asProblem);

export const changePeers = (path: string, edit: (text: string) => string) =>
  file.changePeers(path, edit).catch(asProblem);

export function asProblem(error: unknown): never {
  const isTold = error instanceof SiteError || error instanceof file.PeersFileError;
  throw isTold ? new Problem(error.message, { cause: error }) : error;
}
