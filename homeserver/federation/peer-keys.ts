/**
 * With which keys other domains sign, and what speaks for their devices: fetched from each, in memory and on disk, so that devices can
 * be judged while their domain cannot be asked. A domain that comes back with roots that nobody here has seen is a stranger: the old
 * ones stay in use until an administrator has confirmed the new ones.
 */
import { createHash } from 'node:crypto';
import { Compile } from 'typebox/compile';
import type { Authority } from '#mls/credentials.ts';
import { fromBase64Url } from '#signalling/base64.ts';
import { HawserError } from '#signalling/errors.ts';
import { DomainKeys } from '#signalling/federation-people.ts';
import type { DomainName } from '#signalling/ids.ts';
import type { ForeignKeys } from '../ds/groups.ts';
import type { Store } from '../store/store.ts';
import type { World } from '../world.ts';

export interface PeerKeysOptions {
  readonly store: Store;
  readonly world: Pick<World, 'now'>;
  /** Asks the domain. @throws HawserError as every request to another domain */
  readonly fetch: (domain: DomainName) => Promise<DomainKeys>;
  /** A domain came back with other roots, which wait for an administrator. */
  readonly onWaiting?: (domain: DomainName, fingerprints: readonly string[]) => void;
  /** An administrator confirmed them, and they are on disk. */
  readonly onAccepted?: (domain: DomainName, fingerprints: readonly string[]) => void;
}

/** Older ones are fetched again when they are asked for: what is known serves meanwhile. ms */
const FRESH_MS = 5 * 60_000;
/** Not more often than this, whatever is found wrong with a certificate or a signature, or with the way there. ms */
const AGAIN_MS = 5_000;
/** Whoever asks for the newest waits this long, and has what is known where the domain is slower. ms */
const WAIT_MS = 1_000;

interface Known {
  readonly keys: DomainKeys;
  readonly authority: Authority;
  readonly at: number;
  readonly waiting: DomainKeys | undefined;
}

interface Trial {
  readonly at: number;
  readonly done: Promise<void>;
  hasFailed: boolean;
}

const stored = Compile(DomainKeys);

export class PeerKeys implements ForeignKeys {
  readonly #options: PeerKeysOptions;
  readonly #known: Map<DomainName, Known>;
  /** The last request of each domain. */
  readonly #trials = new Map<DomainName, Trial>();

  private constructor(options: PeerKeysOptions, known: Map<DomainName, Known>) {
    this.#options = options;
    this.#known = known;
  }

  static async open(options: PeerKeysOptions): Promise<PeerKeys> {
    const rows = await options.store.db.selectFrom('peer_keys').selectAll().execute();
    const known = rows.flatMap(({ domain, keys, fetched_at, waiting }): [DomainName, Known][] => {
      const [read, other] = [parse(keys), waiting === null ? undefined : parse(waiting)];
      return read ? [[domain, knownOf(read, fetched_at, other)]] : [];
    });
    return new PeerKeys(options, new Map(known));
  }

  /** What speaks for the devices of a domain, as far as it was ever fetched. */
  readonly of = (domain: DomainName): Authority | undefined => this.#known.get(domain)?.authority;

  /** Domains whose new keys an administrator has to confirm. */
  get waiting(): readonly DomainName[] {
    return [...this.#known].filter(([, { waiting }]) => waiting).map(([domain]) => domain);
  }

  /** SHA-256 of the roots of its devices that wait, as administrators compare them. None where nothing waits. */
  readonly waitingFingerprints = (domain: DomainName): string[] => {
    return this.#known.get(domain)?.waiting?.devices.roots.map(fingerprintOf).sort() ?? [];
  };

  /** Everything that a domain says, not older than need be. @throws HawserError where nothing is known and it cannot be asked */
  async get(domain: DomainName): Promise<DomainKeys> {
    const known = this.#known.get(domain);
    if (known) {
      if (Math.abs(this.#options.world.now() - known.at) >= FRESH_MS) this.refresh(domain).catch(() => undefined);
      return known.keys;
    }
    await this.refresh(domain);
    const fetched = this.#known.get(domain);
    if (!fetched) throw new HawserError('FED_UNREACHABLE', domain);
    return fetched.keys;
  }

  /**
   * The same for devices, which keep it themselves and ask where they find something wrong with it: as new as can be had in a moment.
   * @throws as `get`
   */
  async newest(domain: DomainName): Promise<DomainKeys> {
    const asked = this.refresh(domain).catch(() => undefined);
    if (this.#known.has(domain)) await Promise.race([asked, new Promise((resolve) => setTimeout(resolve, WAIT_MS))]);
    return this.get(domain);
  }

  /** Domains that cannot be asked hold nobody: whose devices are not known are refused by themselves. */
  async ensure(domains: readonly DomainName[]): Promise<void> {
    await Promise.allSettled(domains.map((domain) => this.get(domain)));
  }

  async renew(domains: readonly DomainName[]): Promise<void> {
    await Promise.allSettled(domains.map((domain) => this.refresh(domain)));
  }

  refuseWaiting(domains: readonly DomainName[]): void {
    const waits = domains.find((domain) => this.#known.get(domain)?.waiting);
    if (waits !== undefined) throw new HawserError('FED_KEY_WAITS', waits);
  }

  /**
   * The key with which a domain signs, 32 bytes; an unknown one lets them be fetched again, once. Undefined where it has no such key.
   * @throws HawserError FED_KEY_WAITS; what `get` throws
   */
  async signingKey(domain: DomainName, id: string): Promise<Uint8Array | undefined> {
    const find = (keys: DomainKeys | undefined) => keys?.signing.find((each) => each.id === id)?.key;
    const known = find(await this.get(domain));
    if (known === undefined) await this.refresh(domain).catch(() => undefined);
    const { keys, waiting } = this.#known.get(domain) ?? {};
    const key = known ?? find(keys);
    if (key === undefined && find(waiting) !== undefined) throw new HawserError('FED_KEY_WAITS', domain);
    return key === undefined ? undefined : bytesOf(key);
  }

  /** Asks the domain now, unless that was done a moment ago. Callers at once share it. @throws HawserError where it cannot be asked */
  refresh(domain: DomainName, isUrgent = false): Promise<void> {
    const now = this.#options.world.now();
    const last = this.#trials.get(domain);
    if (last && !isUrgent && Math.abs(now - last.at) < AGAIN_MS) return last.done;
    const done = this.#options.fetch(domain).then((keys) => this.#take(domain, keys));
    const trial: Trial = { at: now, done, hasFailed: false };
    this.#trials.set(domain, trial);
    done.catch(() => {
      trial.hasFailed = true;
    });
    return done;
  }

  /** A request of the domain came in: it can be asked again, and whoever comes for the first time is. */
  heard(domain: DomainName): void {
    const last = this.#trials.get(domain);
    if (last?.hasFailed) this.#trials.delete(domain);
    if (!this.#known.has(domain)) this.refresh(domain).catch(() => undefined);
  }

  /**
   * An administrator confirms what waits.
   * @param fingerprints what he has looked at: the domain may have come with others since
   * @throws HawserError HOME_NOT_FOUND where they do not wait
   */
  async accept(domain: DomainName, fingerprints: readonly string[]): Promise<void> {
    const { world, onAccepted } = this.#options;
    const known = this.#known.get(domain);
    const waiting = this.waitingFingerprints(domain);
    if (!known?.waiting || waiting.join() !== fingerprints.toSorted().join())
      throw new HawserError('HOME_NOT_FOUND', 'keys that wait');
    await this.#keep(domain, knownOf(known.waiting, world.now(), undefined));
    onAccepted?.(domain, waiting);
  }

  async #take(domain: DomainName, keys: DomainKeys): Promise<void> {
    const { world, onWaiting } = this.#options;
    const [now, known] = [world.now(), this.#known.get(domain)];
    if (!known || overlap(known.keys, keys)) return this.#keep(domain, knownOf(keys, now, undefined));
    const isNew = JSON.stringify(known.waiting) !== JSON.stringify(keys);
    await this.#keep(domain, { ...known, at: now, waiting: keys });
    if (isNew) onWaiting?.(domain, this.waitingFingerprints(domain));
  }

  async #keep(domain: DomainName, known: Known): Promise<void> {
    const { store } = this.#options;
    const row = {
      keys: JSON.stringify(known.keys),
      fetched_at: known.at,
      waiting: known.waiting ? JSON.stringify(known.waiting) : null,
    };
    await store.db
      .insertInto('peer_keys')
      .values({ domain, ...row })
      .onConflict((c) => c.column('domain').doUpdateSet(row))
      .execute();
    this.#known.set(domain, known);
  }
}

/** Whether one root of before is still there: a domain that changes its root has both for a while. */
function overlap(before: DomainKeys, after: DomainKeys): boolean {
  return after.devices.roots.some((root) => before.devices.roots.includes(root));
}

function knownOf(keys: DomainKeys, at: number, waiting: DomainKeys | undefined): Known {
  const { roots, revocations } = keys.devices;
  return { keys, at, waiting, authority: { roots: roots.map(bytesOf), revocations: revocations.map(bytesOf) } };
}

function fingerprintOf(root: string): string {
  const digest = createHash('sha256').update(bytesOf(root)).digest('hex').toUpperCase();
  return digest.match(/../g)?.join(':') ?? '';
}

function bytesOf(text: string): Uint8Array {
  return fromBase64Url(text) ?? new Uint8Array();
}

/** Undefined where another version wrote it differently: it is fetched again. */
function parse(text: string): DomainKeys | undefined {
  const value: unknown = JSON.parse(text);
  return stored.Check(value) ? value : undefined;
}
