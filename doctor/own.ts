/** The own side, before anything is tried: the allow list, the files, the two servers. */
import { checkSite } from '#check/check.ts';
import { lineOf } from '#check/finding.ts';
import { homeRuleIds } from '#ports/rule-ids.ts';
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

/** The files, as far as they concern other domains: what a start would refuse, and certificates that others refuse. */
export async function filesStep(config: string): Promise<Step> {
  const [step, tried] = ['files', `${config} and the files that it names`];
  const findings = await checkSite(config);
  const seen = findings.filter(({ path }) => /^certificates\.(?:homeserver|sft|authority|revocation)/.test(path));
  const refused =
    findings.find(({ severity }) => severity === 'error') ?? seen.find(({ reason }) => /refused/.test(reason));
  const first = refused ?? seen[0];
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

/** Whether both servers run and know each other, by their administrator's ports. */
export async function serversStep(site: Site): Promise<Step> {
  const [step, tried] = ['servers', 'your homeserver and your SFT'];
  const home = await healthOf(site.homeserver.admin.listen);
  const sft = await healthOf(site.sft.admin.listen);
  const down = (what: string, unit: string, option: string) =>
    failed(step, tried, {
      saw: `the ${what} does not answer at its administrator's port, ${option}`,
      cause: 'it does not run, or runs on another machine',
      todo: `Start it: systemctl start ${unit}. Where it runs elsewhere, call the doctor there.`,
      who: 'you',
    });
  if (!home) return down('homeserver', 'hawser-homeserver', site.homeserver.admin.listen);
  if (!sft) return down('SFT', 'hawser-sft', site.sft.admin.listen);
  if (sft.homeserver !== true) {
    const [rule] = homeRuleIds(site);
    return failed(step, tried, {
      saw: `the SFT is not connected to ${site.sft.homeserver}`,
      cause: 'the name or port of sft.homeserver is wrong, a firewall is between the two, or a certificate is refused',
      todo: 'Read why in the log of the SFT: journalctl -u hawser-sft',
      who: 'you',
      ...(rule && { rule }),
    });
  }
  return ok(step, tried, 'both run and know each other');
}

async function healthOf(address: string): Promise<Record<string, unknown> | undefined> {
  try {
    const response = await fetch(`http://${address}/health`, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    const value: unknown = await response.json();
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
