/** What a group needs from outside: what speaks for the devices of each domain, the key of its hub, and by both who is good no more. */
import type { Credentials } from '#mls/credentials.ts';
import type { Engine } from '#mls/engine.ts';
import type { Group } from '#mls/group.ts';
import type { Environment } from '#mls/library.ts';
import { type DomainName, domainOf, type RoomId, type UserId } from '#signalling/ids.ts';
import type { Device } from '../device/device.ts';
import type { Authorities } from './authorities.ts';
import { isCode } from './refusal.ts';

export interface SurroundingsOptions {
  readonly room: RoomId;
  readonly device: Device;
  readonly authorities: Authorities;
  readonly credentials: Credentials;
  /** Where there is something quicker than WebCrypto. */
  readonly engine?: Engine;
  readonly membership: () => {
    readonly members: readonly { readonly user: UserId }[];
    readonly domains?: readonly DomainName[];
  };
  /** ms since 1970 */
  readonly now: () => number;
}

export class Surroundings {
  readonly #options: SurroundingsOptions;
  #environment: Environment | undefined;
  /** Epoch and version of the lists at which nobody had lapsed: looking takes 15 ms in a group of 500. */
  #cleanAt: string | undefined;

  constructor(options: SurroundingsOptions) {
    this.#options = options;
  }

  async environment(): Promise<Environment> {
    if (this.#environment) return this.#environment;
    const { room, authorities, credentials, engine, now } = this.#options;
    await authorities.ensure(this.#domains());
    const hub = await authorities.hub(domainOf(room));
    this.#environment = {
      credentials,
      hub,
      // The hub sees that members and devices are one truth, at the moment of each commit. What is known here of the members may be
      // newer than the commit, or older.
      policy: { admits: () => true, mayRemove: () => true },
      now,
      engine,
    };
    return this.#environment;
  }

  /** Once more where a certificate was refused, with what the domains say now. */
  async withFresh<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!isCode(error, 'MLS_CREDENTIAL_REFUSED', 'MLS_REVOCATION_UNKNOWN', 'MLS_CREDENTIAL_REVOKED')) throw error;
      await this.#options.authorities.renew(this.#domains());
      return work();
    }
  }

  /** Whether somebody is in it whose certificate has ended or was taken back. */
  async hasLapsed(group: Group): Promise<boolean> {
    const { authorities } = this.#options;
    await authorities.ensure(this.#domains());
    const seen = `${group.epoch} ${authorities.version}`;
    if (seen === this.#cleanAt) return false;
    if ((await group.lapsed()).length > 0) return true;
    this.#cleanAt = seen;
    return false;
  }

  /** Another group takes the place of the one that was looked at. */
  forget(): void {
    this.#cleanAt = undefined;
  }

  /** Whose devices may be in the group. */
  #domains(): Set<DomainName> {
    const { room, device, membership } = this.#options;
    const { members, domains = [] } = membership();
    return new Set([...[room, device.user, ...members.map(({ user }) => user)].map(domainOf), ...domains]);
  }
}
