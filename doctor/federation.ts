/**
 * Whether this site and another one can hold calls: asks and tries everything that a call needs, in order, from the side on which it
 * runs. What the other side sees it is asked for; what it does not tell is said to be unknown.
 */
import { resolverOf } from '#homeserver/federation/dns.ts';
import type { ReachAnswer } from '#signalling/federation.ts';
import type { DomainName } from '#signalling/ids.ts';
import type { ProbeReport } from '#signalling/probe.ts';
import { LINK_VERSIONS } from '#signalling/sft-link.ts';
import type { HostAndPort } from '#site/address.ts';
import type { Site } from '#site/schema.ts';
import type { Peer } from '#trust/identity.ts';
import { withinPrefixes } from '#trust/prefixes.ts';
import { openTrust, type Trust } from '#trust/trust.ts';
import { closedDoor } from './doors.ts';
import { askReach, type Reached } from './homeserver.ts';
import { mediaSteps } from './media.ts';
import { findHomeserver } from './names.ts';
import { allowStep, filesStep, serversStep } from './own.ts';
import { failed, ok, type Step, skipped, type Trouble, warning } from './step.ts';
import { lookAtTcp, outcomeOf } from './tcp.ts';
import { untrusted } from './trust-words.ts';

export interface FederationOptions {
  readonly config: string;
  readonly site: Site;
  readonly peer: DomainName;
  /** Told of each step when it is done. */
  readonly onStep: (step: Step) => void;
  readonly now: () => number;
  readonly wallClock: () => number;
}

/** Tickets are good for three minutes: clocks that differ by more refuse them. ms */
const CLOCK_WARNS = 5_000;
const CLOCK_FAILS = 120_000;

export async function diagnose(options: FederationOptions): Promise<readonly Step[]> {
  const steps: Step[] = [];
  const note = (step: Step): boolean => {
    steps.push(step);
    options.onStep(step);
    return step.outcome !== 'failed';
  };
  await examine(options, note);
  return steps;
}

type Note = (step: Step) => boolean;

async function examine(options: FederationOptions, note: Note): Promise<void> {
  const { config, site, peer: domain } = options;
  note(await filesStep(config));
  const trust = await openTrust({ site, role: 'homeserver' }).catch((error: Error) => error);
  if (trust instanceof Error) {
    note(failed('trust', 'what your homeserver shows to others', asFile(trust)));
    return;
  }
  try {
    const peer = trust.peers.current.get(domain);
    if (!note(allowStep(domain, peer)) || !peer) return;
    const running = note(await serversStep(site));
    const answer = await homeservers(options, trust, peer, note);
    if (answer?.link === undefined) {
      note(
        skipped(
          'link',
          `the SFT of ${domain}`,
          answer ? 'it says that it has none' : 'its homeserver would have to say where it is',
        ),
      );
    } else if (!running) {
      note(skipped('link', `the SFT of ${domain} at ${answer.link}`, 'your own servers come first'));
    } else await media(options, peer, answer.link, note);
  } finally {
    trust.close();
  }
}

function asFile(error: Error): Trouble {
  return { saw: error.message, cause: 'a file is wrong', todo: 'hawser config check', who: 'you' };
}

/** From the own homeserver to the other one, and back. @returns what the other one said, where it did */
async function homeservers(
  options: FederationOptions,
  trust: Trust,
  peer: Peer,
  note: Note,
): Promise<ReachAnswer | undefined> {
  const { site, now } = options;
  const found = await findHomeserver(peer, site.domain, resolverOf(site.homeserver.federation.resolvers ?? []));
  note(found.step);
  const [place] = found.places;
  if (!place) return undefined;
  if (!note(await tcpStep(place, peer, site, now))) return undefined;
  const reached = await askReach(trust.dialler, peer.domain, place, now);
  if (!note(welcomeStep(reached, place, peer, site)) || !('answer' in reached)) return undefined;
  const { answer, roundTripMs } = reached;
  note(clockStep(answer.now - (options.wallClock() - roundTripMs / 2), peer.domain));
  note(backStep(answer.code, peer, site));
  note(scopeStep(answer, peer.domain, site.domain));
  return answer;
}

async function tcpStep(place: HostAndPort, { domain }: Peer, site: Site, now: () => number): Promise<Step> {
  const address = `${place.host}:${place.port}`;
  const tried = `TCP to the homeserver of ${domain} at ${address}`;
  const outcome = await lookAtTcp(place, now);
  if (outcome.is === 'open') return ok('homeserver-tcp', tried, `connected in ${outcome.ms} ms`);
  return failed(
    'homeserver-tcp',
    tried,
    closedDoor(outcome, {
      ...{ address, what: `the homeserver of ${domain}`, owner: 'them', dialler: site.domain },
      ...{ inRule: `federation-in:${site.domain}`, outRule: `federation-out:${domain}` },
      start: `Start it, or correct homeserver.federation.listen and .address there.`,
    }),
  );
}

function welcomeStep(reached: Reached, place: HostAndPort, { domain }: Peer, site: Site): Step {
  const [step, tried] = [
    'homeserver',
    `TLS with the homeserver of ${domain}, both certificates, and whether it lets you in`,
  ];
  if ('answer' in reached) return ok(step, tried, `both are who they say, ${reached.answer.software}`);
  const { code, errno } = reached;
  if (code === 'OLD') {
    const trouble = {
      saw: 'it lets you in, and does not know this examination',
      cause: 'its software is older',
      todo: 'Update it, to see more.',
      who: 'them',
    } as const;
    return warning(step, tried, trouble);
  }
  const judged = untrusted(code, {
    what: `the homeserver of ${domain}`,
    owner: 'them',
    domain,
    judge: site.domain,
    role: 'homeserver',
  });
  return failed(
    step,
    tried,
    judged ?? {
      saw: `${code}${errno ? ` (${errno})` : ''} from ${place.host}:${place.port}`,
      cause: 'it is overloaded, or something between the two is not TLS 1.3 of Hawser',
      todo: 'Read its log at this moment.',
      who: 'them',
    },
  );
}

function clockStep(difference: number, domain: string): Step {
  const [step, tried] = ['clock', 'the two clocks'];
  const seconds = Math.round(difference / 1_000);
  if (Math.abs(difference) < CLOCK_WARNS) return ok(step, tried, 'they agree');
  const trouble: Trouble = {
    saw: `that of ${domain} is ${Math.abs(seconds)} s ${seconds > 0 ? 'ahead of' : 'behind'} yours`,
    cause: 'no time service keeps one of them right',
    todo: 'On the machine whose time is wrong: timedatectl set-ntp true',
    who: 'you',
    rule: 'time-out',
  };
  return Math.abs(difference) < CLOCK_FAILS ? warning(step, tried, trouble) : failed(step, tried, trouble);
}

function backStep(code: string | undefined, { domain }: Peer, site: Site): Step {
  const { address } = site.homeserver.federation;
  const [step, tried] = ['homeserver-back', `TCP and TLS from the homeserver of ${domain} to yours at ${address}`];
  if (code === undefined) return ok(step, tried, 'it reaches you');
  const judged = untrusted(code, {
    what: 'your homeserver',
    owner: 'you',
    domain: site.domain,
    judge: domain,
    role: 'homeserver',
  });
  if (judged) return failed(step, tried, judged);
  if (code === 'FED_UNREACHABLE') {
    return failed(step, tried, {
      saw: `${domain} finds no address for your homeserver`,
      cause: `there is no SRV record of yours, or it has no address; or its own DNS does not answer`,
      todo: `Set _hawser-federation._tcp.${site.domain} to ${address.replace(':', ' port ')}, or have them write it: hawser peers allow ${site.domain} --homeserver ${address}`,
      who: 'you',
    });
  }
  const words = { inRule: `federation-in:${domain}`, outRule: `federation-out:${site.domain}` };
  return failed(
    step,
    tried,
    closedDoor(outcomeOf(undefined), {
      ...words,
      address,
      what: 'your homeserver',
      owner: 'you',
      dialler: domain,
      start: '',
    }),
  );
}

function scopeStep({ may }: ReachAnswer, domain: string, own: string): Step {
  const [step, tried] = ['allowed-there', `what ${domain} allows you`];
  if (may.calls) return ok(step, tried, may.messages ? 'calls and messages' : 'calls, and no messages');
  return failed(step, tried, {
    saw: 'no calls',
    cause: 'its administrator took them back',
    todo: `hawser peers allow ${own} --calls`,
    who: 'them',
  });
}

/** What the own SFT finds when it dials the other one. */
async function media(options: FederationOptions, peer: Peer, link: string, note: Note): Promise<void> {
  const { site } = options;
  const { domain } = peer;
  const { host } = new URL(link);
  const tried = `the SFT of ${domain} at ${host}, from yours`;
  const probed = await askProbe(site.sft.admin.listen, domain, link);
  if ('code' in probed) {
    note(failed('link', tried, linkTrouble(probed, host, domain, site)));
    return;
  }
  const { far, back } = probed;
  note(ok('link', tried, `both are who they say, ${far.software}`));
  note(versionStep(far.links, domain));
  note(linkBackStep(back, domain, site));
  note(prefixStep(probed, peer, site));
  for (const step of mediaSteps(probed, { own: site.domain, peer: domain })) note(step);
}

interface ProbeRefusal {
  readonly code: string;
  readonly errno: string | undefined;
}

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
  } catch (error) {
    return { code: 'SIG_TIMEOUT', errno: error instanceof Error ? error.name : undefined };
  }
}

function linkTrouble({ code, errno }: ProbeRefusal, address: string, domain: string, site: Site): Trouble {
  const judged = untrusted(code, {
    what: `the SFT of ${domain}`,
    owner: 'them',
    domain,
    judge: site.domain,
    role: 'sft',
  });
  if (judged) return judged;
  if (code === 'SIG_BUSY') {
    return {
      saw: 'another examination goes on there',
      cause: 'both sides examine at once',
      todo: 'Try again in half a minute.',
      who: 'you',
    };
  }
  if (code === 'SIG_UNSUPPORTED_VERSION') {
    return {
      saw: 'it does not know this examination',
      cause: 'its software is older',
      todo: 'Update it.',
      who: 'them',
    };
  }
  if (errno === 'ENOTFOUND' || errno === 'EAI_AGAIN') {
    return {
      saw: `the name of ${address} has no address`,
      cause: 'sft.link.url names a host that DNS does not know',
      todo: 'Correct sft.link.url there, or set the name in DNS.',
      who: 'them',
    };
  }
  return closedDoor(code === 'SIG_TIMEOUT' ? { is: 'silent' } : outcomeOf(errno), {
    ...{ address, what: `the SFT of ${domain}`, owner: 'them', dialler: site.domain },
    ...{ inRule: `link-in:${site.domain}`, outRule: `link-out:${domain}` },
    start: 'Start it, or correct sft.link.listen and sft.link.url there.',
  });
}

function versionStep(far: { readonly min: number; readonly max: number }, domain: string): Step {
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

function linkBackStep(back: ProbeReport['back'], domain: string, site: Site): Step {
  const { url } = site.sft.link;
  const { host } = new URL(url);
  const [step, tried] = ['link-back', `your SFT at ${host}, from that of ${domain}`];
  if (!back) return ok(step, tried, 'it reaches you');
  const { code, errno } = back;
  const judged = untrusted(code, {
    what: 'your SFT',
    owner: 'you',
    domain: site.domain,
    judge: domain,
    role: 'sft',
  });
  if (judged) return failed(step, tried, judged);
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
