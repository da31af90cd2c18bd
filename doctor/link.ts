/** From the own SFT to that of another domain, and back: the own SFT dials, is dialled back, and tries the ways of media. */

import type { DomainName } from '#signalling/ids.ts';
import type { ProbeReport } from '#signalling/probe.ts';
import { LINK_VERSIONS } from '#signalling/sft-link.ts';
import type { Site } from '#site/schema.ts';
import type { Peer } from '#trust/identity.ts';
import { withinPrefixes } from '#trust/prefixes.ts';
import { clockStep, type Kept } from './clock.ts';
import { closedDoor } from './doors.ts';
import { mediaSteps } from './media.ts';
import { failed, type Note, ok, type Step, skipped, type Trouble, type Who } from './step.ts';
import { outcomeOf } from './tcp.ts';
import { untrusted } from './trust-words.ts';

export interface LinkOptions {
  readonly site: Site;
  readonly peer: Peer;
  /** `wss://sft.beta.example:8548/link/v1`, as its homeserver said, or an administrator. */
  readonly link: string;
  readonly isShunned: boolean;
  readonly kept: Kept;
}

export async function linkSteps({ site, peer, link, isShunned, kept }: LinkOptions, note: Note): Promise<void> {
  const { domain } = peer;
  if (!URL.canParse(link)) {
    note(failed('link', `the SFT of ${domain}, from yours`, nowhere(link, domain)));
    return;
  }
  const { host } = new URL(link);
  const tried = `the SFT of ${domain} at ${host}, from yours`;
  const probed = await askProbe(site.sft.admin.listen, domain, link);
  if ('code' in probed) {
    note(failed('link', tried, linkTrouble(probed, { address: host, domain, own: site.domain, isShunned })));
    return;
  }
  const { far, back, clockMs } = probed;
  note(ok('link', tried, `both are who they say, ${far.software}`));
  note(versionStep(far.links, domain));
  note(clockStep({ step: 'link-clock', whose: 'the two SFTs', domain, difference: clockMs, kept }));
  note(linkBackStep(back, domain, site));
  note(prefixStep(probed, peer, site));
  for (const step of mediaSteps(probed, { own: site.domain, peer: domain })) note(step);
}

function nowhere(link: string, domain: string): Trouble {
  return {
    saw: `its homeserver says that it is at ${link}, which leads nowhere`,
    cause: `sft.link.url of ${domain} is wrong`,
    todo: 'Correct sft.link.url there.',
    who: 'them',
  };
}

export interface ProbeRefusal {
  /** `SILENT`: the own SFT did not answer. */
  readonly code: string;
  readonly errno?: string | undefined;
}

/** An examination takes twenty seconds at most. */
const PROBE_TIMEOUT_MS = 30_000;

async function askProbe(admin: string, peer: DomainName, link: string): Promise<ProbeReport | ProbeRefusal> {
  try {
    const response = await fetch(`http://${admin}/probe`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ peer, link }),
      signal: AbortSignal.timeout(PROBE_TIMEOUT_MS),
    });
    // The own SFT, of this version: it says what its own schema says.
    return (await response.json()) as ProbeReport | ProbeRefusal;
  } catch {
    return { code: 'SILENT' };
  }
}

export interface Dialled {
  readonly address: string;
  readonly domain: string;
  readonly own: string;
  readonly isShunned: boolean;
}

/** Codes of a connection that did not come about. */
const UNREACHED: ReadonlySet<string> = new Set(['SIG_UNREACHABLE', 'SIG_TIMEOUT', 'SIG_CLOSED']);

/** Why the own SFT got no examination out of the other one. Pure. */
export function linkTrouble({ code, errno }: ProbeRefusal, { address, domain, own, isShunned }: Dialled): Trouble {
  const what = `the SFT of ${domain}`;
  const judged = untrusted(code, { what, owner: 'them', domain, judge: own, role: 'sft', isShunned });
  if (judged) return judged;
  const trouble = (saw: string, cause: string, todo: string, who: Who): Trouble => ({ saw, cause, todo, who });
  switch (code) {
    case 'SILENT':
      return trouble(
        'your own SFT did not say what it found',
        'it is overloaded, or was ended meanwhile',
        'Read its log: journalctl -u hawser-sft',
        'you',
      );
    case 'SIG_BUSY':
      return trouble(
        'another examination goes on there',
        'both sides examine at once',
        'Try again in half a minute.',
        'you',
      );
    case 'SIG_UNSUPPORTED_VERSION':
      return trouble('it does not know this examination', 'its software is older', 'Update it.', 'them');
  }
  if (errno === 'ENOTFOUND' || errno === 'EAI_AGAIN') {
    return trouble(
      `the name of ${address} has no address`,
      'sft.link.url names a host that DNS does not know',
      'Correct sft.link.url there, or set the name in DNS.',
      'them',
    );
  }
  if (!UNREACHED.has(code)) {
    return trouble(
      `the examination was refused (${code})`,
      'one of the two SFTs has done enough of them for now, is about to end, or has a fault',
      'Try again in some minutes; if it lasts, read the logs of both SFTs at that moment.',
      'both',
    );
  }
  return closedDoor(code === 'SIG_TIMEOUT' ? { is: 'silent' } : outcomeOf(errno), {
    ...{ address, what, owner: 'them', dialler: own },
    ...{ inRule: `link-in:${own}`, outRule: `link-out:${domain}` },
    start: 'Start it, or correct sft.link.listen and sft.link.url there.',
  });
}

/** Pure. */
export function versionStep(far: { readonly min: number; readonly max: number }, domain: string): Step {
  const [step, tried] = ['versions', 'versions of the link'];
  const { min, max } = LINK_VERSIONS;
  if (far.min <= max && far.max >= min)
    return ok(step, tried, `${domain} speaks ${far.min} to ${far.max}, you ${min} to ${max}`);
  const older = far.max < min ? 'them' : 'you';
  return failed(step, tried, {
    saw: `${domain} speaks ${far.min} to ${far.max}, you ${min} to ${max}`,
    cause: 'one side is too old for the other',
    todo: 'Update the older one.',
    who: older,
  });
}

/** What says where the own link door is. */
type LinkedSite = Pick<Site, 'domain'> & { readonly sft: { readonly link: { readonly url: string } } };

/** Pure. */
export function linkBackStep(back: ProbeReport['back'], domain: string, site: LinkedSite): Step {
  const { host } = new URL(site.sft.link.url);
  const [step, tried] = ['link-back', `your SFT at ${host}, from that of ${domain}`];
  if (back === 'reached') return ok(step, tried, 'it reaches you');
  if (back === 'unknown') return skipped(step, tried, 'its SFT ended the examination before it said so');
  const { code, errno } = back;
  const judged = untrusted(code, {
    what: 'your SFT',
    owner: 'you',
    domain: site.domain,
    judge: domain,
    role: 'sft',
  });
  if (judged) return failed(step, tried, judged);
  if (!UNREACHED.has(code)) {
    return failed(step, tried, {
      saw: `${domain} was refused there (${code})`,
      cause: 'your SFT is about to end or has a fault, or another server answers at that address',
      todo: 'Try again in some minutes; if it lasts, read why in its log: journalctl -u hawser-sft',
      who: 'you',
    });
  }
  if (errno === 'ENOTFOUND' || errno === 'EAI_AGAIN') {
    const trouble = {
      saw: `${domain} finds no address for ${host}`,
      cause: 'sft.link.url names a host that DNS does not know',
    };
    return failed(step, tried, { ...trouble, todo: 'Correct sft.link.url, or set the name in DNS.', who: 'you' });
  }
  const words = { address: host, what: 'your SFT', owner: 'you', dialler: domain } as const;
  const rules = { inRule: `link-in:${domain}`, outRule: `link-out:${site.domain}` };
  const start = 'Correct sft.link.listen and sft.link.url.';
  return failed(
    step,
    tried,
    closedDoor(code === 'SIG_TIMEOUT' ? { is: 'silent' } : outcomeOf(errno), { ...words, ...rules, start }),
  );
}

/** Whether each side approved the address from which the other one's media comes. */
function prefixStep({ far }: ProbeReport, { domain, mediaPrefixes }: Peer, site: Site): Step {
  const [step, tried] = ['prefixes', 'addresses of media against the prefixes of both allow lists'];
  const own = site.sft.trunk.announcedIp ?? site.sft.trunk.listenIp;
  const length = (ip: string) => (ip.includes(':') ? 128 : 32);
  if (!far.approved) {
    return failed(step, tried, {
      saw: `${domain} does not approve ${own}, from which your media comes`,
      cause: `its allow list has other prefixes for you, or sft.trunk.announcedIp is wrong here`,
      todo: `hawser peers allow ${site.domain} --media-prefix ${own}/${length(own)}`,
      who: 'them',
    });
  }
  if (!withinPrefixes(far.trunk.ip, mediaPrefixes)) {
    return failed(step, tried, {
      saw: `the media of ${domain} comes from ${far.trunk.ip}, and you approved ${mediaPrefixes.join(', ')}`,
      cause: 'it has another address, or announces a wrong one',
      todo: `Ask its administrator; if it is right: hawser peers allow ${domain} --media-prefix ${far.trunk.ip}/${length(far.trunk.ip)}`,
      who: 'you',
    });
  }
  return ok(step, tried, `${own} and ${far.trunk.ip} are approved`);
}
