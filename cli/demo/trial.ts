/** The demo's two organisations with alice and bob and a conversation of both, and their end without a trace. */
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { API } from '#signalling/client-home.ts';
import { userIdOf } from '#signalling/ids.ts';
import { Problem } from '../errors.ts';
import { ensureWorker } from '../setup/worker.ts';
import { Organisation } from './organisation.ts';
import type { Places } from './places.ts';

export interface Person {
  readonly handle: string;
  readonly name: string;
  readonly password: string;
  readonly organisation: Organisation;
}

export interface Trial {
  readonly alpha: Organisation;
  readonly beta: Organisation;
  readonly alice: Person;
  readonly bob: Person;
  readonly conversation: string;
  readonly folder: string;
  stop(): Promise<void>;
}

export interface TrialOptions {
  readonly places: { readonly alpha: Places; readonly beta: Places };
  /** Mail server of both; nobody can register by e-mail when left out. */
  readonly mail?: string;
  /** Where what it takes can be read; the sign-in pages link to it. */
  readonly mailbox?: string;
  /** One line about each step. */
  readonly say: (line: string) => void;
  readonly onDied: (sentence: string) => void;
}

export const CONVERSATION_TITLE = 'Alpha and Beta';

export async function startTrial({ places, mail, mailbox, say, onDied }: TrialOptions): Promise<Trial> {
  process.env.MEDIASOUP_WORKER_BIN ??= await ensureWorker();
  await using undo = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'hawser-demo-'));
  undo.defer(() => rm(folder, { recursive: true, force: true }));

  say('making certificates for alpha and beta');
  const prepare = async (name: 'alpha' | 'beta') => {
    await mkdir(join(folder, name));
    return Organisation.prepare({
      name,
      folder: join(folder, name),
      places: places[name],
      ...(mail && { mail }),
      ...(mailbox && { mailbox }),
    });
  };
  const alpha = await prepare('alpha');
  const beta = await prepare('beta');
  await alpha.allow([beta]);
  await beta.allow([alpha]);

  say('starting homeserver and SFT of alpha and beta');
  undo.defer(async () => {
    await Promise.all([alpha.stop(), beta.stop()]);
  });
  await Promise.all([alpha.start(onDied), beta.start(onDied)]);

  say('making accounts and a conversation');
  const alice = await person('alice', 'Alice', alpha);
  const bob = await person('bob', 'Bob', beta);
  const conversation = await converse(alice, bob);
  const running = undo.move();
  return { alpha, beta, alice, bob, conversation, folder, stop: () => running.disposeAsync() };
}

async function person(handle: string, name: string, organisation: Organisation): Promise<Person> {
  const password = randomBytes(9).toString('base64url');
  await organisation.createAccount(handle, name, password);
  return { handle, name, password, organisation };
}

/** Alice signs in, makes a conversation with Bob, and signs out. */
async function converse(alice: Person, bob: Person): Promise<string> {
  const { organisation } = alice;
  const base = `http://127.0.0.1:${organisation.places.home}${API}/`;
  const call = async <T>(method: string, path: string, token?: string, body?: object): Promise<T> => {
    const response = await fetch(base + path, {
      method,
      headers: {
        ...(body ? { 'content-type': 'application/json' } : {}),
        ...(token ? { authorization: `Bearer ${token}` } : {}),
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    if (!response.ok) throw new Problem(`${method} ${path} was answered ${response.status}: ${await response.text()}`);
    return (response.status === 204 ? {} : await response.json()) as T;
  };
  const { accessToken } = await call<{ accessToken: string }>('POST', 'sessions', undefined, {
    handle: alice.handle,
    password: alice.password,
  });
  const { conversation } = await call<{ conversation: string }>('POST', 'conversations', accessToken, {
    title: CONVERSATION_TITLE,
    members: [userIdOf(bob.organisation.domain, bob.handle)],
  });
  await call('DELETE', 'sessions/current', accessToken);
  return conversation;
}
