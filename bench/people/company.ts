/** All synthetic people of a run, spread over processes of their own. */
import { join } from 'node:path';
import { type ConversationId, type ParticipantId, userIdOf } from '#signalling/ids.ts';
import { until } from '#signalling/testing.ts';
import { Helper } from '../helper.ts';
import { type Scenario, wantsOf } from '../scenario/scenario.ts';
import { makePeople, type Stage } from '../stage.ts';
import { groups } from './crowd.ts';
import type { PublishersMethods } from './publishers.ts';
import type { ViewerReading } from './viewer.ts';
import type { ViewersMethods } from './viewers.ts';

/** What one process does without being late, with room to spare: a publisher needs about 1 % of a core, a viewer 3 %. */
const PUBLISHERS_A_PROCESS = 30;
const VIEWERS_A_PROCESS = 20;
const SERVED_MS = 30_000;

export interface CompanyOptions {
  readonly stage: Stage;
  readonly scenario: Scenario;
  readonly undo: AsyncDisposableStack;
  readonly onDied: (sentence: string) => void;
  /** One line about each step. */
  readonly say: (line: string) => void;
}

export class Company {
  readonly #publishers: readonly Helper<PublishersMethods>[];
  readonly #viewers: readonly Helper<ViewersMethods>[];
  readonly #count: number;

  private constructor(
    publishers: readonly Helper<PublishersMethods>[],
    viewers: readonly Helper<ViewersMethods>[],
    count: number,
  ) {
    this.#publishers = publishers;
    this.#viewers = viewers;
    this.#count = count;
  }

  /** Makes the accounts, starts the call and lets everybody join. */
  static async gather({ stage, scenario, undo, onDied, say }: CompanyOptions): Promise<Company> {
    const { publishers, viewers } = scenario;
    say(`making ${publishers + viewers} accounts`);
    const [atAlpha, atBeta] = await Promise.all([
      makePeople(stage.alpha, stage.entrance, 'publisher', publishers),
      makePeople(stage.beta, stage.entrance, 'viewer', viewers),
    ]);

    say(`${publishers} publishers join at alpha`);
    const [caller, ...others] = atAlpha;
    if (!caller) throw new Error('there must be a publisher');
    const start = <M extends PublishersMethods | ViewersMethods>(name: string, file: string, count: number) =>
      Array.from({ length: count }, (_, index) => {
        const label = count === 1 ? name : `${name} ${index + 1}`;
        return Helper.start<M>(label, join(import.meta.dirname, file), undo, onDied);
      });
    const teams = groups(others, PUBLISHERS_A_PROCESS);
    const publishing = start<PublishersMethods>('publishers', 'publishers.ts', Math.max(1, teams.length));
    const members = [
      ...others.map(({ handle }) => userIdOf(stage.alpha.domain, handle)),
      ...atBeta.map(({ handle }) => userIdOf(stage.beta.domain, handle)),
    ];
    const [first] = publishing;
    if (!first) throw new Error('there must be a publisher');
    const { conversation, me } = await first.call('call', { caller, title: 'Benchmark', members });
    const joined = await Promise.all(
      teams.map((people, index) => publishing[index]?.call('join', { conversation, people }) ?? []),
    );

    say(`${viewers} viewers join at beta`);
    const watching = await seat(conversation, [me, ...joined.flat()], scenario, atBeta, (count) =>
      start<ViewersMethods>('viewers', 'viewers.ts', count),
    );
    return new Company(publishing, watching, viewers);
  }

  /** Resolves when every viewer has every picture and every voice; or after half a minute, with how many have. */
  async served(): Promise<number> {
    let served = 0;
    const all = async () => {
      const parts = await Promise.all(this.#viewers.map((helper) => helper.call('served', undefined)));
      served = parts.reduce((sum, part) => sum + part, 0);
      return served === this.#count;
    };
    await until(all, 'all pictures', SERVED_MS).catch(() => undefined);
    return served;
  }

  async read(): Promise<{ readonly viewers: ViewerReading[]; readonly skipped: number }> {
    const [viewers, publishers] = await Promise.all([
      Promise.all(this.#viewers.map((helper) => helper.call('read', undefined))),
      Promise.all(this.#publishers.map((helper) => helper.call('read', undefined))),
    ]);
    return { viewers: viewers.flat(), skipped: publishers.reduce((sum, { skipped }) => sum + skipped, 0) };
  }

  get processes(): readonly { readonly name: string; readonly pid: number }[] {
    return [...this.#publishers, ...this.#viewers].map(({ name, pid }) => ({ name, pid }));
  }
}

async function seat(
  conversation: ConversationId,
  publishers: readonly ParticipantId[],
  scenario: Scenario,
  people: Awaited<ReturnType<typeof makePeople>>,
  start: (count: number) => Helper<ViewersMethods>[],
): Promise<Helper<ViewersMethods>[]> {
  const seats = people.map((credentials, index) => ({ credentials, wants: wantsOf(index, scenario) }));
  const rooms = groups(seats, VIEWERS_A_PROCESS);
  const helpers = start(rooms.length);
  await Promise.all(rooms.map((viewers, index) => helpers[index]?.call('join', { conversation, publishers, viewers })));
  return helpers;
}
