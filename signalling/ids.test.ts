import { Compile } from 'typebox/compile';
import { expect, it } from 'vitest';
import { addressOf, DomainName, domainOf, handleOf, parseAddress, parseDomainName, UserId, userIdOf } from './ids.ts';

const domain = Compile(DomainName);

it.each(['alpha.example', 'sft.alpha.example', 'a-b.c1.example', 'alpha.localhost', 'xn--bcher-kva.example'])(
  'takes %s as a domain',
  (name) => {
    expect(parseDomainName(name)).toBe(name);
    expect(domain.Check(name)).toBe(true);
  },
);

it.each([
  'alpha',
  '127.0.0.1',
  '1.2.3.4',
  '[::1]',
  '::1',
  '-a.example',
  'a-.example',
  'a..example',
  'a.example.',
  '',
  'a b.example',
])('refuses %j as a domain', (name) => {
  expect(parseDomainName(name)).toBeUndefined();
  expect(domain.Check(name)).toBe(false);
});

it('refuses a domain of more than 100 bytes', () => {
  expect(parseDomainName(`${'a'.repeat(50)}.${'b'.repeat(50)}.example`)).toBeUndefined();
});

it('reads and writes addresses', () => {
  const alice = userIdOf('alpha.example' as DomainName, 'alice');
  expect(alice).toBe('mimi://alpha.example/u/alice');
  expect(Compile(UserId).Check(alice)).toBe(true);
  expect(addressOf(alice)).toBe('@alice@alpha.example');
  expect(parseAddress('@Alice@Alpha.Example')).toBe(alice);
  expect(parseAddress('alice@alpha.example')).toBe(alice);
  expect([handleOf(alice), domainOf(alice)]).toEqual(['alice', 'alpha.example']);
});

it.each(['alice', '@alice', 'alice@127.0.0.1', 'a@b@c.example', '@@alpha.example', '../x@alpha.example'])(
  'refuses %j as an address',
  (text) => expect(parseAddress(text)).toBeUndefined(),
);
