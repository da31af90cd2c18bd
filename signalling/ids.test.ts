import { Compile } from 'typebox/compile';
import { expect, it } from 'vitest';
import {
  AssetId,
  addressOf,
  assetIdOf,
  ConversationId,
  DeviceId,
  DomainName,
  domainOf,
  domainOfOffice,
  GroupId,
  handleOf,
  officeOf,
  parseAddress,
  parseAssetId,
  parseConversationId,
  parseDeviceId,
  parseDomainName,
  parseGroupId,
  parseUserId,
  UserId,
  userIdOf,
  userOfDevice,
} from './ids.ts';

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

it('reads a user and a conversation, each as its schema does', () => {
  const user = 'mimi://alpha.example/u/alice';
  const conversation = 'mimi://alpha.example/r/AAECAwQFBgcICQoLDA0ODw';
  expect([parseUserId(user), parseConversationId(conversation)]).toEqual([user, conversation]);
  expect([Compile(UserId).Check(user), Compile(ConversationId).Check(conversation)]).toEqual([true, true]);
  for (const wrong of [
    conversation,
    `${user}/d/x`,
    'mimi://alpha.example/u/',
    'mimi://127.0.0.1/u/alice',
    `x${user}`,
  ]) {
    expect(parseUserId(wrong)).toBeUndefined();
    expect(Compile(UserId).Check(wrong)).toBe(false);
  }
  for (const wrong of [user, `${conversation}/c/x`, 'mimi://alpha.example/r/short', '']) {
    expect(parseConversationId(wrong)).toBeUndefined();
    expect(Compile(ConversationId).Check(wrong)).toBe(false);
  }
});

it('has an id for whoever runs a homeserver that is one, and that of no account', () => {
  const domain = parseDomainName('alpha.example') as DomainName;
  const office = officeOf(domain);
  expect(Compile(UserId).Check(office)).toBe(true);
  expect(Compile(UserId).Check(officeOf(`${'a.'.repeat(47)}aa.aaa` as DomainName))).toBe(true);
  expect(domainOfOffice(office)).toBe(domain);
  for (const handle of ['administrator', 'alice']) expect(domainOfOffice(userIdOf(domain, handle))).toBeUndefined();
  expect(domainOfOffice(userIdOf('alpha.invalid' as DomainName, 'alice'))).toBeUndefined();
});

it('reads a device and a group, each as its schema does', () => {
  const device = 'mimi://alpha.example/u/alice/d/AAECAwQFBgcICQoL';
  const group = 'mimi://alpha.example/g/AAECAwQFBgcICQoLDA0ODw';
  const parsed = parseDeviceId(device);
  expect(parsed).toBe(device);
  expect(parsed && [userOfDevice(parsed), domainOf(parsed)]).toEqual(['mimi://alpha.example/u/alice', 'alpha.example']);
  expect(parseGroupId(group)).toBe(group);
  expect([Compile(DeviceId).Check(device), Compile(GroupId).Check(group)]).toEqual([true, true]);
  for (const wrong of [group, `${device}/x`, 'mimi://alpha.example/u/alice/d/', `x${device}`, '']) {
    expect(parseDeviceId(wrong)).toBeUndefined();
    expect(Compile(DeviceId).Check(wrong)).toBe(false);
  }
  for (const wrong of [device, 'mimi://127.0.0.1/g/AAECAwQFBgcICQoLDA0ODw', 'mimi://alpha.example/g/short']) {
    expect(parseGroupId(wrong)).toBeUndefined();
    expect(Compile(GroupId).Check(wrong)).toBe(false);
  }
});

it('reads a file’s id as its schema does', () => {
  const asset = assetIdOf('alpha.example' as DomainName, 'AAECAwQFBgcICQoLDA0ODw');
  expect(asset).toBe('mimi://alpha.example/a/AAECAwQFBgcICQoLDA0ODw');
  expect(parseAssetId(asset)).toBe(asset);
  expect(domainOf(asset)).toBe('alpha.example');
  expect(Compile(AssetId).Check(asset)).toBe(true);
  for (const wrong of [
    'mimi://alpha.example/a/',
    'mimi://alpha.example/a/short',
    'mimi://alpha.example/a/AAECAwQFBgcICQoLDA0ODwA',
    'mimi://alpha.example/a/..%2FAwQFBgcICQoLDA0ODw',
    'mimi://alpha.example/g/AAECAwQFBgcICQoLDA0ODw',
    'mimi://127.0.0.1/a/AAECAwQFBgcICQoLDA0ODw',
    `x${asset}`,
    `${asset}\n`,
    '',
  ]) {
    expect(parseAssetId(wrong)).toBeUndefined();
    expect(Compile(AssetId).Check(wrong)).toBe(false);
  }
});
