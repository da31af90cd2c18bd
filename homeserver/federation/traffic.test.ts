import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { DomainName } from '#signalling/ids.ts';
import { Traffic } from './traffic.ts';

const beta = 'beta.example' as DomainName;
const START = 1_800_000_000_000;

function traffic(isListed = true) {
  const clock = { now: START };
  return {
    clock,
    counted: new Traffic(
      () => clock.now,
      (domain) => isListed && domain === beta,
    ),
  };
}

it('counts what was in the last hour, and forgets the rest', () => {
  const { clock, counted } = traffic();
  counted.noteMessage(beta, 'in', 3);
  counted.noteCall(beta);
  clock.now += 30 * 60_000;
  counted.noteMessage(beta, 'out');
  counted.noteRefusal(beta, 'SIG_FLOOD');
  counted.noteRefusal(beta, 'FED_FOREIGN');
  counted.noteRefusal(beta, 'FED_FOREIGN');
  expect(counted.lastHour(beta)).toEqual({
    messagesIn: 3,
    messagesOut: 1,
    calls: 1,
    refusals: [
      { code: 'FED_FOREIGN', count: 2 },
      { code: 'SIG_FLOOD', count: 1 },
    ],
  });
  clock.now += 30 * 60_000;
  expect(counted.lastHour(beta)).toMatchObject({ messagesIn: 0, messagesOut: 1, calls: 0 });
  clock.now += 30 * 60_000;
  expect(counted.lastHour(beta)).toEqual({ messagesIn: 0, messagesOut: 0, calls: 0, refusals: [] });
  expect(counted.domains()).toEqual([]);
});

it('counts the same as a list of everything, whatever the clock does', () => {
  const steps = fc.array(fc.tuple(fc.integer({ min: -90, max: 200 }), fc.integer({ min: 1, max: 5 })), {
    maxLength: 60,
  });
  fc.assert(
    fc.property(steps, (all) => {
      const { clock, counted } = traffic();
      // A slot that is used again is forgotten: only times that go forward are counted in full.
      let isForward = true;
      const said: { at: number; count: number }[] = [];
      for (const [minutes, count] of all) {
        isForward &&= minutes >= 0;
        clock.now += minutes * 60_000;
        counted.noteMessage(beta, 'in', count);
        said.push({ at: clock.now, count });
      }
      const minute = Math.floor(clock.now / 60_000);
      const inHour = said.filter(
        ({ at }) => Math.floor(at / 60_000) > minute - 60 && Math.floor(at / 60_000) <= minute,
      );
      const expected = inHour.reduce((sum, { count }) => sum + count, 0);
      const { messagesIn } = counted.lastHour(beta);
      if (isForward) expect(messagesIn).toBe(expected);
      else expect(messagesIn).toBeLessThanOrEqual(expected);
    }),
  );
});

it('whoever makes up names pushes out his own, and nobody who is on the list', () => {
  const { counted } = traffic();
  counted.noteRefusal(beta, 'SIG_FLOOD');
  for (let n = 0; n < 5_000; n++) counted.noteRefusal(`n${n}.example` as DomainName, 'TRUST_UNKNOWN_DOMAIN');
  expect(counted.domains().length).toBeLessThanOrEqual(101);
  expect(counted.lastHour(beta).refusals).toEqual([{ code: 'SIG_FLOOD', count: 1 }]);
  expect(counted.domains()).toContain('n4999.example');
});
