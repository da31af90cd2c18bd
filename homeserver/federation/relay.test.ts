/** Our devices at other hubs, without a hub. */
import { expect, test } from 'vitest';
import type { ConversationId, DeviceId, UserId } from '#signalling/ids.ts';
import { Relay } from './relay.ts';

const conversation = `mimi://beta.example/r/${'a'.repeat(22)}` as ConversationId;
const user = 'mimi://alpha.example/u/alice' as UserId;
const asker = { user, device: `${user}/d/laptop` as DeviceId };

test.for([-3_600_000, 3_600_000])(
  'who waits for a turn gets an answer though the clock is set by %i ms',
  async (by) => {
    let [now, asked] = [10_000_000, 0];
    const never = async () => expect.fail('nobody asks for that');
    const relay = new Relay({
      hubs: {
        ...{ createGroup: never, groupInfo: never, join: never, tree: never, commit: never, endTurn: never },
        turn: async () => {
          asked += 1;
          now += asked === 1 ? by : 2_000;
          return asked === 3;
        },
      },
      beginReading: never,
      knows: async () => true,
      reached: async () => undefined,
      world: { now: () => now },
    });
    await expect(relay.waitForTurn(asker, conversation)).rejects.toMatchObject({ code: 'HOME_SLOW_DOWN', retry: true });
    expect(asked).toBe(1);
  },
);
