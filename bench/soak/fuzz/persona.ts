/** Somebody with a real device, a group and a file, who has ready what the requests of a client hold. */
import { createHash, randomBytes } from 'node:crypto';
import { Account } from '#client/account.ts';
import { certificationRequest, makeSignatureKeys } from '#client/device/keys.ts';
import { Authorities } from '#client/groups/authorities.ts';
import { GroupApi } from '#client/groups/group-api.ts';
import { Credentials } from '#mls/credentials.ts';
import { Group } from '#mls/group.ts';
import { type DeviceKeys, makeKeyPackage } from '#mls/key-package.ts';
import type { Environment } from '#mls/library.ts';
import { AssetUpload } from '#signalling/assets.ts';
import { fromBase64Url, toBase64Url } from '#signalling/base64.ts';
import { Conversation } from '#signalling/client-home.ts';
import { CertifiedDevice } from '#signalling/devices.ts';
import { HawserError } from '#signalling/errors.ts';
import { GroupState } from '#signalling/groups.ts';
import {
  type ConversationId,
  type DeviceId,
  domainOf,
  type GroupId,
  type UserId,
  userOfDevice,
} from '#signalling/ids.ts';
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
  readonly device: DeviceId;
  readonly keys: DeviceKeys;
  readonly token: string;
  readonly #api: GroupApi;
  readonly #authorities: Authorities;
  #samples: Samples | undefined;
  #values: ReadonlyMap<string, string> = new Map();
  #grouped: ConversationId | undefined;
  #epoch = -1;
  readonly #signedInAt = performance.now();

  private constructor(handle: string, account: Account, device: DeviceId, keys: DeviceKeys, token: string) {
    this.handle = handle;
    this.account = account;
    this.device = device;
    this.keys = keys;
    this.token = token;
    this.#api = new GroupApi(account);
    this.#authorities = new Authorities(this.#api, Date.now);
  }

  static async make(stage: Stage, handle: string): Promise<Persona> {
    await stage.createAccount(handle);
    const account = new Account(stage.url);
    await account.signIn(handle, PASSWORD);
    // By hand, because a real device brings sixty key packages first.
    const keys = await makeSignatureKeys();
    const body = { name: 'Fuzz', request: toBase64Url(await certificationRequest(keys)) };
    const certified = await account.call({ method: 'POST', path: 'devices', body, answer: CertifiedDevice });
    const certificates = certified.certificates.map((each) => fromBase64Url(each) ?? new Uint8Array());
    return new Persona(handle, account, certified.device, { ...keys, certificates }, await account.accessToken());
  }

  get user(): UserId {
    return userOfDevice(this.device);
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

  /** `gone`: its session ended, or its device was removed. `stale`: its group is not any more as the samples are. */
  async state(): Promise<'gone' | 'stale' | 'ready'> {
    if (performance.now() - this.#signedInAt > SESSION_MS) return 'gone';
    if (this.#grouped === undefined) return 'stale';
    try {
      await this.account.call({ method: 'GET', path: 'devices/current/key-packages' });
    } catch (error) {
      if (error instanceof HawserError) return 'gone';
      throw error;
    }
    return (await this.#epochAtHub(this.#grouped)) === this.#epoch ? 'ready' : 'stale';
  }

  /** Makes a group, one more that is not uploaded, and a file. @param peer whom the commit adds */
  async prepare(peer: Persona): Promise<void> {
    const [first, second] = [await this.#conversation(peer), await this.#conversation(peer)];
    const group = await this.#group(first);
    await this.#api.create(first, { group: group.id, groupInfo: await group.groupInfo(), tree: group.tree() });
    const message = await group.send(new TextEncoder().encode('a message'));
    const own = await makeKeyPackage(peer.keys, Date.now());
    const { commit, groupInfo: commitInfo, welcome } = await group.commit({ add: [own.bytes] }, 'fuzz-commit');
    const other = await this.#group(second);
    this.#samples = {
      ...{ groupInfo: await other.groupInfo(), tree: other.tree(), commit, commitInfo, message },
      welcome: welcome ?? new Uint8Array(),
      keyPackage: (await makeKeyPackage(this.keys, Date.now())).bytes,
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
      ['device', this.device],
      ['peerDevice', peer.device],
      ['domain', domainOf(this.user)],
      ['handle', this.handle],
      ['address', `@${peer.handle}@${domainOf(this.user)}`],
      ...(await this.#files()),
    ]);
  }

  async #epochAtHub(conversation: ConversationId): Promise<number | undefined> {
    const path = `conversations/${encodeURIComponent(conversation)}/group`;
    const state = this.account.call({ method: 'GET', path, answer: GroupState });
    return state.then(({ epoch }) => epoch).catch(() => undefined);
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
    return Group.create(id, this.keys, { save: async () => undefined }, environment);
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
