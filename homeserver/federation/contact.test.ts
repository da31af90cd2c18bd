import { expect, test } from 'vitest';
import { domain, testWorld } from '../testing/world.ts';
import { Contacts } from './contact.ts';

const beta = domain('beta.example');

test('whoever gives no answer cannot be reached since then, and is asked until there is one', async () => {
  const world = testWorld();
  const told: (number | undefined)[] = [];
  let probes = 0;
  const contacts = new Contacts({
    world,
    probe: async () => {
      probes += 1;
    },
    onChange: (_, since) => told.push(since),
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
  expect([told, contacts.unreachableSince(beta)]).toEqual([[since], since]);
  contacts.sweep();
  contacts.sweep();
  expect(probes).toBe(1);
  // What was not asked, and what makes no sense, is no answer.
  contacts.note(beta, 'FED_NOT_ALLOWED');
  contacts.note(beta, 'SIG_SCHEMA');
  expect(told).toEqual([since]);
  // A refusal is one.
  contacts.note(beta, 'HOME_FORBIDDEN');
  expect([told, contacts.unreachableSince(beta)]).toEqual([[since, undefined], undefined]);
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
  expect([probes, contacts.unreachableSince(beta)]).toEqual([2, undefined]);
});
