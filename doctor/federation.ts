/**
 * Whether this site and another one can hold calls: asks and tries everything that a call needs, in order, from the machine on which it
 * runs. What the other side sees it is asked for; what it does not tell, and what another machine of this site sees, is said to be left.
 */
import type { ReachAnswer } from '#signalling/federation.ts';
import type { DomainName } from '#signalling/ids.ts';
import type { Part } from '#site/part.ts';
import type { Site } from '#site/schema.ts';
import { openTrust } from '#trust/trust.ts';
import type { Kept } from './clock.ts';
import { homeserverSteps } from './homeservers.ts';
import { linkSteps } from './link.ts';
import { allowStep, filesStep, serversStep } from './own.ts';
import { failed, type Note, type Step, skipped } from './step.ts';

export interface FederationOptions {
  readonly config: string;
  readonly site: Site;
  readonly peer: DomainName;
  /** The servers that run on this machine. */
  readonly parts: readonly Part[];
  /** Where the SFT of the peer takes links, where an administrator said it; otherwise the peer's homeserver is asked. */
  readonly link?: string | undefined;
  /** Whether a time service keeps the clock of this machine right. */
  readonly kept: Kept;
  /** Told of each step when it is done. */
  readonly onStep: (step: Step) => void;
  readonly now: () => number;
  readonly wallClock: () => number;
}

export async function diagnose(options: FederationOptions): Promise<readonly Step[]> {
  const steps: Step[] = [];
  await examine(options, (step) => {
    steps.push(step);
    options.onStep(step);
    return step.outcome !== 'failed';
  });
  return steps;
}

async function examine(options: FederationOptions, note: Note): Promise<void> {
  const { config, site, peer: domain, parts, link: given, kept, now, wallClock } = options;
  const isShunned = !note(await filesStep(config, parts));
  const hasHomeserver = parts.includes('homeserver');
  const trust = await openTrust({ site, role: hasHomeserver ? 'homeserver' : 'sft' }).catch((error: Error) => error);
  if (trust instanceof Error) {
    note(failed('trust', 'what your servers show to others', asFile(trust)));
    return;
  }
  try {
    const peer = trust.peers.current.get(domain);
    if (!note(allowStep(domain, peer)) || !peer) return;
    const isRunning = note(await serversStep(site, parts));
    let answer: ReachAnswer | undefined;
    const asking = { site, peer, dialler: trust.dialler, isShunned, kept, now, wallClock };
    if (hasHomeserver) answer = await homeserverSteps(asking, note);
    else {
      const { why, todo } = elsewhere('homeserver', `hawser doctor ${domain}`);
      note(skipped('homeserver', `the homeserver of ${domain}`, why, todo));
    }
    const place = linkPlace({ domain, parts, isRunning, given, answer });
    if ('link' in place) await linkSteps({ site, peer, link: place.link, isShunned, kept }, note);
    else note(skipped('link', place.tried, place.why, place.todo));
  } finally {
    trust.close();
  }
}

function asFile(error: Error) {
  const saw = error.message.replaceAll('\n', '; ').replace(/\.$/, '');
  return { saw, cause: 'a file is wrong', todo: 'hawser config check', who: 'you' } as const;
}

export interface LinkQuestion {
  readonly domain: string;
  readonly parts: readonly Part[];
  /** Whether the servers of this machine run. */
  readonly isRunning: boolean;
  /** Where an administrator says that the SFT of the domain is. */
  readonly given: string | undefined;
  /** What the homeserver of the domain said, where it was asked and did. */
  readonly answer: Pick<ReachAnswer, 'link'> | undefined;
}

export type LinkPlace =
  | { readonly link: string }
  | { readonly tried: string; readonly why: string; readonly todo?: string };

/** Where the own SFT is to dial, or why it cannot be told to. Pure. */
export function linkPlace({ domain, parts, isRunning, given, answer }: LinkQuestion): LinkPlace {
  const link = given ?? answer?.link;
  const tried = `the SFT of ${domain}${link === undefined ? '' : ` at ${link}`}`;
  if (!parts.includes('sft')) {
    const option = link === undefined ? '' : ` --link ${link}`;
    return { tried, ...elsewhere('SFT', `hawser doctor ${domain}${option}`) };
  }
  if (link !== undefined) return isRunning ? { link } : { tried, why: 'your own servers come first' };
  if (parts.includes('homeserver')) {
    return { tried, why: answer ? 'it says that it has none' : 'its homeserver would have to say where it is' };
  }
  const todo = `On the machine of your homeserver, hawser doctor ${domain} says what to call here.`;
  return { tried, why: 'its homeserver says where it is, and yours alone can ask', todo };
}

function elsewhere(what: string, command: string) {
  return { why: `your ${what} runs on another machine`, todo: `There: ${command}` };
}
