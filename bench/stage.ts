/** Where a benchmark plays: several organisations as real processes on loopback, and the border between their media servers. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { Organisation } from '#cli/demo/organisation.ts';
import { freePlaces } from '#cli/demo/places.ts';
import { ensureWorker } from '#cli/setup/worker.ts';
import type { TrunkMode } from '#sft/conference/demand.ts';
import { addressesOf, type BorderSide } from './border/forwarder.ts';
import type { Impairment } from './border/line.ts';
import type { BorderMethods } from './border/process.ts';
import { Helper, HelperError } from './helper.ts';
import { inTurns } from './people/crowd.ts';
import type { Credentials } from './people/person.ts';
import type { Domain, Entrance, Person } from './scenario/scenario.ts';

/** What runs on it. */
export class Stage {
  readonly border: Helper<BorderMethods>;
  readonly entrance: Entrance;
  readonly #organisations: ReadonlyMap<Domain, Organisation>;

  constructor(organisations: ReadonlyMap<Domain, Organisation>, border: Helper<BorderMethods>, entrance: Entrance) {
    this.#organisations = organisations;
    this.border = border;
    this.entrance = entrance;
  }

  /** The anchor first. */
  get organisations(): readonly Organisation[] {
    return [...this.#organisations.values()];
  }

  organisation(domain: Domain): Organisation {
    const organisation = this.#organisations.get(domain);
    if (!organisation) throw new Error(`${domain} is not on the stage`);
    return organisation;
  }
}

export interface StageOptions {
  /** Who takes part, the anchor first. */
  readonly domains: readonly Domain[];
  readonly entrance: Entrance;
  readonly mode: TrunkMode;
  /** What the border does to the packets besides carrying them; nothing when left out. */
  readonly impairment?: Impairment | undefined;
  /** Everything that is started is put here, to be stopped in the opposite order. */
  readonly undo: AsyncDisposableStack;
  readonly onDied: (sentence: string) => void;
}

const ATTEMPTS = 5;

/** @throws Problem or HelperError with a plain sentence where something does not start */
export async function setStage(options: StageOptions): Promise<Stage> {
  const { domains, entrance, mode, impairment, undo, onDied } = options;
  process.env.MEDIASOUP_WORKER_BIN ??= await ensureWorker();
  if (undo.disposed) throw new Error('Stopped.');
  const folder = mkdtempSync(join(tmpdir(), 'hawser-bench-'));
  undo.defer(() => rm(folder, { recursive: true, force: true }));

  const program = join(import.meta.dirname, 'border', 'process.ts');
  const border = Helper.start<BorderMethods>('border', program, undo, onDied);
  const places = await openBorder(border, domains, impairment);

  const prepared = await Promise.all(
    domains.map(async (name, index) => {
      const { own, front } = addressesOf(index);
      await mkdir(join(folder, name));
      const organisation = await Organisation.prepare({
        name,
        folder: join(folder, name),
        places: places[name],
        trunk: { listenIp: own, announcedIp: front },
        entrance,
        mode,
        participantsPerConference: 1_000,
      });
      return [name, organisation] as const;
    }),
  );
  const organisations = prepared.map(([, organisation]) => organisation);
  await Promise.all(organisations.map((each) => each.allow(organisations.filter((other) => other !== each))));
  if (undo.disposed) throw new Error('Stopped.');
  // Its log goes with the folder, so that the end of it is told here.
  const onServerDied = (organisation: Organisation) => async (sentence: string) => {
    const server = organisation.processes.find(({ name }) => sentence.startsWith(name));
    const lines = (await server?.lastLines()) ?? '';
    onDied(`${sentence.split(';')[0]}. The end of its log:\n${lines}`);
  };
  // A few at a time: each has a deadline for its start.
  const starting = inTurns(organisations, 2, (each) => each.start(onServerDied(each)));
  undo.defer(async () => {
    await starting.catch(() => undefined); // a server that comes up late is stopped too
    await Promise.all(organisations.map((each) => each.stop()));
  });
  await starting;
  return new Stage(new Map(prepared), border, entrance);
}

/** The ports were free on one address of loopback; where one is taken on another, others are tried. */
async function openBorder(border: Helper<BorderMethods>, domains: readonly Domain[], impairment?: Impairment) {
  for (let attempt = 1; ; attempt++) {
    const places = await freePlaces(...domains);
    const sides = domains.map((name, index): BorderSide => {
      return { name, ...addressesOf(index), ports: places[name].trunk };
    });
    try {
      await border.call('open', { sides, ...(impairment && { impairment }) });
      return places;
    } catch (error) {
      if (!(error instanceof HelperError) || error.code !== 'EADDRINUSE' || attempt === ATTEMPTS) throw error;
    }
  }
}

/** Makes an account for each person, named like him in the scenario, at his organisation. @returns in their order */
export function makePeople(stage: Stage, people: readonly Person[]): Promise<Credentials[]> {
  return inTurns(people, 2, async ({ at, name: handle }) => {
    const organisation = stage.organisation(at);
    const home = `http://127.0.0.1:${organisation.places.home}`;
    const password = randomBytes(12).toString('base64url');
    await organisation.createAccount(handle, handle, password);
    return { home, handle, password, entrance: stage.entrance };
  });
}
