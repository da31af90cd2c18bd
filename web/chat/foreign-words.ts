/** What is to be said above a conversation that people of other organisations are in. Pure. */
import type { HomeState } from '#client/home-state.ts';
import type { Conversation } from '#signalling/client-home.ts';
import type { DomainName } from '#signalling/ids.ts';
import { shortWhen } from '../lib/when.ts';
import { listOf } from '../lib/words.ts';

/** The other organisations of a conversation, in the order of their names. */
export function foreignDomains({ members, hub }: Conversation, own: DomainName): DomainName[] {
  const domains = new Set([...members.map(({ domain }) => domain), hub]);
  domains.delete(own);
  return [...domains].sort();
}

/** Undefined where nobody else reads. @param text of the administrator */
export function bannerWords(domains: readonly DomainName[], text: string | undefined): string | undefined {
  if (domains.length === 0) return undefined;
  const names = listOf(domains);
  return text === undefined
    ? `This conversation leaves your organisation: people of ${names} read it too.`
    : `${text} · with ${names}`;
}

/** One sentence for each organisation that is away. @param now ms since 1970 */
export function awayWords(
  conversation: Pick<Conversation, 'hub'>,
  domains: readonly DomainName[],
  organisations: HomeState['organisations'],
  now: number,
): string[] {
  return domains.flatMap((domain) => {
    const away = organisations.get(domain);
    if (!away) return [];
    const since = shortWhen(away.unreachableSince, now);
    if (away.refuses) {
      const lost =
        domain === conversation.hub
          ? 'what you write waits, and comes back to you after seven days'
          : 'its people do not get what you write';
      return [
        `${domain} has not let your organisation in since ${since}: ${lost}. If that is not meant to be, ask your administrator.`,
      ];
    }
    const what = domain === conversation.hub ? 'what you write is delivered' : 'what you write reaches its people';
    return [`${domain} cannot be reached since ${since}: ${what} when it is back.`];
  });
}
