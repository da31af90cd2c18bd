/** Requests to other homeservers: over the connections that trust/ gives out, parsed by schema, errors told apart. */

import type { IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { Compile } from 'typebox/compile';
import { Problem } from '#signalling/client-home.ts';
import { Nothing } from '#signalling/contract.ts';
import { Claimed } from '#signalling/devices.ts';
import { ERRORS, type ErrorCode, HawserError, isErrorCode } from '#signalling/errors.ts';
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
  versionOf,
} from '#signalling/federation.ts';
import { type Feed, FeedAnswer, type Submission, SubmissionsAnswer } from '#signalling/federation-feed.ts';
import {
  CommitAnswer,
  GroupCreated,
  GroupInfoAnswer,
  JoinQueryAnswer,
  TurnAnswer,
} from '#signalling/federation-groups.ts';
import { type ConsentStatement, DomainKeys, SearchAnswer } from '#signalling/federation-people.ts';
import { GroupTree, type NewCommit, type NewGroup, StaleCommit } from '#signalling/groups.ts';
import {
  type ConferenceId,
  type ConversationId,
  type DeviceId,
  type DomainName,
  domainOf,
  parseDomainName,
  type RoomId,
  type UserId,
  userOfDevice,
} from '#signalling/ids.ts';
import { nestingWithin } from '#signalling/nesting.ts';
import type { HostAndPort } from '#site/address.ts';
import type { PeerDialler } from '#trust/dialler.ts';
import type { Peer } from '#trust/identity.ts';
import type { PeerList } from '#trust/peers.ts';
import { type Person, toldTo } from '../ds/conversation.ts';
import type { OtherDomains } from '../ds/hub.ts';
import { TooMuch, Unreachable } from './errors.ts';
import { inWordsOf, judge, withoutBarredCall } from './judge.ts';
import { digestOf, type RequestSigner, signRequest } from './signature.ts';
import { isSigned } from './signed-requests.ts';

/** A person waits for most of these, so a domain that is slower than this counts as unreachable, ms. */
const TIMEOUT_MS = 8_000;
/** The largest statement that its schema allows is about as long. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;
const MAX_DEPTH = 12;

/** What each request goes through on its way out: for tests, which send some twice, hold some back, or lose the answer. */
export type PeerNetwork = <T>(send: () => Promise<T>) => Promise<T>;

export interface PeerClientOptions {
  readonly domain: DomainName;
  readonly dialler: Pick<PeerDialler, 'agent'>;
  readonly peers: Pick<PeerList, 'allowed'>;
  /** Where the homeserver of a domain is: addresses that were looked at, the best first. @throws HawserError */
  readonly whereIs: (peer: Peer) => Promise<readonly HostAndPort[]>;
  /** Signs with the newest key. */
  readonly signer: () => RequestSigner;
  readonly now: () => number;
  /** For the metrics: each request, and how it ended. */
  readonly onRequest: (domain: DomainName, call: FederationCall, result: ErrorCode | 'ok') => void;
  /** What a domain answered cannot be true, or is of no form that it may have: nothing of it was taken. */
  readonly onUntrue?: (domain: DomainName, call: FederationCall, code: ErrorCode) => void;
  readonly network?: PeerNetwork;
}

/** What we find wrong with the form of an answer; no homeserver gives these for its own. */
const UNTRUE_FORMS: ReadonlySet<ErrorCode> = new Set(['SIG_SCHEMA', 'SIG_MALFORMED', 'SIG_TOO_LARGE', 'SIG_TOO_DEEP']);

const problems = Compile(Problem);
/** Parsers of the answers; each narrows what it has checked. */
const ANSWERS = {
  versions: Compile(Versions),
  identifierQuery: Compile(IdentifierAnswer),
  peersQuery: Compile(PeersAnswer),
  update: Compile(Statement),
  notify: Compile(NotifyAnswer),
  grant: Compile(GrantAnswer),
  search: Compile(SearchAnswer),
  feed: Compile(FeedAnswer),
  keys: Compile(DomainKeys),
  createGroup: Compile(GroupCreated),
  groupInfo: Compile(GroupInfoAnswer),
  join: Compile(JoinQueryAnswer),
  tree: Compile(GroupTree),
  commit: Compile(CommitAnswer),
  turn: Compile(TurnAnswer),
  nothing: Compile(Nothing),
  keyMaterial: Compile(Claimed),
  submit: Compile(SubmissionsAnswer),
};

interface Parser<T> {
  Check(value: unknown): value is T;
}

export class PeerClient implements OtherDomains {
  readonly #options: PeerClientOptions;
  /** Domains with which a version was agreed, and the newest one that both speak. */
  readonly #agreed = new Map<DomainName, Promise<number>>();
  /** The same, as it was the last time; for looking at. */
  readonly #versions = new Map<DomainName, number>();

  constructor(options: PeerClientOptions) {
    this.#options = options;
  }

  async identify(domain: DomainName, handle: string): Promise<Person> {
    const isOwn = ({ user }: IdentifierAnswer) => domainOf(user) === domain;
    const answer = await this.#call(domain, 'identifierQuery', domain, { handle }, ANSWERS.identifierQuery, isOwn);
    return { user: answer.user, name: answer.name };
  }

  async refusedBy(domain: DomainName, domains: readonly DomainName[]): Promise<readonly DomainName[]> {
    const { refused } = await this.#call(domain, 'peersQuery', domain, { domains: [...domains] }, ANSWERS.peersQuery);
    return refused.filter((one) => domains.includes(one));
  }

  async update(hub: DomainName, conversation: ConversationId, operation: Operation): Promise<Statement> {
    this.#refuseBarred(hub, 'update', operation.type);
    const isOfIt = (statement: Statement) => statement.conversation === conversation;
    return this.#call(hub, 'update', conversation, operation, ANSWERS.update, isOfIt);
  }

  async notify(domain: DomainName, statement: Statement): Promise<void> {
    await this.#call(domain, 'notify', statement.conversation, await this.told(domain, statement), ANSWERS.notify);
  }

  async consent(domain: DomainName, statement: ConsentStatement): Promise<void> {
    await this.#call(domain, 'consent', domain, statement, ANSWERS.nothing);
  }

  /** People of a domain, as far as its policy for ours lets them be found. @throws HawserError FED_SCOPE, FED_LIMIT, FED_OLD_VERSION */
  async search(domain: DomainName, by: UserId, text: string): Promise<readonly Person[]> {
    const areOwn = ({ people }: SearchAnswer) => people.every(({ user }) => domainOf(user) === domain);
    return (await this.#call(domain, 'search', domain, { by, text }, ANSWERS.search, areOwn)).people;
  }

  grant(anchor: DomainName, conference: ConferenceId, conversation: ConversationId): Promise<GrantAnswer> {
    return this.#call(anchor, 'grant', conference, { conversation }, ANSWERS.grant);
  }

  /** Delivers what waits for a domain. @throws as every request, and FED_OLD_VERSION */
  async feed(domain: DomainName, feed: Feed): Promise<FeedAnswer> {
    const statements = await Promise.all(feed.statements.map((each) => this.told(domain, each)));
    return this.#call(domain, 'feed', domain, { ...feed, statements }, ANSWERS.feed);
  }

  /** With what a domain signs, and what speaks for its devices. */
  async keys(domain: DomainName): Promise<DomainKeys> {
    await this.#require(domain, 'keys');
    return this.#send(domain, 'keys', '', ANSWERS.keys, (keys) => {
      if (keys.domain !== domain || keys.devices.domain !== domain) throw new HawserError('FED_FOREIGN', domain);
    });
  }

  async createGroup(device: DeviceId, room: RoomId, group: NewGroup): Promise<GroupCreated> {
    const body = { device, group };
    return this.#call(domainOf(room), 'createGroup', room, body, ANSWERS.createGroup);
  }

  async groupInfo(device: DeviceId, room: RoomId): Promise<GroupInfoAnswer> {
    return this.#call(domainOf(room), 'groupInfo', room, { device }, ANSWERS.groupInfo);
  }

  async join(device: DeviceId, room: RoomId, keyPackage: string): Promise<JoinQueryAnswer> {
    return this.#call(domainOf(room), 'join', room, { device, join: { keyPackage } }, ANSWERS.join);
  }

  /** base64url */
  async tree(device: DeviceId, room: RoomId, epoch: number): Promise<string> {
    const body = { device, epoch };
    return (await this.#call(domainOf(room), 'tree', room, body, ANSWERS.tree)).tree;
  }

  async commit(device: DeviceId, room: RoomId, commit: NewCommit): Promise<CommitAnswer> {
    return this.#call(domainOf(room), 'commit', room, { device, commit }, ANSWERS.commit);
  }

  /** Whether it is the turn of the device, after at most five seconds. */
  async turn(device: DeviceId, room: RoomId): Promise<boolean> {
    return (await this.#call(domainOf(room), 'turn', room, { device }, ANSWERS.turn)).isTurn;
  }

  async endTurn(device: DeviceId, room: RoomId): Promise<void> {
    await this.#call(domainOf(room), 'endTurn', room, { device }, ANSWERS.nothing);
  }

  /** Devices of this domain that were removed, for the groups of another hub. */
  async goneDevices(hub: DomainName, devices: readonly DeviceId[]): Promise<void> {
    await this.#call(hub, 'goneDevices', hub, { devices: [...devices] }, ANSWERS.nothing);
  }

  /** One key package of each device of somebody of that domain, whom somebody of ours wants to add to a group. */
  async keyMaterial(domain: DomainName, query: { readonly by: UserId; readonly user: UserId }): Promise<Claimed> {
    const areHis = ({ keyPackages }: Claimed) => keyPackages.every(({ device }) => userOfDevice(device) === query.user);
    return this.#call(domain, 'keyMaterial', domain, query, ANSWERS.keyMaterial, areHis);
  }

  /** Hands in messages of our people. @throws as every request */
  async submit(hub: DomainName, messages: readonly Submission[]): Promise<SubmissionsAnswer['results']> {
    return (await this.#call(hub, 'submit', hub, { messages: [...messages] }, ANSWERS.submit)).results;
  }

  /**
   * Agrees on a version ahead of need; leaves a warm connection behind.
   * @returns the newest version that both speak
   * @throws as every request
   */
  greet(domain: DomainName): Promise<number> {
    return this.#agreed.get(domain) ?? this.greetAnew(domain);
  }

  /** The same, and asks also where a version was agreed on: whether the domain is still there, and lets us in. */
  greetAnew(domain: DomainName): Promise<number> {
    const agreed = this.#agree(domain);
    this.#agreed.set(domain, agreed);
    agreed.catch(() => {
      if (this.#agreed.get(domain) === agreed) this.#agreed.delete(domain);
    });
    return agreed;
  }

  /** The version that was agreed on with a domain last. */
  versionWith(domain: DomainName): number | undefined {
    return this.#versions.get(domain);
  }

  /** A state as a domain may hear it and can read it: one that may have no calls with us hears of none. */
  async told(domain: DomainName, statement: Statement): Promise<Statement> {
    const mayCall = this.#options.peers.allowed(domain)?.may.calls ?? false;
    const heard = withoutBarredCall(toldTo(domain, statement), () => mayCall);
    const { group, moderation, guests } = heard.call ?? {};
    if (group === undefined && moderation === undefined && guests === undefined) return heard;
    return inWordsOf(await this.greet(domain).catch(() => FEDERATION_VERSIONS.min), heard);
  }

  async #agree(domain: DomainName): Promise<number> {
    const own = FEDERATION_VERSIONS;
    const { versions } = await this.#send(domain, 'versions', '', ANSWERS.versions, ({ versions: { min, max } }) => {
      if (min <= own.max && max >= own.min) return;
      throw new HawserError('FED_VERSION', `${domain} speaks ${min} to ${max}, we ${own.min} to ${own.max}`);
    });
    const version = Math.min(versions.max, own.max);
    this.#versions.set(domain, version);
    return version;
  }

  async #call<T>(
    domain: DomainName,
    call: FederationCall,
    parameter: string,
    body: object,
    parser: Parser<T>,
    isTrue: (answer: T) => boolean = () => true,
  ): Promise<T> {
    await this.#require(domain, call);
    const judge = (answer: T) => {
      if (!isTrue(answer)) throw new HawserError('FED_FOREIGN', domain);
    };
    return this.#send(domain, call, parameter, parser, judge, body);
  }

  /** @throws HawserError FED_OLD_VERSION where the other side is too old for a call, and as `greet` */
  async #require(domain: DomainName, call: FederationCall): Promise<void> {
    if ((await this.greet(domain)) < versionOf(call)) throw new HawserError('FED_OLD_VERSION', domain);
  }

  async #send<T>(
    domain: DomainName,
    call: FederationCall,
    parameter: string,
    parser: Parser<T>,
    judge: (answer: T) => void,
    body?: object,
  ): Promise<T> {
    let isAnswered = false;
    try {
      const answer = await this.#exchange(domain, call, pathOf(call, parameter), body);
      if (!parser.Check(answer)) throw new HawserError('SIG_SCHEMA', `${domain}, ${call}`);
      isAnswered = true;
      judge(answer);
      this.#options.onRequest(domain, call, 'ok');
      return answer;
    } catch (error) {
      const coded = error instanceof HawserError ? error : new HawserError('SIG_INTERNAL', undefined, { cause: error });
      if (TRANSPORT_CODES.has(coded.code)) this.#agreed.delete(domain);
      this.#options.onRequest(domain, call, coded.code);
      // While it is read it is a fault of the connection, too.
      const { code } = coded.cause instanceof HawserError ? coded.cause : coded;
      const isUntrue = UNTRUE_FORMS.has(code) || (isAnswered && code === 'FED_FOREIGN');
      if (isUntrue) this.#options.onUntrue?.(domain, call, code);
      // An answer that makes no sense is as good as none, to our people and to the outbox.
      throw coded.code.startsWith('SIG_') ? new Unreachable([domain], { cause: coded }) : coded;
    }
  }

  /** @throws HawserError FED_NOT_ALLOWED, FED_SCOPE */
  #refuseBarred(domain: DomainName, call: FederationCall, operation?: Operation['type']): Peer {
    const peer = this.#options.peers.allowed(domain);
    const code = judge(peer, { call, direction: 'out', ...(operation && { operation }) });
    if (!peer || code !== undefined) throw new HawserError(code ?? 'FED_NOT_ALLOWED', domain);
    return peer;
  }

  /**
   * Where a request goes, and with what. For requests that are not JSON: `path` has no query, and headers are made anew for each try.
   * @throws HawserError FED_NOT_ALLOWED, FED_SCOPE, FED_ADDRESS, FED_UNREACHABLE
   */
  async prepare(domain: DomainName, call: FederationCall, { method, path, body = '' }: Prepare): Promise<Prepared> {
    const peer = this.#refuseBarred(domain, call);
    const { domain: from, dialler, signer, now, whereIs } = this.#options;
    const signed = isSigned(call) ? { method, path, digest: digestOf(body), from, to: domain } : undefined;
    return {
      places: await whereIs(peer),
      agent: dialler.agent(domain, 'homeserver'),
      headers: () => (signed ? { ...signRequest(signed, signer(), now()) } : {}),
    };
  }

  async #exchange(domain: DomainName, call: FederationCall, path: string, body?: object): Promise<unknown> {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const method = text === undefined ? 'GET' : 'POST';
    const { network = (send) => send() } = this.#options;
    const { places, agent, headers } = await this.prepare(domain, call, { method, path, ...(text && { body: text }) });
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const exchange = ({ host, port }: HostAndPort) =>
      network(() => exchangeOnce({ host, port, path, agent, text, headers: headers(), signal }));
    const answer = await atOneOf(domain, places, exchange);
    const value = parse(answer.text, domain);
    if (answer.status >= 200 && answer.status < 300) return value;
    throw refusalOf(domain, value, answer.retryAfter);
  }
}

export interface Prepare {
  readonly method: string;
  readonly path: string;
  readonly body?: string;
}

export interface Prepared {
  /** To be tried in this order, until one answers. */
  readonly places: readonly HostAndPort[];
  readonly agent: ReturnType<PeerDialler['agent']>;
  readonly headers: () => Readonly<Record<string, string>>;
}

/** At one address after the other, until somebody answers there. */
async function atOneOf(
  domain: DomainName,
  places: readonly HostAndPort[],
  exchange: (place: HostAndPort) => Promise<Answer>,
): Promise<Answer> {
  let failure: HawserError | undefined;
  for (const place of places) {
    try {
      // A kept connection may be closed by the other side in the moment of its use; every request may be repeated.
      return await exchange(place).catch((error: unknown) => {
        if (!isReset(error) && !isClosed(error)) throw error;
        return exchange(place);
      });
    } catch (error) {
      failure = connectionError(domain, error);
      const isNobodyThere = error instanceof HawserError && error.code.startsWith('SIG_');
      if (!isNobodyThere) break;
    }
  }
  throw failure ?? new Unreachable([domain]);
}

interface Exchange {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly agent: ReturnType<PeerDialler['agent']>;
  readonly text: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly retryAfter: string | undefined;
}

function exchangeOnce({ host, port, path, agent, text, headers, signal }: Exchange): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpsRequest({
      host,
      port,
      path,
      agent,
      method: text === undefined ? 'GET' : 'POST',
      signal,
      headers: {
        ...headers,
        ...(text !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
      },
    });
    request.on('error', (cause) => {
      // A kept connection ended, which says nothing about who may come; there may be more such ones.
      reject(request.reusedSocket && isReset(cause) ? new HawserError('SIG_CLOSED', undefined, { cause }) : cause);
    });
    request.on('response', (response) => {
      const { statusCode = 0, headers: told } = response;
      const answered = (text: string) => resolve({ status: statusCode, text, retryAfter: told['retry-after'] });
      readAnswer(response).then(answered, reject);
    });
    request.end(text);
  });
}

/** @throws HawserError SIG_TOO_LARGE; SIG_CLOSED where it ends too early: whoever begins to answer refuses no connection */
export async function readAnswer(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of response) {
      if (!Buffer.isBuffer(chunk)) continue;
      length += chunk.length;
      if (length > MAX_ANSWER_BYTES) {
        response.destroy();
        throw new HawserError('SIG_TOO_LARGE');
      }
      chunks.push(chunk);
    }
  } catch (error) {
    throw error instanceof HawserError ? error : new HawserError('SIG_CLOSED', undefined, { cause: error });
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
  'HOME_CALL_LOCKED',
  'HOME_CALL_BARRED',
  'HOME_LOBBY_FULL',
  'HOME_NO_GROUP',
  'HOME_GROUP_EXISTS',
  'HOME_SLOW_DOWN',
  'HOME_ASSET_RANGE',
  'FED_FILE_POLICY',
  'FED_FOREIGN',
  'FED_WRONG_DESTINATION',
  'FED_NON_FEDERATING',
  'FED_VERSION',
  'FED_REFUSED',
  'FED_TLS',
  'FED_SCOPE',
  'FED_LIMIT',
  'FED_KEY_WAITS',
  // What a hub finds wrong with a commit is for the device that made it.
  ...(Object.keys(ERRORS) as ErrorCode[]).filter((code) => code.startsWith('MLS_')),
]);

/** After these the next request begins with a new agreement on the version: another server may answer then. */
const TRANSPORT_CODES: ReadonlySet<ErrorCode> = new Set(['FED_UNREACHABLE', 'FED_REFUSED', 'FED_TLS', 'FED_VERSION']);

/** What a refusal of another domain is for our people, whatever its body is. */
export function parseProblem(domain: DomainName, text: string): HawserError {
  try {
    return refusalOf(domain, parse(text, domain));
  } catch {
    return new Unreachable([domain]);
  }
}

/** Longer than this nobody is let wait who takes too much, ms. */
const LONGEST_WAIT_MS = 60_000;

/** @param value of `Retry-After` (RFC 9110, section 10.2.3), in seconds. @returns ms, a second at least */
function waitOf(value: string | undefined): number {
  const seconds = Number(value);
  return Number.isFinite(seconds) ? Math.min(LONGEST_WAIT_MS, Math.max(1, seconds) * 1_000) : 1_000;
}

function refusalOf(domain: DomainName, body: unknown, retryAfter?: string): HawserError {
  if (!problems.Check(body)) return new Unreachable([domain]);
  const { code, unreachable_domains: domains, epoch } = body;
  if (code === 'FED_UNREACHABLE' && domains && domains.length > 0) return new Unreachable(domains);
  // Its word about us is its refusal of us.
  if (code === 'FED_NOT_ALLOWED' || code.startsWith('TRUST_')) return new HawserError('FED_REFUSED', domain);
  if (code === 'MLS_EPOCH_PAST' && epoch !== undefined) return new StaleCommit(epoch);
  if (code === 'FED_LIMIT') return new TooMuch(waitOf(retryAfter));
  if (isErrorCode(code) && PASSED_ON.has(code)) return new HawserError(code, detailOf(body.message));
  return new Unreachable([domain], { cause: new Error(code) });
}

/**
 * The part of a problem's message in brackets: what our own sentence does not say. Names of domains alone, because whatever else it says
 * our people would take for our word.
 */
function detailOf(message: string): string | undefined {
  const named = /\(([^()]{1,520})\)$/.exec(message)?.[1];
  return named?.split(/, | and /).every((name) => parseDomainName(name) !== undefined) ? named : undefined;
}

function isReset(error: unknown): boolean {
  if (error instanceof HawserError && error.code === 'SIG_CLOSED') return isReset(error.cause);
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ECONNRESET' || code === 'EPIPE';
}

function isClosed(error: unknown): boolean {
  return error instanceof HawserError && error.code === 'SIG_CLOSED';
}

/**
 * Why there was no answer. With TLS 1.3 a server judges the client's certificate after the client has finished its own
 * handshake (RFC 8446, section 4.4.2.4), so a refusal looks like a connection that is closed on the first request.
 */
export function connectionError(domain: DomainName, error: unknown): HawserError {
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
