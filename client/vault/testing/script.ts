/** For tests: sequences of calls at random, and what a Map would have shown. */
import fc from 'fast-check';
import { byKey, ordinal } from '../record-key.ts';
import type { Bytes, Shown, Single, Step } from './play.ts';

/** What a Map would have shown. */
export function expected(steps: readonly Step[]): Shown[] {
  const records = new Map<string, Bytes>();
  const sorted = (prefix: string) => [...records].filter(([key]) => key.startsWith(prefix)).sort(byKey);
  const shown: Shown[] = [];
  const flat = steps.flatMap((step): Exclude<Step, { do: 'together' }>[] =>
    step.do === 'together' ? [...step.steps] : [step],
  );
  for (const step of flat) {
    switch (step.do) {
      case 'reopen':
        break;
      case 'write':
        for (const [key, value] of step.changes) {
          if (value === null) records.delete(key);
          else records.set(key, value);
        }
        break;
      case 'get': {
        const value = records.get(step.key);
        shown.push(value === undefined ? [] : [[step.key, value]]);
        break;
      }
      case 'list':
        shown.push(sorted(step.prefix));
        break;
      case 'pages': {
        const { from = 0, below = Number.MAX_SAFE_INTEGER, reverse = false } = step.range;
        const numbered = sorted(step.prefix).filter(([key]) => {
          const number = /^#(\d{16})(\/|$)/.exec(key.slice(step.prefix.length))?.[1];
          return number !== undefined && Number(number) >= from && Number(number) < below;
        });
        shown.push(reverse ? numbered.reverse() : numbered);
      }
    }
  }
  return shown;
}

const id = fc.constantFrom('mimi://alpha.example/r/one', 'mimi://beta.example/r/two', 'x', '', '#7', '~', '42');
const number = fc.nat({ max: 12 });
const key = fc.oneof(
  fc.constantFrom('status', 'group', 'message', 'message-x'),
  fc.tuple(fc.constantFrom('group', 'message'), id).map((parts) => parts.join('/')),
  fc.tuple(fc.constant('message'), id, number.map(ordinal)).map((parts) => parts.join('/')),
  fc.tuple(fc.constant('message'), id, number.map(ordinal), id).map((parts) => parts.join('/')),
);
const prefix = fc.oneof(
  { weight: 3, arbitrary: id.map((each) => `message/${each}/`) },
  fc.constantFrom('', 'group/', 'message/', 'message/mimi://'),
  fc.tuple(id, number.map(ordinal)).map(([each, at]) => `message/${each}/${at}/`),
);
const value = fc.oneof(
  fc.array(fc.nat({ max: 255 }), { maxLength: 20 }),
  // Larger than a page of a database.
  fc.nat({ max: 255 }).map((byte) => new Array<number>(10_000).fill(byte)),
);
const change = fc.tuple(key, fc.option(value, { freq: 4 }));
const few = fc.array(change, { maxLength: 12 });
/** Of one conversation: more than a page of them, some with the same number. */
const conversation = fc.tuple(id, fc.array(fc.tuple(number, id), { minLength: 8, maxLength: 30 }));
const many = fc
  .tuple(conversation, fc.nat({ max: 255 }))
  .map(([[of, messages], byte]) =>
    messages.map(([at, each]) => [`message/${of}/${ordinal(at)}/${each}`, [byte, at]] as [string, number[]]),
  );
const write = fc.record({ do: fc.constant('write' as const), changes: fc.oneof(few, many) });
const get = fc.record({ do: fc.constant('get' as const), key });
const list = fc.record({ do: fc.constant('list' as const), prefix });
const range = fc.record(
  { from: number, below: number, reverse: fc.boolean(), size: fc.integer({ min: 1, max: 5 }) },
  { requiredKeys: [] },
);
const pages = fc.record({ do: fc.constant('pages' as const), prefix, range });
const one: fc.Arbitrary<Single> = fc.oneof({ weight: 3, arbitrary: write }, get, list);

export const script: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof<fc.Arbitrary<Step>[]>(
    write,
    one,
    pages,
    pages,
    fc.record({ do: fc.constant('together' as const), steps: fc.array(one, { maxLength: 8 }) }),
    fc.constant({ do: 'reopen' as const }),
  ),
  { maxLength: 25 },
);
