/** The client's door of a running homeserver, as targets: who asks, from where, and what he is answered. */

import { HawserError } from '#signalling/errors.ts';
import type { Stage } from '../stage.ts';
import { type FileInput, fileRequest, files } from './files.ts';
import { type HeadInput, headBytes, heads } from './heads.ts';
import { judged } from './judge.ts';
import { Persona } from './persona.ts';
import { type ApiRequest, bytesOf, requestsTo } from './requests.ts';
import type { Route } from './routes.ts';
import { attemptSocket, type SocketInput, socketBytes, sockets } from './sockets.ts';
import type { Outcome, Target } from './target.ts';
import { requestOf, type UploadInput, uploads } from './uploads.ts';
import { type Reply, Wire } from './wire.ts';

/** Requests from the network after which others take their places: what they have made would slow down their lists. */
const GENERATION = 20_000;
/** Groups of them that are tried before something else must be wrong. */
const MAX_TRIES = 3;
/** Addresses that they come from, for the same reason. */
const ADDRESSES = 64;

export class ClientDoor {
  readonly #stage: Stage;
  readonly #wire: Wire;
  readonly #port: number;
  readonly #routes: readonly Route[];
  readonly #count: number;
  #personas: Persona[] = [];
  #made = 0;
  #asked = 0;

  /** @param people who ask in turn, because what one of them may do in a second is limited; two or more */
  constructor(stage: Stage, routes: readonly Route[], people: number) {
    this.#stage = stage;
    this.#count = people;
    this.#routes = routes;
    this.#port = Number(new URL(stage.url).port);
    this.#wire = new Wire(this.#port);
  }

  get targets(): Target[] {
    const whole = { isWhole: true };
    return [
      target('routes', requestsTo(this.#routes), (input: ApiRequest) =>
        this.#exchange(bytesOf(input, this.#next(), this.#address()), whole),
      ),
      target('uploads', uploads, (input: UploadInput) => {
        const persona = this.#next();
        return this.#exchange(bytesOf(requestOf(input, persona), persona, this.#address()), whole);
      }),
      target('files', files, (input: FileInput) => {
        const { bytes, isWhole } = fileRequest(input, this.#next(), this.#address());
        return this.#exchange(bytes, { isWhole });
      }),
      target('heads', heads, (input: HeadInput) => this.#exchange(headBytes(input, this.#next()), { isWhole: false })),
      target('sockets', sockets, (input: SocketInput) => attemptSocket(this.#port, socketBytes(input, this.#next()))),
    ];
  }

  /** To be called between batches: whoever is not as he was is made anew. */
  async refresh(): Promise<void> {
    if (this.#asked > GENERATION) this.#leave();
    for (let tries = 1; ; tries++) {
      try {
        return await this.#prepare();
      } catch (error) {
        // One has blocked another, for instance: strangers have done nothing to each other yet.
        if (!(error instanceof HawserError) || tries === MAX_TRIES) throw error;
        this.#leave();
      }
    }
  }

  close(): void {
    this.#wire.close();
    this.#leave();
  }

  async #prepare(): Promise<void> {
    if (this.#personas.length === 0) {
      this.#personas = await Promise.all(Array.from({ length: this.#count }, () => this.#make()));
    }
    const states = await Promise.all(this.#personas.map((persona) => persona.state()));
    for (const [index, state] of states.entries()) {
      if (state !== 'gone') continue;
      this.#personas[index]?.[Symbol.dispose]();
      this.#personas[index] = await this.#make();
    }
    for (const [index, state] of states.entries()) {
      if (state !== 'ready') await this.#personas[index]?.prepare(this.#peerOf(index));
    }
  }

  #leave(): void {
    this.#asked = 0;
    for (const persona of this.#personas.splice(0)) persona[Symbol.dispose]();
  }

  #make(): Promise<Persona> {
    this.#made += 1;
    return Persona.make(this.#stage, `fuzz${this.#made}`);
  }

  #peerOf(index: number): Persona {
    const peer = this.#personas[(index + 1) % this.#personas.length];
    if (!peer) throw new Error('nobody is there');
    return peer;
  }

  #next(): Persona {
    this.#asked += 1;
    const persona = this.#personas[this.#asked % this.#personas.length];
    if (!persona) throw new Error('nobody is there');
    return persona;
  }

  #address(): string {
    return `10.0.0.${this.#asked % ADDRESSES}`;
  }

  async #exchange(bytes: Uint8Array, { isWhole }: { isWhole: boolean }): Promise<Outcome> {
    return outcomeOf(await this.#wire.exchange(bytes, { isWhole }), isWhole);
  }
}

function outcomeOf(reply: Reply, isWhole: boolean): Outcome {
  if (reply === 'silent') return { answer: reply, wrong: 'no answer' };
  if (reply === 'closed') return isWhole ? { answer: reply, wrong: 'closed without an answer' } : { answer: reply };
  return judged(reply);
}

function target<I>(name: string, inputs: Target<I>['inputs'], attempt: Target<I>['attempt']): Target {
  return { name, inputs, attempt: (input) => attempt(input as I) };
}
