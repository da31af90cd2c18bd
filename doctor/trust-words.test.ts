import { describe, expect, it } from 'vitest';
import { ERRORS, type ErrorCode, isErrorCode } from '#signalling/errors.ts';
import { type TrustWords, untrusted } from './trust-words.ts';

const THEIRS: TrustWords = {
  what: 'the homeserver of beta.example',
  owner: 'them',
  domain: 'beta.example',
  judge: 'alpha.example',
  role: 'homeserver',
};
const OURS: TrustWords = {
  what: 'your SFT',
  owner: 'you',
  domain: 'alpha.example',
  judge: 'beta.example',
  role: 'sft',
};

/** Code, who mends it where the certificate is theirs and where it is ours, and a part of what he is told to do. */
const TABLE: readonly (readonly [ErrorCode, 'you' | 'them' | 'both', 'you' | 'them' | 'both', RegExp])[] = [
  ['TRUST_EXPIRED', 'them', 'you', /^hawser certs renew certificates --only (homeserver|sft),/],
  ['TRUST_NOT_YET_VALID', 'them', 'you', /valid now/],
  ['TRUST_REVOKED', 'them', 'you', /^hawser certs renew certificates --only (homeserver|sft),/],
  ['TRUST_WRONG_NAME', 'them', 'you', /certificate of the (homeserver|sft) of (alpha|beta)\.example/],
  ['TRUST_WRONG_AUTHORITY', 'you', 'them', /^Compare fingerprints .* hawser peers allow (alpha|beta)\.example/],
  ['TRUST_SELF_SIGNED', 'you', 'them', /^Compare fingerprints .* hawser peers allow (alpha|beta)\.example/],
  ['TRUST_UNKNOWN_DOMAIN', 'you', 'them', /^hawser peers allow (alpha|beta)\.example/],
  ['TRUST_BLOCKED', 'you', 'them', /^hawser peers allow (alpha|beta)\.example/],
  ['TRUST_NO_CERTIFICATE', 'them', 'you', /^Let TLS pass/],
  ['TRUST_TLS', 'them', 'you', /^Let TLS pass/],
  ['FED_NOT_ALLOWED', 'you', 'them', /^hawser peers allow (alpha|beta)\.example/],
  ['FED_REFUSED', 'them', 'you', /^hawser peers allow (alpha|beta)\.example/],
  ['FED_ADDRESS', 'you', 'them', /--addresses any/],
  ['FED_LIMIT', 'you', 'you', /^Try again/],
  ['FED_VERSION', 'both', 'both', /^Update the older one/],
  ['FED_OLD_VERSION', 'both', 'both', /^Update the older one/],
  ['FED_WRONG_DESTINATION', 'them', 'you', /^Correct the SRV record/],
];
/** About what is asked with signed requests, of which the doctor makes none; and that nobody is there, which has other words. */
const NOT_HERE: readonly ErrorCode[] = [
  'FED_TLS',
  'FED_UNREACHABLE',
  'FED_FOREIGN',
  'FED_NON_FEDERATING',
  'FED_SCOPE',
  'FED_FILE_POLICY',
  'FED_SIGNATURE',
  'FED_CLOCK',
  'FED_EQUIVOCATED',
  'FED_KEY_WAITS',
  'FED_WAITING_FULL',
];

describe('a refusal between servers', () => {
  it.each(TABLE)('%s has words, whoever it is about', (code, theirs, ours, todo) => {
    for (const [words, who] of [
      [THEIRS, theirs],
      [OURS, ours],
    ] as const) {
      const found = untrusted(code, words);
      expect(found?.who).toBe(who);
      expect(found?.todo).toMatch(todo);
      for (const text of [found?.saw, found?.cause]) expect(text).toMatch(/^[^\n]{10,}[^.]$/);
    }
  });

  it('is one of these', () => {
    const all = Object.keys(ERRORS).filter((code) => /^(?:TRUST|FED)_/.test(code));
    expect([...TABLE.map(([code]) => code), ...NOT_HERE].sort()).toEqual(all.sort());
    for (const code of NOT_HERE) expect(untrusted(code, THEIRS)).toBeUndefined();
    expect(untrusted('SIG_TIMEOUT', THEIRS)).toBeUndefined();
    expect(TABLE.every(([code]) => isErrorCode(code))).toBe(true);
  });

  it('is no riddle where the own files are wrong: they come first, and nobody is asked to allow anything', () => {
    const found = untrusted('FED_REFUSED', { ...THEIRS, isShunned: true });
    expect(found?.who).toBe('you');
    expect(found?.todo).toMatch(/^Mend your own files first/);
  });
});
