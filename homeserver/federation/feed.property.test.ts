/** Whatever is lost, repeated, late or begun anew: a device gets what went to its group while it was in, once and in the hub's order. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Feed } from '#signalling/federation-feed.ts';
import type { DeviceId, GroupId } from '#signalling/ids.ts';
import { until } from '../testing/world.ts';
import { Unreachable } from './errors.ts';
import { BETA, BOB, BOBS_PHONE, COMMIT, FeedPair, GROUP } from './testing/feed-pair.ts';

const GROUPS = [GROUP, 'mimi://alpha.example/g/BBBBBBBBBBBBBBBB' as GroupId];
const DEVICES = [BOB, BOBS_PHONE];

type Step =
  | { readonly do: 'say' | 'move'; readonly group: number; readonly device: number }
  | { readonly do: 'network'; readonly fate: Fate }
  | { readonly do: 'restartHub' | 'restartFollower' | 'acknowledge' | 'late' };
type Fate = 'ok' | 'lost' | 'answer lost' | 'twice';

const some = fc.nat({ max: 1 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('say' as const), group: some, device: some }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('move' as const), group: some, device: some }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('network' as const),
      fate: fc.constantFrom<Fate>('ok', 'lost', 'answer lost', 'twice'),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom('restartHub' as const, 'restartFollower' as const, 'acknowledge' as const, 'late' as const),
    }),
  },
);

/** What should be where, without any of the means. */
class Model {
  readonly inside = new Map<GroupId, Set<DeviceId>>(GROUPS.map((group) => [group, new Set()]));
  readonly queues = new Map<DeviceId, string[]>(DEVICES.map((device) => [device, []]));

  write(group: GroupId, text: string): void {
    for (const device of this.inside.get(group) ?? []) this.queues.get(device)?.push(text);
  }
}

async function run(steps: readonly Step[]): Promise<void> {
  await using pair = await FeedPair.open();
  const model = new Model();
  const sent: Feed[] = [];
  let fate: Fate = 'ok';
  pair.network = async (feed) => {
    sent.push(structuredClone(feed));
    if (fate === 'lost') throw new Unreachable([BETA]);
    const answer = await pair.deliver(feed);
    if (fate === 'twice') return pair.deliver(feed);
    if (fate === 'answer lost') throw new Unreachable([BETA]);
    return answer;
  };
  for (const [number, each] of steps.entries()) {
    switch (each.do) {
      case 'say': {
        const audience = GROUPS[each.group] ?? GROUP;
        model.write(audience, `${number}`);
        await pair.say(`${number}`, { audience });
        break;
      }
      case 'move': {
        const [audience, device] = [GROUPS[each.group] ?? GROUP, DEVICES[each.device] ?? BOB];
        const inside = model.inside.get(audience) ?? new Set();
        const [payload, entry] = [`${COMMIT}${number}`, { kind: 'commit', audience } as const];
        model.write(audience, payload);
        const isIn = inside.has(device);
        if (isIn) inside.delete(device);
        else inside.add(device);
        await pair.write({ ...entry, payload }, isIn ? { left: [device] } : { joined: [device] }, inside.size === 0);
        break;
      }
      case 'network':
        fate = each.fate;
        pair.hub.feeds.retryNow(BETA);
        break;
      case 'acknowledge':
        pair.hub.queues.mayForget(GROUPS);
        await pair.kept();
        break;
      case 'late': {
        const old = sent[(number * 7) % Math.max(1, sent.length)];
        if (old) await pair.deliver(old);
        break;
      }
      default:
        await pair[each.do]();
    }
  }
  fate = 'ok';
  const upTo = await pair.hub.feeds.upTo(BETA);
  await until(async () => {
    pair.hub.feeds.retryNow(BETA);
    const [state] = await pair.hub.feeds.state();
    return (state?.waiting ?? 0) === 0;
  }, 'everything is delivered');
  for (const device of DEVICES) expect(await pair.got(device)).toEqual(model.queues.get(device));
  expect(await pair.hub.feeds.upTo(BETA)).toBe(upTo);
  expect([pair.dropped, pair.faults, pair.equivocated]).toEqual([[], [], 0]);
  // Nobody at the hub reads these groups: what the domain has is not kept.
  pair.hub.queues.mayForget(GROUPS);
  expect(await pair.kept()).toEqual([]);
}

test('once, in order, wherever requests and processes end', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), (steps) => run(steps)),
    { numRuns: 40 },
  );
}, 120_000);
