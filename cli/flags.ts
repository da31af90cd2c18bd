/** Flags that many commands have. */
import { existsSync } from 'node:fs';
import { type DomainName, parseDomainName } from '#signalling/ids.ts';
import { canBeDomain } from '#trust/name.ts';
import { Problem, UsageError } from './errors.ts';

export const SITE_HERE = 'hawser.yaml';
/** Where the Debian package's units and the guides have it. */
export const SITE_OF_HOST = '/etc/hawser/hawser.yaml';

/** @param summary what of the configuration the command needs */
export const configFlag = (summary: string) =>
  ({
    type: 'string',
    value: 'FILE',
    fallback: { words: `${SITE_HERE} in this folder, else ${SITE_OF_HOST}`, find: () => siteFile(existsSync) },
    summary,
  }) as const;

/** The site where none is named. @throws Problem where there is none in either place */
export function siteFile(isThere: (path: string) => boolean): string {
  const found = [SITE_HERE, SITE_OF_HOST].find(isThere);
  if (found !== undefined) return found;
  throw new Problem(
    `There is no ${SITE_HERE} in this folder, and no ${SITE_OF_HOST} that you may see. Name the site with --config FILE, or write a first one: hawser config init.`,
  );
}

export const jsonFlag = { type: 'boolean', summary: 'One JSON object in place of the text' } as const;

/** The value of --domain, of an organisation that is to be. */
export function newDomain(text: string): DomainName {
  const domain = parseDomainName(text);
  if (domain === undefined) throw new UsageError(`'${text}' is not a DNS name such as alpha.example.`);
  if (!canBeDomain(domain)) throw new UsageError('A domain cannot begin with sft., the name of an SFT.');
  return domain;
}
