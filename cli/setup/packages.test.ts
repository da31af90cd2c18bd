import { expect, test } from 'vitest';
import { covers } from './packages.ts';

const wanted = {
  '': { version: '0.1.0' },
  'node_modules/ws': { version: '8.0.0' },
  'node_modules/fsevents': { version: '2.0.0', optional: true },
  'node_modules/vitest': { version: '5.0.0', dev: true },
};
const production = { 'node_modules/ws': { version: '8.0.0' } };
const all = { ...production, 'node_modules/vitest': { version: '5.0.0' } };

test('all that the lock file asks for has to be there in its version', () => {
  expect(covers(wanted, all, false)).toBe(true);
  expect(covers(wanted, production, false)).toBe(false);
  expect(covers(wanted, { ...all, 'node_modules/ws': { version: '7.9.9' } }, false)).toBe(false);
});

test('a package for another platform may be missing, but not have another version', () => {
  expect(covers(wanted, { ...all, 'node_modules/fsevents': { version: '1.0.0' } }, false)).toBe(false);
});

test('in production the development packages may be missing', () => {
  expect(covers(wanted, production, true)).toBe(true);
});
