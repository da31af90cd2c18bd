/** `hawser peers status`: how a running homeserver fares with other domains. */
import { setTimeout as wait } from 'node:timers/promises';
import { Check } from 'typebox/value';
import { type PeerReport, PeerReports } from '#signalling/administration.ts';
import { type DomainName, parseDomainName } from '#signalling/ids.ts';
import { loadSite } from '#site/load.ts';
import { isRefused } from './accounts/office.ts';
import { columns } from './certs/columns.ts';
import { command } from './command.ts';
import { Problem, UsageError } from './errors.ts';
import { configFlag, jsonFlag } from './flags.ts';
import { asProblem, readPeers } from './peers/list.ts';
import { detailsOf, HEAD, rowOf } from './peers/rows.ts';

const WATCH_MS = 2_000;
export const ANSWER_MS = 15_000;
/** Clears the screen and goes to its first line (ECMA-48: ED, CUP). */
const CLEAR = '\u001b[2J\u001b[H';

export const peersStatus = command({
  name: 'peers status',
  summary: 'Say how it fares with each other domain',
  usage: '[DOMAIN]',
  words: { min: 0, max: 1 },
  about: [
    'Asks the running homeserver. Where none runs, only what the allow list says is there to be told.',
    'Messages, calls and refusals are those of the last hour, counted since the homeserver started. - is what is not known.',
    'A domain that is refused and not on the list has knocked at the door: nobody has allowed it.',
  ],
  flags: {
    watch: { type: 'boolean', summary: 'Again every two seconds, until Ctrl-C' },
    config: configFlag('The configuration, which names the homeserver and the list'),
    json: jsonFlag,
  },
  async run({ flags, args: [name], out, err, signal }) {
    const only = name === undefined ? undefined : parseDomainName(name);
    if (name !== undefined && only === undefined)
      throw new UsageError(`'${name}' is not a DNS name such as beta.example.`);
    const site = await loadSite(flags.config, []).catch(asProblem);
    const once = async () => {
      const reports = await askReports(`http://${site.homeserver.admin.listen}`, site.domain, signal);
      if (flags.watch && !flags.json) out(CLEAR);
      if (reports) tell(reports, only, flags.json, out);
      else await tellList(site.peers, only, flags.json, out, err);
    };
    await once();
    while (flags.watch && !signal.aborted) {
      await wait(WATCH_MS, undefined, { signal }).catch(() => undefined);
      if (!signal.aborted) await once();
    }
    return 0;
  },
});

/** Undefined where no homeserver runs. */
export async function askReports(
  admin: string,
  domain: DomainName,
  signal: AbortSignal,
): Promise<PeerReports | undefined> {
  const answer: unknown = await fetch(`${admin}/admin/v1/peers`, {
    signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]),
  })
    .then((response) => response.json())
    .catch((error: unknown) => {
      if (isRefused(error)) return undefined;
      throw new Problem(`${admin} does not answer as a homeserver does. Correct homeserver.admin.listen.`);
    });
  if (answer === undefined) return undefined;
  if (!Check(PeerReports, answer)) {
    throw new Problem(`${admin} answers what this hawser does not understand. Is the homeserver of another version?`);
  }
  if (answer.domain !== domain) {
    throw new Problem(`At ${admin} answers ${answer.domain}, not ${domain}. Correct homeserver.admin.listen.`);
  }
  return answer;
}

type Out = (line: string) => void;

function tell({ peers, ...rest }: PeerReports, only: DomainName | undefined, json: boolean, out: Out): void {
  const shown = peers.filter(({ domain }) => only === undefined || domain === only);
  if (only !== undefined && shown.length === 0) throw notThere(only);
  if (json) return out(JSON.stringify({ ...rest, peers: shown }));
  if (shown.length === 0) return out('No other domain is on the list, and none has knocked.');
  for (const line of columns([HEAD, ...shown.map((peer) => rowOf(peer, rest.at))])) out(line);
  const [peer] = shown;
  if (only !== undefined && peer) for (const line of detailsOf(peer)) out(line);
}

/** What the list says, where nobody is there who knows more. */
async function tellList(path: string, only: DomainName | undefined, json: boolean, out: Out, err: Out): Promise<void> {
  const now = Date.now();
  const peers = [...(await readPeers(path)).values()]
    .filter(({ domain }) => only === undefined || domain === only)
    .map(({ domain, state, limits, may, mediaPrefixes, authority }): PeerReport => {
      const isLimited = state === 'allowed' && Object.keys(limits).length > 0;
      return {
        ...{ domain, listed: true, state: isLimited ? 'limited' : state, limits },
        ...{ mediaPrefixes: [...mediaPrefixes], may },
        authorities: (authority?.certificates ?? []).map(({ fingerprint256: fingerprint, validToDate }) => ({
          ...{ fingerprint, endsAt: validToDate.getTime() },
        })),
        waiting: { count: 0 },
        lastHour: { messagesIn: 0, messagesOut: 0, calls: 0, refusals: [] },
      };
    });
  if (only !== undefined && peers.length === 0) throw notThere(only);
  if (json) return out(JSON.stringify({ running: false, peers }));
  err('The homeserver is not running. This is what the allow list says:');
  if (peers.length === 0) return out('Nobody is on it.');
  for (const line of columns([HEAD, ...peers.map((peer) => rowOf(peer, now))].map((row) => row.slice(0, 4)))) out(line);
}

function notThere(domain: DomainName): Problem {
  return new Problem(`${domain} is not on the list and has not knocked. hawser peers allow ${domain} puts it there.`);
}
