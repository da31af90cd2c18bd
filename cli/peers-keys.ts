/** `hawser peers accept-keys`: an administrator confirms keys with which a domain came back. */
import { parseDomainName } from '#signalling/ids.ts';
import { loadSite } from '#site/load.ts';
import { command } from './command.ts';
import { Problem, UsageError } from './errors.ts';
import { configFlag, jsonFlag } from './flags.ts';
import { asProblem } from './peers/list.ts';
import { ANSWER_MS, askReports } from './peers-status.ts';

export const peersAcceptKeys = command({
  name: 'peers accept-keys',
  summary: 'Confirm the keys with which a domain came back',
  usage: 'DOMAIN',
  words: { min: 1, max: 1 },
  about: [
    'The keys that speak for the devices of a domain are learned from it the first time. Where it comes back with others that nobody',
    'here has seen, they wait, and the old ones stay in use. hawser peers status DOMAIN shows the fingerprints of those that wait.',
    'Compare them with the administrator of the domain by telephone before. The homeserver must be running.',
  ],
  flags: {
    config: configFlag('The configuration, which names the homeserver'),
    json: jsonFlag,
  },
  async run({ flags, args: [name = ''], out, signal }) {
    const domain = parseDomainName(name);
    if (domain === undefined) throw new UsageError(`'${name}' is not a DNS name such as beta.example.`);
    const site = await loadSite(flags.config, []).catch(asProblem);
    const admin = `http://${site.homeserver.admin.listen}`;
    const reports = await askReports(admin, site.domain, signal);
    if (!reports) throw new Problem('The homeserver is not running. Start it first.');
    const fingerprints = reports.peers.find((each) => each.domain === domain)?.waitingKeys;
    if (!fingerprints) throw new Problem(`No keys of ${domain} wait. hawser peers status says how it fares.`);
    const response = await fetch(`${admin}/admin/v1/peers/${domain}/accept-keys`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ fingerprints }),
      signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]),
    }).catch((error: unknown) => {
      throw new Problem('The homeserver stopped answering. Look at its log, and try again.', { cause: error });
    });
    if (response.status === 404) throw new Problem(`${domain} came with other keys just now. Look at them again.`);
    if (!response.ok) throw new Problem(`The homeserver answered with status ${response.status}. Look at its log.`);
    if (flags.json) out(JSON.stringify({ domain, fingerprints }));
    else {
      for (const fingerprint of fingerprints) out(`Confirmed: ${fingerprint}`);
      out(`The devices of ${domain} are judged by these keys from now on.`);
    }
    return 0;
  },
});
