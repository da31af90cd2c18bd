/** Requests to other homeservers: over the connections that trust/ gives out, parsed by schema, errors told apart. */

import type { IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { Compile } from 'typebox/compile';
import { Problem } from '#signalling/client-home.ts';
import { type ErrorCode, HawserError, isErrorCode } from '#signalling/errors.ts';
import {
  FEDERATION_PATHS,
  FEDERATION_VERSIONS,
  type FederationCall,
  GrantAnswer,
  IdentifierAnswer,
  NotifyAnswer,
  type Operation,
  PeersAnswer,
  Statement,
  Versions,
} from '#signalling/federation.ts';
import { type ConferenceId, type ConversationId, type DomainName, domainOf } from '#signalling/ids.ts';
import { nestingWithin } from '#signalling/nesting.ts';
import type { PeerDialler } from '#trust/dialler.ts';
import type { PeerList } from '#trust/peers.ts';
import type { Person } from '../ds/conversation.ts';
import type { OtherDomains } from '../ds/hub.ts';
import { Unreachable } from './errors.ts';

/** A person waits for most of these, so a domain that is slower than this counts as unreachable, ms. */
const TIMEOUT_MS = 8_000;
/** The largest statement that its schema allows is about as long. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;
const MAX_DEPTH = 12;

export interface PeerClientOptions {
  readonly dialler: Pick<PeerDialler, 'agent'>;
  readonly peers: Pick<PeerList, 'allowed'>;
  /** For the metrics: each request, and how it ended. */
  readonly onRequest: (domain: DomainName, call: FederationCall, result: ErrorCode | 'ok') => void;
}

const problems = Compile(Problem);
/** Parsers of the answers; each narrows what it has checked. */
const ANSWERS = {
  versions: Compile(Versions),
  identifierQuery: Compile(IdentifierAnswer),
  peersQuery: Compile(PeersAnswer),
  update: Compile(Statement),
  notify: Compile(NotifyAnswer),
  grant: Compile(GrantAnswer),
};

interface Parser<T> {
  Check(value: unknown): value is T;
}

export class PeerClient implements OtherDomains {
  readonly #options: PeerClientOptions;
  /** Domains with which a version was agreed. */
  readonly #agreed = new Map<DomainName, Promise<void>>();

  constructor(options: PeerClientOptions) {
    this.#options = options;
  }

  async identify(domain: DomainName, handle: string): Promise<Person> {
    const answer = await this.#call(domain, 'identifierQuery', domain, { handle }, ANSWERS.identifierQuery);
    if (domainOf(answer.user) !== domain) throw new HawserError('FED_FOREIGN', domain);
    return { user: answer.user, name: answer.name };
  }

  async refusedBy(domain: DomainName, domains: readonly DomainName[]): Promise<readonly DomainName[]> {
    const { refused } = await this.#call(domain, 'peersQuery', domain, { domains: [...domains] }, ANSWERS.peersQuery);
    return refused.filter((one) => domains.includes(one));
  }

  async update(hub: DomainName, conversation: ConversationId, operation: Operation): Promise<Statement> {
    const statement = await this.#call(hub, 'update', conversation, operation, ANSWERS.update);
    if (statement.conversation !== conversation) throw new HawserError('FED_FOREIGN', hub);
    return statement;
  }

  async notify(domain: DomainName, statement: Statement): Promise<void> {
    await this.#call(domain, 'notify', statement.conversation, statement, ANSWERS.notify);
  }

  grant(anchor: DomainName, conference: ConferenceId, conversation: ConversationId): Promise<GrantAnswer> {
    return this.#call(anchor, 'grant', conference, { conversation }, ANSWERS.grant);
  }

  /** Agrees on a version ahead of need; leaves a warm connection behind. @throws as every request */
  greet(domain: DomainName): Promise<void> {
    const agreed = this.#agreed.get(domain) ?? this.#agree(domain);
    this.#agreed.set(domain, agreed);
    agreed.catch(() => {
      if (this.#agreed.get(domain) === agreed) this.#agreed.delete(domain);
    });
    return agreed;
  }

  async #agree(domain: DomainName): Promise<void> {
    const answer = await this.#send(domain, 'versions', '', ANSWERS.versions);
    const { min, max } = answer.versions;
    if (min > FEDERATION_VERSIONS.max || max < FEDERATION_VERSIONS.min) {
      const { min: ownMin, max: ownMax } = FEDERATION_VERSIONS;
      throw new HawserError('FED_VERSION', `${domain} speaks ${min} to ${max}, we ${ownMin} to ${ownMax}`);
    }
  }

  async #call<T>(
    domain: DomainName,
    call: FederationCall,
    parameter: string,
    body: object,
    parser: Parser<T>,
  ): Promise<T> {
    await this.greet(domain);
    return this.#send(domain, call, parameter, parser, body);
  }

  async #send<T>(
    domain: DomainName,
    call: FederationCall,
    parameter: string,
    parser: Parser<T>,
    body?: object,
  ): Promise<T> {
    try {
      const answer = await this.#exchange(domain, pathOf(call, parameter), body);
      if (!parser.Check(answer)) throw new HawserError('SIG_SCHEMA', `${domain}, ${call}`);
      this.#options.onRequest(domain, call, 'ok');
      return answer;
    } catch (error) {
      const coded = error instanceof HawserError ? error : new HawserError('SIG_INTERNAL', undefined, { cause: error });
      if (TRANSPORT_CODES.has(coded.code)) this.#agreed.delete(domain);
      this.#options.onRequest(domain, call, coded.code);
      // An answer that makes no sense is as good as none, to our people and to the outbox.
      throw coded.code.startsWith('SIG_') ? new Unreachable([domain], { cause: coded }) : coded;
    }
  }

  async #exchange(domain: DomainName, path: string, body?: object): Promise<unknown> {
    const { peers, dialler } = this.#options;
    const peer = peers.allowed(domain);
    if (!peer) throw new HawserError('FED_NOT_ALLOWED', domain);
    if (!peer.homeserver) throw new Unreachable([domain]);
    const { host, port } = peer.homeserver;
    const agent = dialler.agent(domain, 'homeserver');
    const text = body === undefined ? undefined : JSON.stringify(body);
    const exchange = () => exchangeOnce({ host, port, path, agent, text });
    let answer: Answer;
    try {
      answer = await exchange();
    } catch (error) {
      // A kept connection may be closed by the other side in the moment of its use; every request may be repeated.
      if (!isReset(error)) throw connectionError(domain, error);
      answer = await exchange().catch((again: unknown) => {
        throw connectionError(domain, again);
      });
    }
    const value = parse(answer.text, domain);
    if (answer.status >= 200 && answer.status < 300) return value;
    throw refusalOf(domain, value);
  }
}

interface Exchange {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly agent: ReturnType<PeerDialler['agent']>;
  readonly text: string | undefined;
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

function exchangeOnce({ host, port, path, agent, text }: Exchange): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpsRequest({
      host,
      port,
      path,
      agent,
      method: text === undefined ? 'GET' : 'POST',
      signal: AbortSignal.timeout(TIMEOUT_MS),
      headers:
        text === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) },
    });
    request.on('error', reject);
    request.on('response', (response) => {
      read(response).then((answer) => resolve({ status: response.statusCode ?? 0, text: answer }), reject);
    });
    request.end(text);
  });
}

async function read(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response) {
    if (!Buffer.isBuffer(chunk)) continue;
    length += chunk.length;
    if (length > MAX_ANSWER_BYTES) {
      response.destroy();
      throw new HawserError('SIG_TOO_LARGE');
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parse(text: string, domain: DomainName): unknown {
  if (!nestingWithin(text, MAX_DEPTH)) throw new HawserError('SIG_TOO_DEEP', domain);
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new HawserError('SIG_MALFORMED', domain);
  }
}

/** Codes that another domain's homeserver may give to one of our people; anything else is a fault over there. */
const PASSED_ON: ReadonlySet<ErrorCode> = new Set([
  'HOME_NOT_FOUND',
  'HOME_FORBIDDEN',
  'HOME_NOT_CONNECTED',
  'HOME_NO_CALL',
  'FED_FOREIGN',
  'FED_WRONG_DESTINATION',
  'FED_NON_FEDERATING',
  'FED_VERSION',
  'FED_REFUSED',
  'FED_TLS',
]);

/** After these the next request begins with a new agreement on the version: another server may answer then. */
const TRANSPORT_CODES: ReadonlySet<ErrorCode> = new Set(['FED_UNREACHABLE', 'FED_REFUSED', 'FED_TLS', 'FED_VERSION']);

function refusalOf(domain: DomainName, body: unknown): HawserError {
  if (!problems.Check(body)) return new Unreachable([domain]);
  const { code, unreachable_domains: domains } = body;
  if (code === 'FED_UNREACHABLE' && domains && domains.length > 0) return new Unreachable(domains);
  // Its word about us is its refusal of us.
  if (code === 'FED_NOT_ALLOWED' || code.startsWith('TRUST_')) return new HawserError('FED_REFUSED', domain);
  if (isErrorCode(code) && PASSED_ON.has(code)) return new HawserError(code, detailOf(body.message));
  return new Unreachable([domain], { cause: new Error(code) });
}

/** The part of a problem's message in brackets: what our own sentence does not say. */
function detailOf(message: string): string | undefined {
  return /\(([^()]{1,200})\)$/.exec(message)?.[1];
}

function isReset(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ECONNRESET' || code === 'EPIPE';
}

/**
 * Why there was no answer. With TLS 1.3 a server judges the client's certificate after the client has finished its own
 * handshake (RFC 8446, section 4.4.2.4), so a refusal looks like a connection that is closed on the first request.
 */
function connectionError(domain: DomainName, error: unknown): HawserError {
  if (error instanceof HawserError) {
    if (error.code === 'TRUST_UNKNOWN_DOMAIN' || error.code === 'TRUST_BLOCKED') {
      return new HawserError('FED_NOT_ALLOWED', domain, { cause: error });
    }
    if (error.code.startsWith('TRUST_')) return new HawserError('FED_TLS', domain, { cause: error });
    return new Unreachable([domain], { cause: error });
  }
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (isReset(error) || code.startsWith('ERR_SSL_')) return new HawserError('FED_REFUSED', domain, { cause: error });
  return new Unreachable([domain], { cause: error });
}

function pathOf(call: FederationCall, parameter: string): string {
  return FEDERATION_PATHS[call].replace(/:[a-z]+$/, encodeURIComponent(parameter));
}
