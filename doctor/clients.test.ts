import { expect, it } from 'vitest';
import { HawserError } from '#signalling/errors.ts';
import { upgradeTrouble } from './clients.ts';

const url = new URL('wss://sft.alpha.example:8543/client/v1');

it.each([
  ['SIG_BUSY', 503, 'the SFT is full'],
  [
    'SIG_UNSUPPORTED_VERSION',
    404,
    'what answers at sft.alpha.example:8543 opens no WebSocket at /client/v1 (HTTP 404)',
  ],
  ['SIG_UNREACHABLE', 502, 'what answers at sft.alpha.example:8543 opens no WebSocket at /client/v1 (HTTP 502)'],
] as const)('a door that answers with no WebSocket is told as such (%s, %i)', (code, status, saw) => {
  const error = new HawserError(code, `HTTP ${status}`);
  expect(upgradeTrouble(error, url)).toMatchObject({ saw, who: 'you' });
});

it.each([
  new HawserError('TRUST_TLS', 'CERT_HAS_EXPIRED'),
  new HawserError('SIG_UNREACHABLE', 'ECONNRESET'),
  new Error('socket hang up'),
])('what fails before that is not (%s)', (error) => {
  expect(upgradeTrouble(error, url)).toBeUndefined();
});
