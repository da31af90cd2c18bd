/** A device in a large group, in a page or in a process of its own; all bytes are base64. */
import { Credentials } from '#mls/credentials.ts';
import type { Engine } from '#mls/engine.ts';
import { Group } from '#mls/group.ts';
import type { Hub } from '#mls/library.ts';
import type { DomainName, GroupId } from '#signalling/ids.ts';

export interface MemberAuthority {
  readonly domain: DomainName;
  readonly roots: readonly string[];
  readonly revocations: readonly string[];
}

/** What a device joins with. */
export interface MemberParts {
  readonly group: GroupId;
  readonly groupInfo: string;
  readonly tree: string;
  readonly device: {
    readonly signatureKey: string;
    readonly signaturePublicKey: string;
    readonly certificates: readonly string[];
  };
  readonly hub: { readonly domain: DomainName; readonly signatureKey: string };
  readonly authorities: readonly MemberAuthority[];
}

const REQUEST = 'the request of the member';
/** What is stored goes nowhere: the storage has a benchmark of its own. */
const STORE = { save: async () => undefined };

export class Member {
  readonly #engine: Engine | undefined;
  #group: Group | undefined;

  /** @param engine as `Credentials` and `Environment` have it */
  constructor(engine?: Engine) {
    this.#engine = engine;
  }

  /** @returns how long it took, ms, and the commit */
  async join({ group, groupInfo, tree, device, hub, authorities }: MemberParts) {
    const known = new Map(
      authorities.map(({ domain, roots, revocations }) => [
        domain,
        { roots: roots.map(bytesOf), revocations: revocations.map(bytesOf) },
      ]),
    );
    const environment = {
      credentials: new Credentials((domain) => known.get(domain), this.#engine),
      engine: this.#engine,
      hub: { domain: hub.domain, signatureKey: bytesOf(hub.signatureKey) } satisfies Hub,
      policy: { admits: () => true, mayRemove: () => true },
      now: Date.now,
    };
    const keys = {
      signatureKey: bytesOf(device.signatureKey),
      signaturePublicKey: bytesOf(device.signaturePublicKey),
      certificates: device.certificates.map(bytesOf),
    };
    const parts = { group, groupInfo: bytesOf(groupInfo), tree: bytesOf(tree), device: keys, id: REQUEST };
    const began = performance.now();
    this.#group = await Group.joinExternally(parts, STORE, environment);
    const ms = performance.now() - began;
    const { commit = new Uint8Array() } = this.#group.pending ?? {};
    return { ms, commit: textOf(commit) };
  }

  async accepted(): Promise<void> {
    await this.#joined.accepted(REQUEST);
  }

  /** @returns how long it took, ms */
  async take(commit: string): Promise<number> {
    const bytes = bytesOf(commit);
    const began = performance.now();
    await this.#joined.receive(bytes);
    return performance.now() - began;
  }

  get #joined(): Group {
    if (!this.#group) throw new Error('not joined');
    return this.#group;
  }
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

function textOf(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
}
