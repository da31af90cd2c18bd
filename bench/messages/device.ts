/** One device of the benchmark: a real session, key, certificate and connection, and no more around it than it needs. */
import { certificationRequest, makeSignatureKeys } from '#client/device/keys.ts';
import { GroupApi } from '#client/groups/group-api.ts';
import type { DeviceKeys, OwnKeyPackage } from '#mls/key-package.ts';
import { makeKeyPackage } from '#mls/key-package.ts';
import { fromBase64Url, toBase64Url } from '#signalling/base64.ts';
import { CLIENT_HOME, EVENTS_PATH } from '#signalling/client-home.ts';
import { CertifiedDevice, KeyPackageCount } from '#signalling/devices.ts';
import { HawserError } from '#signalling/errors.ts';
import type { ConversationId, DeviceId, UserId } from '#signalling/ids.ts';
import { Rpc } from '#signalling/rpc.ts';
import { dialSocket } from '#signalling/websocket.ts';
import { addressOf, BenchApi } from './api.ts';
import { type Delivered, withoutDeliveries } from './deliveries.ts';
import type { Seat } from './population.ts';

/** As the client does it: one acknowledgement for all that came in this time, ms. */
const ACKNOWLEDGE_MS = 200;

export class BenchDevice {
  readonly user: UserId;
  readonly api: BenchApi;
  readonly groups: GroupApi;
  readonly home: string;
  readonly #accessToken: string;
  #keys: DeviceKeys | undefined;
  #id: DeviceId | undefined;
  #rpc: Rpc<typeof CLIENT_HOME, 'dialler'> | undefined;
  #acknowledging: ReturnType<typeof setTimeout> | undefined;
  #sent = 0;
  /** Entries that were delivered to it. */
  received = 0;
  /** Of the newest entry. */
  position = 0;
  onDelivery: ((delivered: Delivered, text: string) => void) | undefined;

  /** @param index of all devices, for an address of its own */
  constructor(home: string, { user, accessToken }: Seat, index: number) {
    this.user = user;
    this.home = home;
    this.#accessToken = accessToken;
    this.api = new BenchApi(home, accessToken, addressOf(index));
    this.groups = new GroupApi(this.api);
  }

  get keys(): DeviceKeys {
    if (!this.#keys) throw new Error('no device yet');
    return this.#keys;
  }

  get id(): DeviceId {
    if (!this.#id) throw new Error('no device yet');
    return this.#id;
  }

  /** A key of its own, and the homeserver's certificate for it. */
  async setUp(): Promise<void> {
    const keys = await makeSignatureKeys();
    const body = { name: 'bench', request: toBase64Url(await certificationRequest(keys)) };
    const certified = await this.api.call({ method: 'POST', path: 'devices', body, answer: CertifiedDevice });
    this.#id = certified.device;
    this.#keys = { ...keys, certificates: certified.certificates.map(bytesOf) };
  }

  /** Leaves one key package with the homeserver, so that it can be added to a group. */
  async bringKeyPackage(): Promise<OwnKeyPackage> {
    const own = await makeKeyPackage(this.keys, Date.now());
    const text = toBase64Url(own.bytes);
    const body = { keyPackages: [], lastResort: text };
    await this.api.call({ method: 'PUT', path: 'devices/current/key-packages', body, answer: KeyPackageCount });
    return own;
  }

  /** Connects, and gets everything that waits for it from now on. */
  async connect(): Promise<void> {
    const url = `${this.home.replace(/^http/, 'ws')}${EVENTS_PATH}`;
    const socket = withoutDeliveries(await dialSocket({ url, contract: CLIENT_HOME }), (delivered, text) => {
      this.received += delivered.entries;
      this.position = delivered.position;
      this.#acknowledging ??= setTimeout(() => this.#acknowledge(), ACKNOWLEDGE_MS);
      this.onDelivery?.(delivered, text);
    });
    this.#rpc = new Rpc({
      ...{ contract: CLIENT_HOME, side: 'dialler', socket, requests: {} },
      notifications: { event: () => undefined, delivery: () => undefined },
    });
    await this.#rpc.request('hello', { accessToken: this.#accessToken });
    await this.#rpc.request('receive', { after: this.position });
  }

  /** Resolves when the server has it on disk. @param message base64url */
  async send(conversation: ConversationId, message: string): Promise<void> {
    if (!this.#rpc) throw new HawserError('SIG_CLOSED');
    await this.#rpc.request('send', { conversation, number: ++this.#sent, message });
  }

  get isConnected(): boolean {
    return this.#rpc?.isOpen ?? false;
  }

  close(): void {
    clearTimeout(this.#acknowledging);
    this.#rpc?.close();
    this.api.close();
  }

  #acknowledge(): void {
    this.#acknowledging = undefined;
    this.#rpc?.notify('acknowledge', { position: this.position });
  }
}

function bytesOf(text: string): Uint8Array {
  const bytes = fromBase64Url(text);
  if (!bytes) throw new HawserError('SIG_SCHEMA', 'base64url');
  return bytes;
}
