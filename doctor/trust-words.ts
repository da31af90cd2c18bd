/** What a refusal between servers means, and what to do about it. Pure. */
import type { ErrorCode } from '#signalling/errors.ts';
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
export function untrusted(code: string, words: TrustWords): Trouble | undefined {
  const found = MEANINGS.find(([codes]) => codes.some((each) => each === code));
  return found?.[1](words);
}

type Meaning = (words: TrustWords) => Trouble;

const trouble = (saw: string, cause: string, todo: string, who: Who): Trouble => ({ saw, cause, todo, who });

/** Who has the allow list on which it stands. */
const judgeOf = ({ owner }: TrustWords) => (owner === 'you' ? 'them' : 'you');

const renew = ({ role }: TrustWords) =>
  `hawser certs renew certificates --only ${role}, and put the new files where the server reads them.`;

const ended: Meaning = (words) =>
  trouble(
    `the certificate of ${words.what} has ended`,
    'it was not renewed, or a clock is wrong',
    renew(words),
    words.owner,
  );

const early: Meaning = ({ what, owner }) =>
  trouble(
    `the certificate of ${what} is not valid yet`,
    'it was made for later, or one of the two clocks is wrong',
    'Put one there that is valid now. If it is that, look at both clocks: timedatectl set-ntp true',
    owner,
  );

const revoked: Meaning = (words) =>
  trouble(`the certificate of ${words.what} was revoked`, `${words.domain} took it back`, renew(words), words.owner);

const misnamed: Meaning = ({ what, role, domain, owner }) =>
  trouble(
    `the certificate of ${what} has another name`,
    'certificates of homeserver and SFT are swapped, or another server answers there',
    `Put the certificate of the ${role} of ${domain} there: hawser certs show certificates`,
    owner,
  );

const misissued: Meaning = (words) =>
  trouble(
    `the certificate of ${words.what} is not of the authority that ${words.judge} has on its allow list`,
    `${words.domain} has a new authority, or somebody pretends to be it`,
    `Compare fingerprints by telephone, then: hawser peers allow ${words.domain} --authority FILE`,
    judgeOf(words),
  );

const unlisted: Meaning = (words) =>
  trouble(
    `${words.judge} does not let ${words.domain} in`,
    `${words.domain} is not on its allow list, or blocked`,
    `hawser peers allow ${words.domain} --authority FILE`,
    judgeOf(words),
  );

const noTls: Meaning = ({ what, owner }) =>
  trouble(
    `TLS with ${what} failed`,
    'something between the two ends TLS, such as a proxy, or another program listens there',
    'Let TLS pass through untouched, version 1.3.',
    owner,
  );

const inside: Meaning = (words) =>
  trouble(
    `the name of ${words.what} leads to an address that is not of the open internet`,
    'a DNS server inside of the house answers, or the domain is in the same house',
    `hawser peers allow ${words.domain} --addresses any, if that is meant.`,
    judgeOf(words),
  );

/** The other side says nothing of why: what is known to be wrong here comes first. */
const refused: Meaning = ({ what, judge, owner, isShunned }) => {
  const saw = `${what} ended the connection when it knew who we are`;
  if (isShunned) {
    const todo = 'Mend your own files first, then call the doctor again.';
    return trouble(saw, 'what is wrong with your own files, as said above', todo, 'you');
  }
  return trouble(
    saw,
    'it has not allowed the other side, or with another authority, or sees its certificate as revoked or ended; its log has the code',
    `hawser peers allow ${judge} --authority FILE, after comparing fingerprints.`,
    owner,
  );
};

const tooMuch: Meaning = ({ what }) =>
  trouble(
    `${what} is asked too much for the moment`,
    'another examination goes on, or too many requests come',
    'Try again in half a minute.',
    'you',
  );

const tooOld: Meaning = ({ domain, judge }) =>
  trouble(
    `${domain} and ${judge} have no version of the protocol in common`,
    'the software of one of the two is too old for the other',
    'Update the older one.',
    'both',
  );

const elsewhere: Meaning = ({ what, domain, owner }) =>
  trouble(
    `${what} says that it is that of another domain`,
    'its SRV record or its address leads to the server of another domain',
    `Correct the SRV record _hawser-federation._tcp.${domain}.`,
    owner,
  );

const MEANINGS: readonly (readonly [codes: readonly ErrorCode[], meaning: Meaning])[] = [
  [['TRUST_EXPIRED'], ended],
  [['TRUST_NOT_YET_VALID'], early],
  [['TRUST_REVOKED'], revoked],
  [['TRUST_WRONG_NAME'], misnamed],
  [['TRUST_WRONG_AUTHORITY', 'TRUST_SELF_SIGNED'], misissued],
  [['TRUST_UNKNOWN_DOMAIN', 'TRUST_BLOCKED', 'FED_NOT_ALLOWED'], unlisted],
  [['TRUST_NO_CERTIFICATE', 'TRUST_TLS'], noTls],
  [['FED_ADDRESS'], inside],
  [['FED_REFUSED'], refused],
  [['FED_LIMIT'], tooMuch],
  [['FED_VERSION', 'FED_OLD_VERSION'], tooOld],
  [['FED_WRONG_DESTINATION'], elsewhere],
];
