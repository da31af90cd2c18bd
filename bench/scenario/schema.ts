/** The form of a scenario file. Each option says what a value must look like, in words that complete "must be …". */
import Type, { type Static, type TProperties } from 'typebox';
import { DOMAINS, LAYOUTS } from './scenario.ts';

export const MOST_PEOPLE = 400;
export const MOST_SECONDS = 600;

/** Short enough that it is not seen in a report, long enough for what the joins stirred up. */
const SETTLE_SECONDS = 2;

const section = <P extends TProperties>(properties: P) => Type.Object(properties, { additionalProperties: false });

const word = <const W extends readonly string[]>(words: W, note: { readonly default?: W[number] } = {}) =>
  Type.Unsafe<W[number]>({ type: 'string', enum: [...words], expects: `one of ${words.join(', ')}`, ...note });

const whole = (
  minimum: number,
  maximum: number,
  note: { readonly default?: number; readonly description?: string } = {},
) => Type.Integer({ minimum, maximum, expects: `a whole number from ${minimum} to ${maximum}`, ...note });

const moment = (note: { readonly default?: number } = {}) =>
  Type.Number({ minimum: 0, maximum: MOST_SECONDS, expects: `seconds from 0 to ${MOST_SECONDS}`, ...note });

const Group = section({
  at: word(DOMAINS),
  count: whole(1, MOST_PEOPLE, { default: 1 }),
  publish: Type.Array(word(['camera', 'microphone', 'screen']), {
    maxItems: 3,
    uniqueItems: true,
    expects: 'a list of camera, microphone and screen, each once at the most',
    default: [],
  }),
  watch: Type.Optional(section({ layout: word(LAYOUTS), small: Type.Optional(whole(0, MOST_PEOPLE)) })),
});

const Speech = section({
  who: Type.String({
    pattern: `^(?:everybody|(?:${DOMAINS.join('|')})-[1-9][0-9]{0,2})$`,
    expects: 'a person such as alpha-1, or everybody',
  }),
  from: moment({ default: 0 }),
  to: Type.Optional(moment()),
});

export const ScenarioSchema = section({
  seconds: whole(2, MOST_SECONDS, { default: 20 }),
  settleSeconds: Type.Number({ minimum: 0, maximum: 60, expects: 'seconds from 0 to 60', default: SETTLE_SECONDS }),
  entrance: word(['webrtc', 'plain'], { default: 'webrtc' }),
  people: Type.Array(Group, {
    minItems: 1,
    maxItems: 40,
    expects: 'a list of 1 to 40 groups, such as - { at: alpha, count: 12, publish: [camera, microphone] }',
    description: 'who is where, as a list of groups.',
  }),
  speech: Type.Array(Speech, {
    maxItems: 400,
    expects: 'a list of at most 400 turns, such as - { who: alpha-1, from: 0, to: 10 }',
    default: [],
  }),
});
export type ScenarioFile = Static<typeof ScenarioSchema>;
