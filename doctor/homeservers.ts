/** From the own homeserver to that of another domain, and back: names, TCP, TLS, both certificates, clocks, what is allowed. */
import { resolverOf } from '#homeserver/federation/dns.ts';
import type { ReachAnswer } from '#signalling/federation.ts';
import type { HostAndPort } from '#site/address.ts';
import type { Site } from '#site/schema.ts';
import type { PeerDialler } from '#trust/dialler.ts';
import type { Peer } from '#trust/identity.ts';
import { clockStep, type Kept } from './clock.ts';
import { closedDoor } from './doors.ts';
import { askReach, type Reached, type Unanswered } from './homeserver.ts';
import { findHomeserver } from './names.ts';
import { failed, type Note, ok, type Step, type Trouble, warning } from './step.ts';
import { lookAtTcp, outcomeOf } from './tcp.ts';
import { untrusted } from './trust-words.ts';

export interface HomeserversOptions {
  readonly site: Site;
  readonly peer: Peer;
  /** With the certificate of the own homeserver. */
  readonly dialler: PeerDialler;
  /** Whether the own files are such that others refuse us. */
  readonly isShunned: boolean;
  readonly kept: Kept;
  /** ms of a clock that only goes forward, and ms since 1970 */
  readonly now: () => number;
  readonly wallClock: () => number;
}

/** @returns what the other one said, where it did */
export async function homeserverSteps(options: HomeserversOptions, note: Note): Promise<ReachAnswer | undefined> {
  const { site, peer, dialler, kept, now } = options;
  const found = await findHomeserver(peer, site.domain, resolverOf(site.homeserver.federation.resolvers ?? []));
  note(found.step);
  const [place] = found.places;
  if (!place) return undefined;
  if (!note(await tcpStep(place, peer, site, now))) return undefined;
  const reached = await askReach(dialler, peer.domain, place, now);
  if (!note(welcomeStep(reached, place, options)) || !('answer' in reached)) return undefined;
  const { answer, roundTripMs } = reached;
  const difference = answer.now - (options.wallClock() - roundTripMs / 2);
  note(clockStep({ step: 'clock', whose: 'the two homeservers', domain: peer.domain, difference, kept }));
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

function welcomeStep(reached: Reached, place: HostAndPort, options: HomeserversOptions): Step {
  const { domain } = options.peer;
  const step = 'homeserver';
  const tried = `TLS with the homeserver of ${domain}, both certificates, and whether it lets you in`;
  if ('answer' in reached) return ok(step, tried, `both are who they say, ${reached.answer.software}`);
  if (reached.code !== 'OLD') return failed(step, tried, unwelcome(reached, place, options));
  return warning(step, tried, {
    saw: 'it lets you in, and does not know this examination',
    cause: 'its software is older',
    todo: 'Update it, to see more.',
    who: 'them',
  });
}

function unwelcome({ code, errno }: Unanswered, place: HostAndPort, options: HomeserversOptions): Trouble {
  const { peer, site, isShunned } = options;
  const what = `the homeserver of ${peer.domain}`;
  if (code === 'ODD') {
    return {
      saw: `${what} answers something else than a homeserver does`,
      cause: 'a proxy answers in its place, or its software is of another kind',
      todo: 'Look what answers there.',
      who: 'them',
    };
  }
  const judged = untrusted(code, {
    ...{ what, owner: 'them', domain: peer.domain, judge: site.domain, role: 'homeserver', isShunned },
  });
  return (
    judged ?? {
      saw: `${code}${errno ? ` (${errno})` : ''} from ${place.host}:${place.port}`,
      cause: 'it is overloaded, or something between the two is not TLS 1.3 of Hawser',
      todo: 'Read its log at this moment.',
      who: 'them',
    }
  );
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
