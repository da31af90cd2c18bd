import { expect, test } from 'vitest';
import type { PeerReport } from '#signalling/administration.ts';
import type { DomainName } from '#signalling/ids.ts';
import { timeOf } from '../lib/when.ts';
import {
  endsWords,
  limitsWords,
  partingWords,
  reasonOf,
  refusedWords,
  scopeWords,
  stateWords,
  waitingWords,
} from './peer-words.ts';

const NOW = new Date(2026, 2, 1, 15, 30).getTime();
const SINCE = new Date(2026, 2, 1, 14, 2).getTime();
const beta: PeerReport = {
  ...{ domain: 'beta.example' as DomainName, listed: true, state: 'allowed', mediaPrefixes: [], limits: {} },
  may: { messages: true, calls: true, search: 'exact' },
  authorities: [
    { fingerprint: 'AA', endsAt: Date.UTC(2027, 0, 1) },
    { fingerprint: 'BB', endsAt: Date.UTC(2030, 0, 1) },
  ],
  waiting: { count: 0 },
  lastHour: { messagesIn: 0, messagesOut: 0, calls: 0, refusals: [] },
};

test('says how it stands, since when, and what can be done', () => {
  expect(stateWords(beta, NOW)).toBe('Allowed');
  expect(reasonOf(beta)).toBeUndefined();
  const away: PeerReport = { ...beta, state: 'unreachable', since: SINCE, code: 'FED_TLS' };
  expect(stateWords(away, NOW)).toBe(`Cannot be reached since ${timeOf(SINCE)}`);
  expect(reasonOf(away)).toContain('certificate');
  const refusing: PeerReport = { ...beta, state: 'refused', code: 'FED_REFUSED' };
  expect(stateWords(refusing, NOW)).toBe('Does not allow us');
  expect(reasonOf(refusing)).toBe('Ask its administrator to allow your organisation.');
  const stranger: PeerReport = { ...beta, listed: false, state: 'refused', code: 'FED_NOT_ALLOWED' };
  expect(stateWords(stranger, NOW)).toBe('Not allowed, has knocked');
  expect(reasonOf(stranger)).toContain('Allow it if you know who that is.');
});

test('says how far the parting with one that was blocked is', () => {
  const parting: PeerReport = { ...beta, state: 'parting', since: SINCE, parting: { conversations: 60, done: 12 } };
  expect(stateWords(parting, NOW)).toBe(`Its people are being taken out since ${timeOf(SINCE)}`);
  expect(partingWords(parting)).toBe('12 of 60 conversations done');
  expect(partingWords({ ...parting, parting: { conversations: 1, done: 0 } })).toBe('0 of 1 conversation done');
  expect(partingWords({ ...parting, parting: { conversations: 0, done: 0 } })).toBeUndefined();
  expect(partingWords(beta)).toBeUndefined();
});

test('says what it may not do, and that its keys wait', () => {
  expect(scopeWords(beta)).toEqual([]);
  expect(scopeWords({ ...beta, may: { messages: false, calls: false, search: 'none' } })).toEqual([
    ...['no messages and files', 'no calls', 'its people find nobody here'],
  ]);
  const strange: PeerReport = { ...beta, state: 'keys-wait', code: 'FED_KEY_WAITS', waitingKeys: ['CC'] };
  expect(stateWords(strange, NOW)).toBe('Came back with other keys');
  expect(reasonOf(strange)).toContain('telephone');
});

test('says when certificates end, what waits, limits, and refusals', () => {
  expect(endsWords({ ...beta, certificateEndsAt: Date.UTC(2026, 5, 1) })).toEqual([
    'Authority 2030-01-01',
    'Server 2026-06-01',
  ]);
  expect(waitingWords(beta, NOW)).toBe('Nothing');
  expect(waitingWords({ ...beta, waiting: { count: 3, oldestAt: NOW - 120_000 } }, NOW)).toBe('3, for 2 minutes');
  expect(limitsWords({ ...beta, limits: { sendMbit: 20, participants: 0 } })).toEqual([
    'at most 20 Mbit/s to it',
    'at most 0 of its people in calls',
  ]);
  const refusals = [{ code: 'SIG_FLOOD', count: 2 }];
  expect(refusedWords({ ...beta, lastHour: { ...beta.lastHour, refusals } })).toEqual(['2 × SIG_FLOOD']);
});
