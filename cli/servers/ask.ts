/** Asks the administrator's port of a server: a typed answer, or a sentence for the person at the keyboard. */
import type { Static, TSchema } from 'typebox';
import Type from 'typebox';
import { Check } from 'typebox/value';
import { isRefused } from '../accounts/office.ts';
import { Problem } from '../errors.ts';

const ANSWER_MS = 15_000;
const Refusal = Type.Object({ code: Type.String({ maxLength: 60 }), message: Type.String({ maxLength: 1_000 }) });

/** The server says no. The message is its own. */
export class Refused extends Problem {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

export interface Port {
  /** Such as `127.0.0.1:8550`. */
  readonly address: string;
  /** What should answer there, for a sentence: `homeserver` or `media server`. */
  readonly what: string;
  /** The option that names the address. */
  readonly option: string;
}

/**
 * @param body sent as JSON where it is given
 * @returns undefined where nobody listens there
 * @throws Refused what the server refuses; Problem where something else answers, or nothing in time
 */
export async function ask<S extends TSchema>(
  { address, what, option }: Port,
  [method, path]: readonly [method: 'GET' | 'POST' | 'PUT', path: string],
  schema: S,
  signal: AbortSignal,
  body?: object,
): Promise<Static<S> | undefined> {
  const answer = await fetch(`http://${address}${path}`, {
    method,
    signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]),
    ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  })
    .then(async (response) => ({ ok: response.ok, value: (await response.json()) as unknown }))
    .catch((error: unknown) => {
      if (isRefused(error)) return undefined;
      throw new Problem(`What listens at ${address} does not answer as a ${what} does. Correct ${option}.`, {
        cause: error,
      });
    });
  if (!answer) return undefined;
  if (!answer.ok && Check(Refusal, answer.value)) throw new Refused(answer.value.code, answer.value.message);
  if (answer.ok && Check(schema, answer.value)) return answer.value;
  throw new Problem(
    `The ${what} at ${address} answers what this hawser does not understand. Is it of another version?`,
  );
}

/** @throws Problem where nobody listens there */
export async function mustAsk<S extends TSchema>(
  port: Port,
  request: readonly [method: 'GET' | 'POST' | 'PUT', path: string],
  schema: S,
  signal: AbortSignal,
  body?: object,
): Promise<Static<S>> {
  const answer = await ask(port, request, schema, signal, body);
  if (answer === undefined) throw notRunning(port);
  return answer;
}

export function notRunning({ address, what, option }: Port): Problem {
  const command = what === 'homeserver' ? 'hawser homeserver' : 'hawser sft';
  return new Problem(`No ${what} runs at ${address}. Start it with ${command}, or correct ${option}.`);
}
