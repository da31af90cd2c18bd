/** Somebody with a real device, a group and a file, who has ready what the requests of a client hold. */
import { createHash, randomBytes } from 'node:crypto';
import { Account } from '#client/account.ts';
import { Device } from '#client/device/device.ts';
import { certificationRequest, makeSignatureKeys } from '#client/device/keys.ts';
import { Authorities } from '#client/groups/authorities.ts';
import { GroupApi } from '#client/groups/group-api.ts';
import { MemoryVault } from '#client/vault/memory.ts';
import { Credentials } from '#mls/credentials.ts';
import { Group } from '#mls/group.ts';
import { makeKeyPackage } from '#mls/key-package.ts';
import type { Environment } from '#mls/library.ts';
import { AssetUpload } from '#signalling/assets.ts';
import { toBase64Url } from '#signalling/base64.ts';
import { Conversation } from '#signalling/client-home.ts';
import { HawserError } from '#signalling/errors.ts';
import { type ConversationId, domainOf, type GroupId, type UserId } from '#signalling/ids.ts';
import { PASSWORD, type Stage } from '../stage.ts';

/** Bytes as a client uploads them, by what they are; for a group that the hub has at this moment. */
export interface Samples {
  readonly groupInfo: Uint8Array;
  readonly tree: Uint8Array;
  readonly commit: Uint8Array;
  readonly commitInfo: Uint8Array;
  readonly welcome: Uint8Array;
  readonly message: Uint8Array;
  readonly keyPackage: Uint8Array;
  readonly request: Uint8Array;
}

export class Persona {
  readonly handle: string;
  readonly account: Account;
  readonly device: Device;
  readonly #api: GroupApi;
  readonly #authorities: Authorities;
  #samples: Samples | undefined;
  #values: ReadonlyMap<string, string> = new Map();
  #grouped: ConversationId | undefined;
  #epoch = -1;
  #signedInAt = performance.now();
  #token = '';

  private constructor(handle: string, account: Account, device: Device) {
    this.handle = handle;
    this.account = account;
    this.device = device;
    this.#api = new GroupApi(account);
    this.#authorities = new Authorities(this.#api, Date.now);
  }

  static async make(stage: Stage, handle: string): Promise<Persona> {
    await stage.createAccount(handle);
    const account = new Account(stage.url);
    await account.signIn(handle, PASSWORD);
    const device = await Device.open({ account, vault: new MemoryVault(), name: 'Fuzz' });
    const persona = new Persona(handle, account, device);
    persona.#token = await account.accessToken();
    return persona;
  }

  get user(): UserId {
    return this.device.user;
  }

  get token(): string {
    return this.#token;
  }

  /** @throws Error before `prepare` */
  get samples(): Samples {
    if (!this.#samples) throw new Error('nothing is prepared');
    return this.#samples;
  }

  /** What stands in ids and the like. */
  get values(): ReadonlyMap<string, string> {
    return this.#values;
  }

  /** Whether its session is good, and its device and its group are as the samples are. */
  async isFresh(): Promise<boolean> {
    if (this.#grouped === undefined || performance.now() - this.#signedInAt > SESSION_MS) return false;
    try {
      await this.account.call({ method: 'GET', path: 'devices/current/key-packages' });
      const path = `conversations/${encodeURIComponent(this.#grouped)}/group`;
      const response = await this.account.callRaw({ method: 'GET', path, signal: AbortSignal.timeout(10_000) });
      const { epoch } = (await response.json()) as { epoch: number };
      return epoch === this.#epoch;
    } catch (error) {
      if (error instanceof HawserError) return false;
      throw error;
    }
  }

  /** Makes a group, one more that is not uploaded, and a file. @param peer whom the commit adds */
  async prepare(peer: Persona): Promise<void> {
    const [first, second] = [await this.#conversation(peer), await this.#conversation(peer)];
    const group = await this.#group(first);
    await this.#api.create(first, { group: group.id, groupInfo: await group.groupInfo(), tree: group.tree() });
    const message = await group.send(new TextEncoder().encode('a message'));
    const own = await makeKeyPackage(peer.device.keys, Date.now());
    const { commit, groupInfo: commitInfo, welcome } = await group.commit({ add: [own.bytes] }, 'fuzz-commit');
    const other = await this.#group(second);
    this.#samples = {
      ...{ groupInfo: await other.groupInfo(), tree: other.tree(), commit, commitInfo, message },
      welcome: welcome ?? new Uint8Array(),
      keyPackage: (await makeKeyPackage(this.device.keys, Date.now())).bytes,
      request: await certificationRequest(await makeSignatureKeys()),
    };
    this.#grouped = first;
    this.#epoch = 0;
    this.#values = new Map([
      ...Object.entries(this.#samples).map(([name, bytes]): [string, string] => [name, toBase64Url(bytes)]),
      ['conversation', first],
      ['ungrouped', second],
      ['group', group.id],
      ['newGroup', other.id],
      ['user', peer.user],
      ['self', this.user],
      ['device', this.device.id],
      ['domain', domainOf(this.user)],
      ['handle', this.handle],
      ['address', `@${peer.handle}@${domainOf(this.user)}`],
      ...(await this.#files()),
    ]);
  }

  async #conversation(peer: Persona): Promise<ConversationId> {
    const body = { title: 'Fuzz', members: [peer.user] };
    const made = await this.account.call({ method: 'POST', path: 'conversations', body, answer: Conversation });
    return made.conversation;
  }

  async #group(conversation: ConversationId): Promise<Group> {
    const domain = domainOf(conversation);
    await this.#authorities.ensure([domain]);
    const environment: Environment = {
      credentials: new Credentials(this.#authorities.of),
      hub: await this.#authorities.hub(domain),
      policy: { admits: () => true, mayRemove: () => true },
      now: Date.now,
    };
    const id = `mimi://${domain}/g/${randomBytes(16).toString('base64url')}` as GroupId;
    return Group.create(id, this.device.keys, { save: async () => undefined }, environment);
  }

  /** One that is complete, and one that is half there. */
  async #files(): Promise<[string, string][]> {
    const bytes = randomBytes(FILE_BYTES);
    const upload = async (length: number): Promise<string> => {
      const body = { request: randomBytes(16).toString('base64url'), size: FILE_BYTES, kind: 'other' };
      const { asset } = await this.account.call({ method: 'POST', path: 'assets', body, answer: AssetUpload });
      await this.account.callRaw({
        method: 'PATCH',
        path: `assets/${encodeURIComponent(asset)}?offset=0`,
        headers: { 'content-type': 'application/octet-stream' },
        body: bytes.subarray(0, length),
        signal: AbortSignal.timeout(10_000),
      });
      return asset;
    };
    const sha256 = createHash('sha256').update(bytes).digest('base64url');
    const asset = await upload(FILE_BYTES);
    const path = `assets/${encodeURIComponent(asset)}/complete`;
    await this.account.call({ method: 'POST', path, body: { sha256 }, answer: AssetUpload });
    return [
      ['asset', asset],
      ['upload', await upload(FILE_BYTES / 2)],
      ['sha256', sha256],
    ];
  }

  [Symbol.dispose](): void {
    this.account[Symbol.dispose]();
  }
}

export const FILE_BYTES = 4_096;
/** Well below the life of an access token. */
const SESSION_MS = 8 * 60_000;
