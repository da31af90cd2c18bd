/** What a refusal between servers means, and what to do about it. Pure. */
import type { Trouble, Who } from './step.ts';

export interface TrustWords {
  /** Who was not believed: `the homeserver of beta.example`. */
  readonly what: string;
  /** Whose certificate it is. */
  readonly owner: 'you' | 'them';
  /** `beta.example`, and the domain that did not believe it. */
  readonly domain: string;
  readonly judge: string;
  readonly role: 'homeserver' | 'sft';
  /** Whether the files of this site are known to be such that others refuse it. */
  readonly isShunned?: boolean;
}

/** Of a code TRUST_* or FED_*; undefined for codes that are about something else. */
export function untrusted(
  code: string,
  { what, owner, domain, judge, role, isShunned }: TrustWords,
): Trouble | undefined {
  const judged = owner === 'you' ? 'them' : 'you';
  const renew = `hawser certs renew certificates --only ${role}, and put the new files where the server reads them.`;
  const trouble = (saw: string, cause: string, todo: string, who: Who): Trouble => ({ saw, cause, todo, who });
  switch (code) {
    case 'TRUST_EXPIRED':
      return trouble(`the certificate of ${what} has ended`, 'it was not renewed, or a clock is wrong', renew, owner);
    case 'TRUST_NOT_YET_VALID':
      return trouble(
        `the certificate of ${what} is not valid yet`,
        'it was made for later, or one of the two clocks is wrong',
        'Put one there that is valid now. If it is that, look at both clocks: timedatectl set-ntp true',
        owner,
      );
    case 'TRUST_REVOKED':
      return trouble(`the certificate of ${what} was revoked`, `${domain} took it back`, renew, owner);
    case 'TRUST_WRONG_NAME':
      return trouble(
        `the certificate of ${what} has another name`,
        'certificates of homeserver and SFT are swapped, or another server answers there',
        `Put the certificate of the ${role} of ${domain} there: hawser certs show certificates`,
        owner,
      );
    case 'TRUST_WRONG_AUTHORITY':
    case 'TRUST_SELF_SIGNED':
      return trouble(
        `the certificate of ${what} is not of the authority that ${judge} has on its allow list`,
        `${domain} has a new authority, or somebody pretends to be it`,
        `Compare fingerprints by telephone, then: hawser peers allow ${domain} --authority FILE`,
        judged,
      );
    case 'TRUST_UNKNOWN_DOMAIN':
    case 'TRUST_BLOCKED':
    case 'FED_NOT_ALLOWED':
      return trouble(
        `${judge} does not let ${domain} in`,
        `${domain} is not on its allow list, or blocked`,
        `hawser peers allow ${domain} --authority FILE`,
        judged,
      );
    case 'TRUST_NO_CERTIFICATE':
    case 'TRUST_TLS':
      return trouble(
        `TLS with ${what} failed`,
        'something between the two ends TLS, such as a proxy, or another program listens there',
        'Let TLS pass through untouched, version 1.3.',
        owner,
      );
    case 'FED_ADDRESS':
      return trouble(
        `the name of ${what} leads to an address that is not of the open internet`,
        'a DNS server inside of the house answers, or the domain is in the same house',
        `hawser peers allow ${domain} --addresses any, if that is meant.`,
        judged,
      );
    case 'FED_REFUSED':
      if (isShunned)
        return trouble(
          `${what} ended the connection when it knew who we are`,
          'what is wrong with your own files, as said above',
          'Mend your own files first, then call the doctor again.',
          'you',
        );
      return trouble(
        `${what} ended the connection when it knew who we are`,
        'it has not allowed the other side, or with another authority, or sees its certificate as revoked or ended; its log has the code',
        `hawser peers allow ${judge} --authority FILE, after comparing fingerprints.`,
        owner,
      );
    case 'FED_LIMIT':
      return trouble(
        `${what} is asked too much for the moment`,
        'another examination goes on, or too many requests come',
        'Try again in half a minute.',
        'you',
      );
    case 'FED_VERSION':
    case 'FED_OLD_VERSION':
      return trouble(
        `${domain} and ${judge} have no version of the protocol in common`,
        'the software of one of the two is too old for the other',
        'Update the older one.',
        'both',
      );
    case 'FED_WRONG_DESTINATION':
      return trouble(
        `${what} says that it is that of another domain`,
        'its SRV record or its address leads to the server of another domain',
        `Correct the SRV record _hawser-federation._tcp.${domain}.`,
        owner,
      );
    default:
      return undefined;
  }
}
