/**
 * This version against the one before it, in both directions. What version 1 said and how strictly it read is kept in `fixtures/version-1`,
 * as that version itself printed it; the other organisation is a double that knows nothing else.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import Type, { type TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { TestDevice } from '#client/testing/test-device.ts';
import { Problem } from '#signalling/client-home.ts';
import {
  FEDERATION_PATHS,
  type FederationCall,
  GrantAnswer,
  GrantRequest,
  IdentifierAnswer,
  IdentifierQuery,
  NotifyAnswer,
  Operation,
  PeersAnswer,
  PeersQuery,
  Statement,
  Versions,
} from '#signalling/federation.ts';
import type { ConversationId } from '#signalling/ids.ts';
import { makeTestDomain, writeTestPeers } from '#trust/testing.ts';
import { type Organisation, organise, PASSWORD, type World } from '../testing/organisation.ts';
import { type Answer, type Asked, PeerDouble } from '../testing/peer-double.ts';
import type { Person } from '../testing/person.ts';
import { until, user } from '../testing/world.ts';

interface Exchange {
  readonly name: string;
  readonly call: FederationCall;
  readonly path: string;
  readonly body?: unknown;
  readonly status: number;
  readonly answer: unknown;
}

const FOLDER = join(import.meta.dirname, 'fixtures', 'version-1');
const read = async (file: string) => JSON.parse(await readFile(join(FOLDER, file), 'utf8')) as unknown;

const exchanges = (await read('exchanges.json')) as Exchange[];
/** As version 1 read: unknown members are refused. */
const schemas = (await read('schemas.json')) as Record<string, TSchema>;
const asVersion1 = Object.fromEntries(
  Object.entries(schemas).map(([name, schema]) => [name, Compile(Type.Unsafe(schema))]),
);

/** Question and answer of each call of version 1. */
const CALLS = {
  versions: [undefined, 'Versions'],
  identifierQuery: ['IdentifierQuery', 'IdentifierAnswer'],
  peersQuery: ['PeersQuery', 'PeersAnswer'],
  update: ['Operation', 'Statement'],
  notify: ['Statement', 'NotifyAnswer'],
  grant: ['GrantRequest', 'GrantAnswer'],
} as const;
type OldCall = keyof typeof CALLS;
const isOldCall = (call: string): call is OldCall => Object.hasOwn(CALLS, call);

const TODAY: Record<string, TSchema> = {
  ...{ Versions, IdentifierQuery, IdentifierAnswer, PeersQuery, PeersAnswer, Operation, Statement, NotifyAnswer },
  ...{ GrantRequest, GrantAnswer, Problem },
};

const understoodByOld = (name: string, value: unknown) =>
  asVersion1[name]?.Check(value) === true ? 'understood' : `${name}: ${JSON.stringify(value)}`;

describe('what version 1 said is understood', () => {
  test.each(exchanges)('$name', ({ call, body, status, answer }) => {
    if (!isOldCall(call)) throw new RangeError(call);
    const [question, reply] = CALLS[call];
    if (question) expect(Compile(TODAY[question] as TSchema).Check(body)).toBe(true);
    expect(Compile(TODAY[status < 300 ? reply : 'Problem'] as TSchema).Check(answer)).toBe(true);
  });

  test('every call of it is among them', () => {
    expect(new Set(exchanges.map(({ call }) => call))).toEqual(new Set(Object.keys(CALLS)));
  });
});

describe('with an organisation that has version 1', () => {
  let world: World;
  let alpha: Organisation;
  let old: PeerDouble;
  let alice: Person;
  const bob = user('@bob@old.example');
  /** What alpha sent that version 1 does not understand. */
  const strange: string[] = [];
  /** Newest state that alpha told, by conversation. */
  const told = new Map<ConversationId, Statement>();
  /** State of conversations of the old hub. */
  const own = new Map<ConversationId, Statement>();

  beforeAll(async () => {
    world = await organise('alpha.example');
    [alpha] = world.organisations as [Organisation];
    const certificates = await makeTestDomain(world.folder, 'old.example');
    old = await PeerDouble.start(certificates, await readFile(alpha.certificates.authority, 'utf8'), answerAsOld);
    await writeTestPeers(alpha.site.peers, [{ of: certificates, homeserver: old.address }]);
    alice = await alpha.person('alice', 'Alice');
    await until(() => old.asked.length > 0, 'alpha greets');
  });
  afterAll(async () => {
    await old[Symbol.asyncDispose]();
    await world[Symbol.asyncDispose]();
  });
  beforeEach(() => void strange.splice(0));

  /** A homeserver of version 1, as far as these tests need it; it refuses what that version would refuse. */
  function answerAsOld({ path, body }: Asked): Answer {
    const call = Object.entries(FEDERATION_PATHS).find(([, each]) =>
      new RegExp(`^${each.replace(/:[a-z]+$/, '[^/]+')}$`).test(path),
    )?.[0];
    if (call === undefined || !isOldCall(call)) {
      strange.push(path);
      return { status: 404, body: { code: 'SIG_UNKNOWN_METHOD', message: 'unknown', retry: false } };
    }
    const [question] = CALLS[call];
    if (question && asVersion1[question]?.Check(body) !== true) {
      strange.push(`${path} ${JSON.stringify(body)}`);
      return { status: 400, body: { code: 'SIG_SCHEMA', message: 'schema', retry: false } };
    }
    switch (call) {
      case 'versions':
        return { status: 200, body: { domain: 'old.example', versions: { min: 1, max: 1 } } };
      case 'identifierQuery':
        return { status: 200, body: { user: bob, name: 'Bob' } };
      case 'peersQuery':
        return { status: 200, body: { refused: [] } };
      case 'notify': {
        const statement = body as Statement;
        told.set(statement.conversation, statement);
        return { status: 200, body: { seq: statement.seq } };
      }
      case 'update': {
        const conversation = decodeURIComponent(path.slice(path.lastIndexOf('/') + 1)) as ConversationId;
        const before = own.get(conversation);
        if (!before) return { status: 404, body: { code: 'HOME_NOT_FOUND', message: 'none', retry: false } };
        const operation = body as Operation;
        const title = operation.type === 'changeTitle' ? operation.title : before.title;
        const after = { ...before, title, seq: before.seq + 1 };
        own.set(conversation, after);
        return { status: 200, body: after };
      }
      case 'grant':
        return { status: 404, body: { code: 'HOME_NO_CALL', message: 'none', retry: false } };
    }
  }

  const askAlpha = async (call: OldCall, parameter: string, body?: object) => {
    const path = FEDERATION_PATHS[call].replace(/:[a-z]+$/, encodeURIComponent(parameter));
    const answer = await old.ask(alpha.domain, alpha.homeserver.ports.federation, path, body);
    const name = answer.status < 300 ? CALLS[call][1] : 'Problem';
    expect(understoodByOld(name, answer.body)).toBe('understood');
    return answer;
  };

  test('it finds out that both speak version 1', async () => {
    const { body } = await askAlpha('versions', '');
    expect(body).toMatchObject({ versions: { min: 1 } });
  });

  test('a conversation, its call and its changes reach it in words that it knows', async () => {
    const { conversation } = await alice.create('Ropes', bob);
    await until(() => told.has(conversation), 'the old homeserver is told');
    const { call } = await alice.call(conversation);
    await until(() => told.get(conversation)?.call !== undefined, 'and of the call');
    // The group of a call came later than that version.
    const laptop = await TestDevice.open(alpha.url, 'alice', PASSWORD);
    await (await laptop.enter(conversation)).ready();
    expect((await alice.conversation(conversation)).call?.group).toBeDefined();
    await until(() => (told.get(conversation)?.seq ?? 0) > 2, 'and that something of it has changed');
    expect((await askAlpha('update', conversation, { type: 'changeName', actor: bob, name: 'Rob' })).status).toBe(200);
    laptop.close();
    await alice.changeTitle(conversation, 'Sails');
    await until(() => told.get(conversation)?.title === 'Sails', 'and of the title');
    const grant = await askAlpha('grant', call.conference, { conversation });
    expect(grant.status).toBe(200);
    await alice.endCall(conversation);
    await until(() => told.get(conversation)?.call === undefined, 'and of its end');
    expect(strange).toEqual([]);
  });

  test('its people do in a conversation here what they did before', async () => {
    const { conversation } = await alice.create('Knots', bob);
    await alice.changeRole(conversation, bob, 'admin');
    const dora = await alpha.person('dora', 'Dora');
    const operations: readonly Operation[] = [
      { type: 'changeTitle', actor: bob, title: 'Bends' },
      { type: 'addMember', actor: bob, user: dora.id },
      { type: 'changeRole', actor: bob, user: dora.id, role: 'admin' },
      { type: 'changeName', actor: bob, name: 'Robert' },
      { type: 'removeMember', actor: bob, user: dora.id },
      { type: 'leave', actor: bob },
    ];
    for (const operation of operations) {
      expect([operation.type, (await askAlpha('update', conversation, operation)).status]).toEqual([
        operation.type,
        200,
      ]);
    }
    expect((await alice.conversation(conversation)).members.map((each) => each.user)).toEqual([alice.id]);
    expect(strange).toEqual([]);
  });

  test('and people here in one of its conversations', async () => {
    const conversation = `mimi://old.example/r/${'O'.repeat(22)}` as ConversationId;
    const members = [
      { user: bob, domain: 'old.example', name: 'Bob', role: 'admin' },
      { user: alice.id, domain: 'alpha.example', name: 'Alice', role: 'admin' },
    ] as Statement['members'];
    own.set(conversation, { conversation, seq: 1, title: 'Old', members });
    expect((await askAlpha('notify', conversation, own.get(conversation))).body).toEqual({ seq: 1 });
    expect((await alice.changeTitle(conversation, 'New')).title).toBe('New');
    expect(strange).toEqual([]);
  });

  test('what it is too old for is said, and it is not asked', async () => {
    const laptop = await TestDevice.open(alpha.url, 'alice', PASSWORD);
    const asked = old.asked.length;
    const refusal = await laptop.api.claim(bob).catch((error: unknown) => error);
    laptop.close();
    expect(refusal).toMatchObject({ code: 'FED_OLD_VERSION' });
    expect(old.asked.slice(asked).filter(({ path }) => path !== FEDERATION_PATHS.versions)).toEqual([]);
    expect(strange).toEqual([]);
  });
});
