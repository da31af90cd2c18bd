/** Everything that is wrong, or may be, with a site: what a start refuses, and what it only warns of. */
import { resolve } from 'node:path';
import { SiteError } from '#site/mistakes.ts';
import { BOTH, type Part } from '#site/part.ts';
import { checkAddresses } from './addresses.ts';
import { checkAllowList } from './allow-list.ts';
import { checkBrowsers } from './browsers.ts';
import { checkCertificates } from './certificates.ts';
import { checkContents } from './contents.ts';
import { checkDevices } from './devices.ts';
import { checkDoors } from './doors.ts';
import { checkDrain } from './drain.ts';
import type { Facts, Written } from './facts.ts';
import { type Finding, inOrder, type Option, type Remark, refuse, remarkOf, WHOLE_FILE } from './finding.ts';
import { type Gathered, gather } from './gather.ts';
import { type Machine, thisMachine } from './machine.ts';
import { checkPorts } from './ports.ts';
import { checkProxies } from './proxies.ts';
import { rehearse } from './rehearsal.ts';
import { checkSecrets } from './secrets.ts';
import { checkTickets } from './tickets.ts';
import { checkTurn } from './turn.ts';
import { checkTurnCertificate, unseenOfTurn } from './turn-certificate.ts';

type Check = (facts: Facts) => readonly Remark[];

const OF_SITE: readonly Check[] = [
  checkAddresses,
  checkDoors,
  checkPorts,
  checkDrain,
  checkProxies,
  checkSecrets,
  checkContents,
  checkCertificates,
  checkDevices,
  checkTickets,
  checkBrowsers,
  checkTurn,
  checkTurnCertificate,
];
const OF_PEERS: readonly Check[] = [checkAllowList];

export interface CheckOptions {
  /** The servers that run on this machine; both when left out. */
  readonly parts?: readonly Part[];
  readonly machine?: Machine;
  /** ms since 1970 */
  readonly now?: number;
}

export interface Inspection {
  readonly findings: readonly Finding[];
  /** What could not be looked at from here, in sentences. */
  readonly unseen: readonly string[];
}

/** Never throws because of what stands in the files. */
export async function checkSite(path: string, options: CheckOptions = {}): Promise<readonly Finding[]> {
  return (await inspectSite(path, options)).findings;
}

/** The same, with what stayed out of sight. */
export async function inspectSite(path: string, options: CheckOptions = {}): Promise<Inspection> {
  const { parts = BOTH, now = Date.now() } = options;
  const machine = options.machine ?? (await thisMachine());
  try {
    const gathered = await gather(path, parts, machine, now);
    const findings = judge(gathered);
    const unseen = unseenOfTurn(gathered.facts);
    if (!gathered.site || findings.some(({ severity }) => severity === 'error')) return { findings, unseen };
    // Nothing passes here with which a server does not start, whether a judgement has a word for it or not.
    const refused = unsaid(await rehearse(gathered.site, parts), gathered.facts.site);
    return { findings: [...refused, ...findings], unseen };
  } catch (error) {
    if (!(error instanceof SiteError)) throw error;
    const remedy = 'Name the file with --config, and let this user read it.';
    const findings = error.mistakes.map((mistake) => ({ file: path, ...remarkOf({ remedy, ...mistake }) }));
    return { findings, unseen: [] };
  }
}

function judge({ facts, ofSite, ofPeers }: Gathered): readonly Finding[] {
  const site = [...ofSite.map(remarkOf), ...OF_SITE.flatMap((check) => check(facts))];
  const peers = [...ofPeers.map(remarkOf), ...OF_PEERS.flatMap((check) => check(facts))];
  const of = (file: string, remarks: readonly Remark[]) => inOrder(remarks.map((remark) => ({ file, ...remark })));
  return [...of(facts.site.path, site), ...of(facts.peers.path, peers)];
}

/** What the readers of the servers refuse. The same file may be in the place of two options. */
function unsaid(refusals: readonly SiteError[], { path: file, folder, options }: Written): readonly Finding[] {
  return [...new Map(refusals.map(({ path, mistakes }) => [path, mistakes]))].flatMap(([path, mistakes]) => {
    const named = options.all.filter(({ value }) => resolve(folder, String(value)) === path);
    const remedy = 'Put a file there that a server can start with.';
    return (named.length > 0 ? named : [WHOLE_FILE]).flatMap((option: Option) =>
      mistakes.map(({ message }) => ({ file, ...refuse(option, message, remedy) })),
    );
  });
}
