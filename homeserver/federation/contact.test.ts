import { setImmediate as settled } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { domain, testWorld } from '../testing/world.ts';
import { type Away, Contacts } from './contact.ts';

const beta = domain('beta.example');

test('whoever gives no answer cannot be reached since then, and is asked until there is one', async () => {
  const world = testWorld();
  const told: (Away | undefined)[] = [];
  let probes = 0;
  const contacts = new Contacts({
    world,
    probe: async () => {
      probes += 1;
    },
    onChange: (_, away) => told.push(away),
  });
  contacts.note(beta, 'ok');
  contacts.heard(beta);
  contacts.sweep();
  expect([told, probes]).toEqual([[], 0]);
  const since = world.now();
  contacts.note(beta, 'FED_UNREACHABLE');
  world.advance(5_000);
  contacts.note(beta, 'FED_TLS');
  expect(contacts.of(beta)).toEqual({ reachedAt: since, trouble: { code: 'FED_TLS', since } });
  const away = { unreachableSince: since };
  expect([told, contacts.away(beta)]).toEqual([[away], away]);
  contacts.sweep();
  contacts.sweep();
  expect(probes).toBe(1);
  // What was not asked, and what makes no sense, is no answer.
  contacts.note(beta, 'FED_NOT_ALLOWED');
  contacts.note(beta, 'SIG_SCHEMA');
  expect(told).toEqual([away]);
  // A refusal is one.
  contacts.note(beta, 'HOME_FORBIDDEN');
  expect([told, contacts.away(beta)]).toEqual([[away, undefined], undefined]);
});

test('a turn is told once, with the first reason, and none where a domain is only taken off the list', () => {
  const turns: unknown[] = [];
  const contacts = new Contacts({
    world: testWorld(),
    probe: async () => undefined,
    onTurn: (_, trouble) => turns.push(trouble ?? 'answers'),
  });
  for (const result of ['ok', 'FED_UNREACHABLE', 'FED_UNREACHABLE', 'FED_TLS', 'ok', 'ok'] as const)
    contacts.note(beta, result);
  expect(turns.splice(0)).toEqual(['FED_UNREACHABLE', 'answers']);
  contacts.note(beta, 'FED_REFUSED');
  contacts.forget(beta);
  expect(turns).toEqual(['FED_REFUSED']);
});

test('whoever comes to the door is asked at once, but not for each time that it comes', async () => {
  const world = testWorld();
  let probes = 0;
  const contacts = new Contacts({
    world,
    probe: async () => {
      probes += 1;
    },
  });
  contacts.note(beta, 'FED_UNREACHABLE');
  for (let i = 0; i < 3; i++) {
    contacts.heard(beta);
    await Promise.resolve();
  }
  expect(probes).toBe(1);
  world.advance(5_000);
  contacts.heard(beta);
  expect(probes).toBe(2);
  contacts.forget(beta);
  world.advance(5_000);
  contacts.heard(beta);
  contacts.sweep();
  expect([probes, contacts.away(beta)]).toEqual([2, undefined]);
});

test('whoever goes on closing the door lets us in no more: that is said, and taken back with the first answer', () => {
  const world = testWorld();
  const told: (Away | undefined)[] = [];
  const contacts = new Contacts({ world, probe: async () => undefined, onChange: (_, away) => told.push(away) });
  const down = world.now();
  // A homeserver that is being stopped closes connections too, and is then not there.
  contacts.note(beta, 'FED_REFUSED');
  world.advance(20_000);
  contacts.note(beta, 'FED_UNREACHABLE');
  world.advance(20_000);
  const since = world.now();
  contacts.note(beta, 'FED_REFUSED');
  world.advance(9_999);
  contacts.note(beta, 'FED_REFUSED');
  expect(told).toEqual([{ unreachableSince: down }]);
  world.advance(1);
  contacts.note(beta, 'FED_REFUSED');
  contacts.note(beta, 'FED_REFUSED');
  const refused = { unreachableSince: since, refuses: true };
  expect(told.splice(1)).toEqual([refused]);
  expect(contacts.away(beta)).toEqual(refused);
  // Another trouble is another thing to be told of.
  contacts.note(beta, 'FED_UNREACHABLE');
  expect(told.splice(1)).toEqual([{ unreachableSince: down }]);
  contacts.note(beta, 'ok');
  expect([told.splice(1), contacts.away(beta)]).toEqual([[undefined], undefined]);
});

test('a domain that was not asked for long is asked whether it still lets us in, not all at once', async () => {
  const world = testWorld();
  const allowed = Array.from({ length: 130 }, (_, index) => domain(`far${index}.example`));
  const asked: string[] = [];
  const contacts: Contacts = new Contacts({
    world,
    allowed: () => allowed,
    probe: async (of) => {
      asked.push(of);
      contacts.note(of, 'ok');
    },
  });
  contacts.sweep();
  expect(asked).toEqual(allowed.slice(0, 100));
  await settled();
  contacts.sweep();
  await settled();
  contacts.sweep();
  expect(asked).toEqual(allowed);
  world.advance(299_999);
  contacts.note(allowed[0] ?? beta, 'ok');
  contacts.sweep();
  expect(asked).toHaveLength(130);
  world.advance(1);
  contacts.sweep();
  expect(asked.slice(130)).toEqual(allowed.slice(1, 101));
});
