/** Where a benchmark plays: two organisations as real processes on loopback, and the border between their media servers. */
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
import type { BorderSide } from './border/forwarder.ts';
import type { Impairment } from './border/line.ts';
import type { BorderMethods } from './border/process.ts';
import { Helper, HelperError } from './helper.ts';
import { inTurns } from './people/crowd.ts';
import type { Credentials } from './people/person.ts';

export interface Stage {
  readonly alpha: Organisation;
  readonly beta: Organisation;
  readonly border: Helper<BorderMethods>;
  readonly entrance: Entrance;
}

/** How synthetic people reach their own media server. */
export type Entrance = 'webrtc' | 'plain';

export interface StageOptions {
  readonly entrance: Entrance;
  readonly mode: TrunkMode;
  /** What the border does to the packets besides carrying them; nothing when left out. */
  readonly impairment?: Impairment | undefined;
  /** Everything that is started is put here, to be stopped in the opposite order. */
  readonly undo: AsyncDisposableStack;
  readonly onDied: (sentence: string) => void;
}

const BORDER = { alpha: { own: '127.0.1.1', front: '127.0.1.2' }, beta: { own: '127.0.2.1', front: '127.0.2.2' } };
const ATTEMPTS = 5;

/** @throws Problem or HelperError with a plain sentence where something does not start */
export async function setStage({ entrance, mode, impairment, undo, onDied }: StageOptions): Promise<Stage> {
  process.env.MEDIASOUP_WORKER_BIN ??= await ensureWorker();
  if (undo.disposed) throw new Error('Stopped.');
  const folder = mkdtempSync(join(tmpdir(), 'hawser-bench-'));
  undo.defer(() => rm(folder, { recursive: true, force: true }));

  const program = join(import.meta.dirname, 'border', 'process.ts');
  const border = Helper.start<BorderMethods>('border', program, undo, onDied);
  const places = await openBorder(border, impairment);

  const prepare = async (name: 'alpha' | 'beta') => {
    const { own, front } = BORDER[name];
    await mkdir(join(folder, name));
    return Organisation.prepare({
      name,
      folder: join(folder, name),
      places: places[name],
      trunk: { listenIp: own, announcedIp: front },
      entrance,
      mode,
      participantsPerConference: 1_000,
    });
  };
  const [alpha, beta] = await Promise.all([prepare('alpha'), prepare('beta')]);
  await Promise.all([alpha.allow([beta]), beta.allow([alpha])]);
  if (undo.disposed) throw new Error('Stopped.');
  // Its log goes with the folder, so that the end of it is told here.
  const onServerDied = (organisation: Organisation) => async (sentence: string) => {
    const server = organisation.processes.find(({ name }) => sentence.startsWith(name));
    const lines = (await server?.lastLines()) ?? '';
    onDied(`${sentence.split(';')[0]}. The end of its log:\n${lines}`);
  };
  const starting = Promise.all([alpha.start(onServerDied(alpha)), beta.start(onServerDied(beta))]);
  undo.defer(async () => {
    await starting.catch(() => undefined); // a server that comes up late is stopped too
    await Promise.all([alpha.stop(), beta.stop()]);
  });
  await starting;
  return { alpha, beta, border, entrance };
}

/** The ports were free on one address of loopback; where one is taken on another, others are tried. */
async function openBorder(border: Helper<BorderMethods>, impairment?: Impairment) {
  for (let attempt = 1; ; attempt++) {
    const places = await freePlaces('alpha', 'beta');
    const side = (name: 'alpha' | 'beta'): BorderSide => ({ name, ...BORDER[name], ports: places[name].trunk });
    try {
      await border.call('open', { sides: [side('alpha'), side('beta')], ...(impairment && { impairment }) });
      return places;
    } catch (error) {
      if (!(error instanceof HelperError) || error.code !== 'EADDRINUSE' || attempt === ATTEMPTS) throw error;
    }
  }
}

/** Makes accounts at one organisation, `publisher-1` and so on. */
export function makePeople(
  organisation: Organisation,
  entrance: Entrance,
  kind: string,
  count: number,
): Promise<Credentials[]> {
  const handles = Array.from({ length: count }, (_, index) => `${kind}-${index + 1}`);
  const home = `http://127.0.0.1:${organisation.places.home}`;
  return inTurns(handles, 2, async (handle) => {
    const password = randomBytes(12).toString('base64url');
    await organisation.createAccount(handle, handle, password);
    return { home, handle, password, entrance };
  });
}
