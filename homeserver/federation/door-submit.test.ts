/** What a domain hands in, as it is counted for the administrator. */
import { expect, test, vi } from 'vitest';
import { HawserError } from '#signalling/errors.ts';
import type { ConversationId, DeviceId } from '#signalling/ids.ts';
import type { Groups } from '../ds/groups.ts';
import { domain } from '../testing/world.ts';
import { takeSubmissions } from './door-submit.ts';

const [alpha, beta] = [domain('alpha.example'), domain('beta.example')];
const conversation = `mimi://alpha.example/r/${'a'.repeat(22)}` as ConversationId;
const device = 'mimi://beta.example/u/bob/d/desk' as DeviceId;
const submission = (number: number) => ({ conversation, device, number, message: `m${number}` });

/** Takes each number once. */
function hub(refused?: HawserError): Pick<Groups, 'sendAll'> {
  let last = 0;
  return {
    sendAll: async (messages) =>
      messages.map(({ message: { number }, onNew }) => {
        if (number > last) onNew?.();
        last = Math.max(last, number);
        return () => {
          if (refused) throw refused;
          return { position: number, at: 1 };
        };
      }),
  };
}

const counted = () => {
  const onTaken = vi.fn();
  return { onTaken, on: { onTaken, onForeign: vi.fn(), onEquivocated: vi.fn() } };
};

test('what is handed in once more, because the answer was lost, is answered as taken and not counted again', async () => {
  const { onTaken, on } = counted();
  const groups = hub();
  await takeSubmissions(groups, alpha, beta, [submission(1), submission(2)], on);
  const again = await takeSubmissions(groups, alpha, beta, [submission(1), submission(2), submission(3)], on);
  expect(again.results).toEqual([{ taken: true }, { taken: true }, { taken: true }]);
  await takeSubmissions(groups, alpha, beta, [submission(3)], on);
  expect(onTaken.mock.calls).toEqual([
    [beta, 2],
    [beta, 1],
  ]);
});

test('what was taken of a request that is refused as a whole is counted then', async () => {
  const { onTaken, on } = counted();
  const groups = hub(new HawserError('HOME_STORE_FULL'));
  await expect(takeSubmissions(groups, alpha, beta, [submission(1)], on)).rejects.toMatchObject({ retry: true });
  expect(onTaken.mock.calls).toEqual([[beta, 1]]);
});
