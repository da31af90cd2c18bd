/** The parsers themselves, without a server around them: what a hub reads of groups, and what devices read of each other. */
import fc from 'fast-check';
import { encodeContent } from '#client/content/codec.ts';
import { decodeContainer } from '#client/content/container.ts';
import { interpret } from '#client/content/interpret.ts';
import { decodeReports } from '#client/content/report.ts';
import { AT, content, ROOM, user } from '#client/content/testing/contents.ts';
import { STATUS_VECTOR, VECTORS } from '#client/content/testing/vectors.ts';
import { certificationRequest, makeSignatureKeys } from '#client/device/keys.ts';
import { rangeOf } from '#homeserver/assets/range.ts';
import { readCertificate } from '#mls/certificate.ts';
import { readDeviceCertificate } from '#mls/device-certificate.ts';
import { identityIn } from '#mls/identity.ts';
import { membersOf } from '#mls/members.ts';
import { beginPublicGroup, type CommitParts, checkApplication } from '#mls/public-group.ts';
import { TestHub } from '#mls/testing/hub.ts';
import { bytes, request } from '#mls/testing/world.ts';
import { parseFramed, parseGroupInfo, parseKeyPackage, parseTree, parseWelcome } from '#mls/wire.ts';
import { fromBase64Url, toBase64Url } from '#signalling/base64.ts';
import { HawserError } from '#signalling/errors.ts';
import { nestingWithin } from '#signalling/nesting.ts';
import { type Spoiling, spoiling, spoilt } from '#signalling/testing-spoil.ts';
import { deviceKeyIn } from '#trust/issue-devices.ts';
import type { Outcome, Target } from './target.ts';

/** Real inputs and who reads them; a reader throws a `HawserError` or takes it. */
interface Parser {
  readonly name: string;
  readonly inputs: readonly Uint8Array[];
  readonly read: (input: Uint8Array<ArrayBuffer>) => unknown;
}

export async function parserTargets(): Promise<Target[]> {
  const parsers = [...(await mlsParsers()), ...(await contentParsers()), ...(await smallParsers())];
  return parsers.map(({ name, inputs, read }) => ({
    name,
    inputs: spoiling,
    attempt: (how) => tried(() => read(spoilt(inputs, how as Spoiling))),
  }));
}

async function tried(work: () => unknown): Promise<Outcome> {
  try {
    await work();
    return { answer: 'taken' };
  } catch (error) {
    if (error instanceof HawserError) return { answer: error.code };
    const wrong = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { answer: 'no code', wrong };
  }
}

async function mlsParsers(): Promise<Parser[]> {
  const hub = await TestHub.make();
  const [alice, bob, carol, dave] = await hub.world.devices(
    'alice/laptop',
    'bob@beta/phone',
    'carol/tablet',
    'dave/pc',
  );
  await hub.world.group(alice, bob, carol);
  const begun = { groupInfo: await alice.group.groupInfo(), tree: alice.group.tree() };
  const message = await alice.group.send(bytes('hello'));
  const own = await dave.keyPackage();
  await hub.begin(begun);
  const parts: CommitParts = await alice.group.commit({ add: [own.bytes], remove: [carol.id] }, request());
  const welcome = parts.welcome ?? new Uint8Array();
  const begin = (changed: Partial<typeof begun>) => beginPublicGroup({ ...begun, ...changed }, hub.environment);
  return [
    { name: 'MLS message', inputs: [parts.commit, message], read: parseFramed },
    { name: 'MLS Welcome', inputs: [welcome], read: parseWelcome },
    { name: 'MLS key package', inputs: [own.bytes], read: parseKeyPackage },
    { name: 'MLS GroupInfo', inputs: [begun.groupInfo, parts.groupInfo], read: parseGroupInfo },
    { name: 'MLS tree', inputs: [begun.tree, alice.group.tree('pending')], read: (it) => membersOf(parseTree(it)) },
    { name: 'hub: commit', inputs: [parts.commit], read: (commit) => hub.try({ ...parts, commit }) },
    { name: 'hub: GroupInfo', inputs: [parts.groupInfo], read: (groupInfo) => hub.try({ ...parts, groupInfo }) },
    { name: 'hub: Welcome', inputs: [welcome], read: (it) => hub.try({ ...parts, welcome: it }) },
    { name: 'hub: new group', inputs: [begun.groupInfo], read: (groupInfo) => begin({ groupInfo }) },
    { name: 'hub: new tree', inputs: [begun.tree], read: (tree) => begin({ tree }) },
    { name: 'hub: message', inputs: [message], read: (it) => checkApplication(hub.state, it) },
    {
      name: 'certificate of a device',
      inputs: alice.keys.certificates.slice(0, 1),
      read: (it) => identityIn(readDeviceCertificate(it)),
    },
    {
      name: 'certificate of an issuer',
      inputs: [...alice.keys.certificates.slice(1), ...hub.world.domain(alice.id).authority.roots],
      read: readCertificate,
    },
  ];
}

async function contentParsers(): Promise<Parser[]> {
  const origin = { sender: user('alice'), room: ROOM };
  const written: Uint8Array[] = VECTORS.map((vector) => vector.bytes);
  for (const each of fc.sample(content, { numRuns: 300, seed: 9 })) {
    const encoded = await encodeContent(each, origin, { now: AT, random: (buffer) => buffer.fill(9) }).catch(
      () => undefined,
    );
    if (encoded !== undefined && encoded.bytes.length < 2_000) written.push(encoded.bytes);
  }
  return [
    { name: 'content', inputs: written, read: (it) => interpret(decodeContainer(it), origin, AT) },
    { name: 'reports', inputs: [STATUS_VECTOR, ...written.slice(0, 20)], read: decodeReports },
  ];
}

async function smallParsers(): Promise<Parser[]> {
  const texts = [
    'AAECAwQFBgcICQoLDA0ODw',
    toBase64Url(new Uint8Array(5_000).fill(255)),
    'bytes=0-99',
    '{"a":[{"b":1}]}',
  ];
  const inputs = texts.map((text) => new TextEncoder().encode(text));
  const asText = (it: Uint8Array) => new TextDecoder().decode(it);
  return [
    { name: 'base64url', inputs, read: (it) => fromBase64Url(asText(it)) },
    { name: 'range', inputs, read: (it) => rangeOf(asText(it), 4_096) },
    { name: 'nesting', inputs, read: (it) => nestingWithin(asText(it), 12) },
    {
      name: 'certification request',
      inputs: [await certificationRequest(await makeSignatureKeys())],
      read: deviceKeyIn,
    },
  ];
}
