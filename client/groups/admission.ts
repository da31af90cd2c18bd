/**
 * Lets people's devices into a group. People of another organisation that cannot be asked now hold nobody: they are let in later, while
 * the conversation is open. Whoever of them comes online joins by himself anyway.
 */
import { HawserError } from '#signalling/errors.ts';
import { type DomainName, domainOf, type UserId, userOfDevice } from '#signalling/ids.ts';
import type { Authorities } from './authorities.ts';
import type { ClaimedKeyPackage, GroupApi } from './group-api.ts';
import { isRefusal } from './refusal.ts';

export interface AdmissionOptions {
  readonly api: Pick<GroupApi, 'claim'>;
  readonly authorities: Pick<Authorities, 'ensure' | 'of'>;
  /** Of this device. */
  readonly own: DomainName;
  /** Puts them into the group, in one commit. */
  readonly add: (claimed: readonly ClaimedKeyPackage[]) => Promise<void>;
  /** Whether somebody is still in the conversation. */
  readonly isIn: (user: UserId) => boolean;
  /** 0 to 1 */
  readonly random: () => number;
}

/** Doubles up to a quarter of an hour. ms */
const FIRST_MS = 2_000;
const LONGEST_MS = 15 * 60_000;

export class Admission {
  readonly #options: AdmissionOptions;
  #late = new Set<UserId>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;
  #closed = false;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /** @throws HawserError where the own homeserver or the group is to blame */
  async let(users: readonly UserId[]): Promise<void> {
    const { add, own } = this.#options;
    const claimed = await this.#claim(users);
    try {
      await add(claimed);
    } catch (error) {
      const byDomain = Map.groupBy(claimed, ({ device }) => domainOf(device));
      if (!isRefusal(error) || [...byDomain.keys()].every((domain) => domain === own)) throw error;
      // One organisation's devices, which the hub cannot judge for instance, shall not keep those of the others out.
      for (const [domain, some] of byDomain) {
        await add(some).catch((alone: unknown) => {
          if (domain === own || !isRefusal(alone)) throw alone;
          this.#later(usersOf(some));
        });
      }
    }
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  async #claim(users: readonly UserId[]): Promise<ClaimedKeyPackage[]> {
    const { api, authorities, own } = this.#options;
    const answers = await Promise.allSettled(users.map(async (user) => ({ user, claimed: await api.claim(user) })));
    const claimed = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value.claimed : []));
    const missed: UserId[] = [];
    for (const [index, answer] of answers.entries()) {
      const user = users[index];
      if (answer.status === 'fulfilled' || user === undefined) continue;
      if (domainOf(user) === own || isOfOwnHomeserver(answer.reason)) throw answer.reason;
      missed.push(user);
    }
    await authorities.ensure(claimed.map(({ device }) => domainOf(device)));
    const isKnown = ({ device }: ClaimedKeyPackage) => authorities.of(domainOf(device)) !== undefined;
    this.#later([...missed, ...usersOf(claimed.filter((each) => !isKnown(each)))]);
    return claimed.filter(isKnown);
  }

  #later(users: readonly UserId[]): void {
    for (const user of users) this.#late.add(user);
    if (this.#closed || this.#timer !== undefined || this.#late.size === 0) return;
    const full = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(this.#failures, 20));
    this.#failures += 1;
    this.#timer = setTimeout(() => void this.#again(), full * (0.5 + this.#options.random() / 2));
    if (typeof this.#timer === 'object') this.#timer.unref?.();
  }

  async #again(): Promise<void> {
    const users = [...this.#late].filter(this.#options.isIn);
    this.#late = new Set();
    this.#timer = undefined;
    // Whatever is wrong with the group itself others find out too.
    if (users.length > 0) await this.let(users).catch(() => this.#later(users));
    if (this.#late.size === 0) this.#failures = 0;
  }
}

function usersOf(claimed: readonly ClaimedKeyPackage[]): UserId[] {
  return [...new Set(claimed.map(({ device }) => userOfDevice(device)))];
}

/** The own homeserver could not be asked, or would not: it says nothing about another one. */
function isOfOwnHomeserver(error: unknown): boolean {
  return !(error instanceof HawserError) || /^(?:SIG_|HOME_UNAUTHENTICATED|HOME_SLOW_DOWN|HOME_STORE)/.test(error.code);
}
