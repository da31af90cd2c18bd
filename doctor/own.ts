/** The own side, before anything is tried: the allow list, the files, the two servers. */
import { checkSite } from '#check/check.ts';
import { lineOf } from '#check/finding.ts';
import type { Machine } from '#check/machine.ts';
import { homeRuleIds } from '#ports/rule-ids.ts';
import { deadline } from '#signalling/deadline.ts';
import { BOTH, type Part } from '#site/part.ts';
import type { Site } from '#site/schema.ts';
import type { Peer } from '#trust/identity.ts';
import { failed, ok, type Step, warning } from './step.ts';

/** What the allow list says of the other domain. Pure. */
export function allowStep(domain: string, peer: Peer | undefined): Step {
  const [step, tried] = ['allowed', `${domain} on your allow list`];
  const trouble = (saw: string, cause: string, todo: string) => failed(step, tried, { saw, cause, todo, who: 'you' });
  const allow = `hawser peers allow ${domain}`;
  if (!peer) return trouble('it is not on it', 'nobody allowed it', `${allow} --authority FILE --media-prefix CIDR`);
  if (peer.state === 'blocked') return trouble('it is blocked', 'somebody blocked it', allow);
  if (!peer.may.calls) return trouble('calls with it are switched off', 'somebody took them back', `${allow} --calls`);
  if (peer.mediaPrefixes.length === 0) {
    return trouble(
      'no media prefix of it',
      'it was left out',
      `${allow} --media-prefix CIDR, where its SFT is. Without it there is neither sound nor picture.`,
    );
  }
  return ok(step, tried, `allowed, media within ${peer.mediaPrefixes.join(', ')}`);
}

const NAMES: Readonly<Record<Part, string>> = { homeserver: 'homeserver', sft: 'SFT' };

/**
 * The files, as far as they concern other domains: what a start would refuse, and what other servers refuse.
 * @param parts that run on this machine
 * @param machine this one when left out
 */
export async function filesStep(config: string, parts: readonly Part[], machine?: Machine): Promise<Step> {
  const [only, ...others] = parts;
  const whose = only === undefined || others.length > 0 ? '' : ` for the ${NAMES[only]}`;
  const [step, tried] = ['files', `${config} and the files that it names${whose}`];
  const findings = await checkSite(config, { parts, ...(machine && { machine }) });
  const shown = findings.filter(({ path }) => /^certificates\.(?:homeserver|sft|authority|revocation)/.test(path));
  const refused = findings.find(({ severity }) => severity === 'error') ?? shown.find(({ code }) => code !== undefined);
  const first = refused ?? shown[0];
  if (!first) return ok(step, tried, 'nothing is wrong that others would see');
  const trouble = {
    saw: lineOf(first).replace(/\.$/, ''),
    cause: 'the file says so',
    todo: first.remedy,
    who: 'you',
  } as const;
  return first === refused ? failed(step, tried, trouble) : warning(step, tried, trouble);
}

const TIMEOUT_MS = 3_000;

/** Whether the servers of this machine run and know each other, by their administrator's ports. */
export async function serversStep(site: Site, parts: readonly Part[]): Promise<Step> {
  const [step, tried] = ['servers', parts.map((part) => `your ${NAMES[part]}`).join(' and ')];
  const down = (part: Part, address: string) =>
    failed(step, tried, {
      saw: `the ${NAMES[part]} does not answer at its administrator's port, ${address}`,
      cause: 'it does not run',
      todo: `Start it: systemctl start hawser-${part}. Where it belongs on another machine, say which runs here: --part ${otherThan(part)}`,
      who: 'you',
    });
  for (const part of parts) {
    const address = site[part].admin.listen;
    const health = await healthOf(address);
    if (!health) return down(part, address);
    if (health.ok !== true) return unwell(step, tried, part);
    const knows = part === 'sft' ? health.homeserver : parts.includes('sft') || health.sft;
    if (knows !== true) return strangers(step, tried, part, site);
  }
  return ok(step, tried, parts.length > 1 ? 'both run and know each other' : 'it runs, and knows the other server');
}

function otherThan(part: Part): Part {
  return BOTH.find((each) => each !== part) ?? part;
}

function unwell(step: string, tried: string, part: Part): Step {
  return failed(step, tried, {
    saw: `the ${NAMES[part]} says that it is not well`,
    cause: 'something that it needs does not answer, such as its database or its disk',
    todo: `Read why in its log: journalctl -u hawser-${part}`,
    who: 'you',
  });
}

function strangers(step: string, tried: string, part: Part, site: Site): Step {
  const [rule] = homeRuleIds(site);
  return failed(step, tried, {
    saw:
      part === 'sft' ? `the SFT is not connected to ${site.sft.homeserver}` : 'no SFT is connected to the homeserver',
    cause: 'the name or port of sft.homeserver is wrong, a firewall is between the two, or a certificate is refused',
    todo: 'Read why in the log of the SFT: journalctl -u hawser-sft',
    who: 'you',
    ...(rule && { rule }),
  });
}

async function healthOf(address: string): Promise<Record<string, unknown> | undefined> {
  const late = new AbortController();
  const callOff = deadline(TIMEOUT_MS, () => late.abort());
  try {
    const response = await fetch(`http://${address}/health`, { signal: late.signal });
    const value: unknown = await response.json();
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  } finally {
    callOff();
  }
}
