/**
 * Whether encryption changes what is seen: one clip, filmed at alpha by one browser and looked at at beta by another one, once with the
 * encryption of people and once without, in turn. Every picture of the clip says which one it is, so that none is taken for another.
 * Only the pages of this benchmark can do without: between people there is no such call.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import { build } from 'vite';
import { openBrowser } from '#cli/demo/browser.ts';
import type { Organisation } from '#cli/demo/organisation.ts';
import { stallOf } from '#cli/demo/page.ts';
import { freePlaces } from '#cli/demo/places.ts';
import { type Person as Account, startTrial, type Trial } from '#cli/demo/trial.ts';
import type { ConversationId } from '#signalling/ids.ts';
import { until } from '#signalling/testing.ts';
import type { Errand, Guard } from '../guarded.ts';
import { CLIP, writeMarkedClip } from '../media/marked-clip.ts';
import { Person } from '../people/person.ts';
import { type Spread, spreadOf } from '../report/figures.ts';
import type {} from './picture-page.ts';

export interface PictureRun {
  /** Pictures of the clip that were seen, of those that were filmed. */
  readonly shown: number;
  /** The others, counted from the first. */
  readonly missing: readonly number[];
  /**
   * Large pictures that the encoder made, those of them that came, and those that were decoded. More than are looked at, since the browser finds
   * out meanwhile what the path carries: counted from one moment at which nothing is under way to another, so that each is in all three or is lost.
   */
  readonly encoded: number;
  readonly received: number;
  readonly decoded: number;
  /** What the viewer's browser counted while the clip was looked at. */
  readonly dropped: number;
  readonly freezes: number;
  readonly packetsLost: number;
  /** Frames that the encryption did not let through, since the begin of the call. */
  readonly refused: number;
  readonly repeated: number;
  readonly unreadable: number;
  /** How often the media server gave another layer, and how often the picture became another size. */
  readonly layerSwitches: number;
  readonly sizeChanges: number;
  readonly height: number;
  /** How coarsely the encoder had to draw, mean of the pictures: 0 is the best, 127 the worst. */
  readonly quantiser: number;
}

export interface PictureSeries {
  readonly runs: readonly PictureRun[];
  readonly shown: Spread;
  /** In all runs together. */
  readonly missing: number;
  /** Pictures that the encoder made and nobody decoded, in all runs together. */
  readonly lost: number;
  /** Changes of the layer and of the size, in all runs together. */
  readonly switches: number;
}

export interface PictureQuality {
  /** Pictures of the clip in each run. */
  readonly frames: number;
  readonly plain: PictureSeries;
  readonly encrypted: PictureSeries;
  /** Between the medians of the pictures that were shown. */
  readonly difference: number;
  /** Between the two plain runs that differ most. */
  readonly differenceOfPlain: number;
  /** Runs that were made again, because a browser itself did not get the processor in time. */
  readonly disturbed: number;
}

const SIGHT_MS = 30_000;
/** Until the browser has found out what the path carries. */
const SETTLE_MS = 5_000;
/** Without another picture for so long, all have come, ms; a page's statistics are up to 50 ms old. */
const REST_MS = 200;
/** A run is made again where timers of a page came so late in it, ms. */
const DISTURBED_MS = 100;
/** Longer than the clip itself takes, a run waits for its end, ms. */
const PATIENCE_MS = 10_000;

/** Where the page is, below the address of an organisation, from which alone its SFT takes browsers. */
const PLACE = '/bench-picture/';

/**
 * @param frames pictures of the clip in each run
 * @param pairs runs of each kind
 */
export async function pictureQuality(
  frames: number,
  pairs: number,
  { undo, onDied }: Guard,
  say: Errand['say'],
): Promise<PictureQuality> {
  const trial = await startTrial({ places: await freePlaces('alpha', 'beta'), say, onDied });
  undo.defer(() => trial.stop());
  say('making the clip');
  const clip = join(trial.folder, 'clip.y4m');
  const [files] = await Promise.all([pageFiles(), writeMarkedClip(clip)]);
  const side = async (account: Account, camera?: { readonly clip: string }): Promise<Side> => {
    const browser = await openBrowser(camera);
    undo.defer(() => browser.close());
    await serve(browser.page, account.organisation, files);
    // To Chromium this page comes from nowhere, and so it may not reach this machine by itself.
    await browser.context.grantPermissions(['local-network-access', 'camera'], { origin: account.organisation.url });
    const home = `http://127.0.0.1:${account.organisation.places.home}`;
    const person = await Person.signIn({ ...account, home, entrance: 'webrtc' });
    undo.defer(() => person.close());
    return { page: browser.page, person, url: account.organisation.url + PLACE };
  };
  const [publisher, viewer] = [await side(trial.alice, { clip }), await side(trial.bob)];
  const runs = { plain: [] as PictureRun[], encrypted: [] as PictureRun[] };
  let disturbed = 0;
  while (runs.encrypted.length < pairs) {
    const kind = runs.plain.length > runs.encrypted.length ? 'encrypted' : 'plain';
    say(`${kind}, ${runs[kind].length + 1} of ${pairs}`);
    const { run, stall } = await played({ publisher, viewer }, trial, kind, frames);
    if (stall >= DISTURBED_MS && disturbed < 2 * pairs) disturbed += 1;
    else runs[kind].push(run);
  }
  return compared(frames, runs, disturbed);
}

function compared(
  frames: number,
  runs: { readonly plain: readonly PictureRun[]; readonly encrypted: readonly PictureRun[] },
  disturbed: number,
): PictureQuality {
  const [plain, encrypted] = [seriesOf(runs.plain), seriesOf(runs.encrypted)];
  return {
    ...{ frames, plain, encrypted, disturbed },
    difference: Math.abs(plain.shown.median - encrypted.shown.median),
    differenceOfPlain: plain.shown.most - plain.shown.least,
  };
}

function seriesOf(runs: readonly PictureRun[]): PictureSeries {
  return {
    runs,
    shown: spreadOf(runs.map(({ shown }) => shown)),
    missing: runs.reduce((sum, { missing }) => sum + missing.length, 0),
    lost: runs.reduce((sum, { encoded, decoded }) => sum + encoded - decoded, 0),
    switches: runs.reduce((sum, { layerSwitches, sizeChanges }) => sum + layerSwitches + sizeChanges, 0),
  };
}

interface Side {
  readonly page: Page;
  readonly person: Person;
  readonly url: string;
}

interface Sides {
  readonly publisher: Side;
  readonly viewer: Side;
}

/** One call from its begin to its end, in new pages. */
async function played({ publisher, viewer }: Sides, trial: Trial, kind: 'plain' | 'encrypted', frames: number) {
  const conversation = trial.conversation as ConversationId;
  const filming = await publisher.person.home.startCall(conversation);
  const isThis = ({ conversations }: Person['home']['store']['state']) =>
    conversations.some((each) => each.call?.conference === filming.call.conference);
  await viewer.person.home.store.when(isThis, AbortSignal.timeout(SIGHT_MS));
  const looking = await viewer.person.home.callTicket(conversation);
  const tickets = [filming, looking];
  const participants = tickets.map(({ participant }) => participant);
  const baseKey = randomBytes(16).toString('base64');
  const pages = [publisher, viewer].map(({ page }) => page);
  for (const [leaf, { page, url }] of [publisher, viewer].entries()) {
    await page.goto(url);
    await page.waitForFunction(() => 'side' in window);
    const keys = kind === 'encrypted' ? { baseKey, participants, leaf } : undefined;
    const ticket = tickets[leaf] as typeof filming;
    await page.evaluate(({ ticket, keys }) => window.side.enter(ticket, keys), { ticket, keys });
  }
  await publisher.page.evaluate(() => window.side.own.film());
  await until(() => viewer.page.evaluate(() => window.side.own.look()), 'the camera in the roster', SIGHT_MS);
  const height = () => viewer.page.evaluate(() => window.side.own.height);
  await until(async () => (await height()) === CLIP.height, 'the large picture', SIGHT_MS);
  const counts = () => countedAtRest(publisher.page, viewer.page);
  const stalls = () => Promise.all(pages.map(stallOf));
  const before = await counts();
  await publisher.page.evaluate(() => window.side.own.resume());
  await wait(SETTLE_MS);
  await stalls();
  const limit = (frames / CLIP.framesPerSecond) * 1_000 + PATIENCE_MS;
  const watched = await viewer.page.evaluate(
    ({ frames, round, limit }) => window.side.own.watch(frames, round, limit),
    { frames, round: CLIP.frames, limit },
  );
  const stall = Math.max(...(await stalls()));
  const after = await counts();
  const refused = await viewer.page.evaluate(() => window.side.own.refused);
  const protections = (await Promise.all(pages.map((page) => page.evaluate(() => window.side.own.protections)))).flat();
  if (watched.shown === 0) throw new Error(`Nothing of the clip was seen, ${kind}.`);
  if (protections.length === 0 || protections.some((each) => each !== (kind === 'encrypted')))
    throw new Error(`The browser does not send and show as it was told, ${kind}.`);
  await Promise.all(pages.map((page) => page.evaluate(() => window.side.own.leave())));
  await publisher.person.home.endCall(conversation).catch(() => undefined); // with the last one it may have ended by itself
  const { before: then, after: now, frames: _, ...seen } = watched;
  const quantisers = now.quantisers - then.quantisers;
  const run: PictureRun = {
    ...{ ...seen, refused },
    encoded: after.encoded - before.encoded,
    received: after.received - before.received,
    decoded: after.decoded - before.decoded,
    dropped: now.dropped - then.dropped,
    freezes: now.freezes - then.freezes,
    packetsLost: now.packetsLost - then.packetsLost,
    quantiser: Number((quantisers / Math.max(1, now.decoded - then.decoded)).toFixed(1)),
  };
  return { run, stall };
}

/** Lets the camera rest, and counts when all that it sent is there. */
async function countedAtRest(publisher: Page, viewer: Page) {
  await publisher.evaluate(() => window.side.own.pause());
  const read = async () => ({
    ...(await viewer.evaluate(() => window.side.own.came())),
    encoded: await publisher.evaluate(() => window.side.own.encoded()),
  });
  let last = await read();
  const rests = async () => {
    await wait(REST_MS);
    const now = await read();
    const isSame = now.encoded === last.encoded && now.received === last.received && now.decoded === last.decoded;
    last = now;
    return isSame;
  };
  await until(rests, 'the end of what is under way', SIGHT_MS);
  return last;
}

/** The page and its worker, as a browser takes them, by where they are. */
async function pageFiles(): Promise<ReadonlyMap<string, string>> {
  const built = await build({
    logLevel: 'warn',
    configFile: false,
    base: PLACE,
    worker: { format: 'es' },
    build: {
      ...{ write: false, minify: false, target: 'es2022', modulePreload: false },
      rollupOptions: { input: join(import.meta.dirname, 'picture-page.ts'), output: { entryFileNames: 'page.js' } },
    },
  });
  const [output] = [built].flat();
  if (!output || !('output' in output)) throw new Error('nothing was built');
  const files = output.output.map((each) => [
    PLACE + each.fileName,
    each.type === 'chunk' ? each.code : Buffer.from(each.source).toString(),
  ]);
  const page = `<!doctype html><script type="module" src="${PLACE}page.js"></script>`;
  return new Map([[PLACE, page], ...(files as [string, string][])]);
}

/** Answers for the homeserver, which knows nothing of the page. */
async function serve(page: Page, { url }: Organisation, files: ReadonlyMap<string, string>): Promise<void> {
  await page.context().route(`${url}${PLACE}**`, (route) => {
    const { pathname } = new URL(route.request().url());
    const body = files.get(pathname);
    if (body === undefined) return route.fulfill({ status: 404 });
    return route.fulfill({ body, contentType: pathname.endsWith('.js') ? 'text/javascript' : 'text/html' });
  });
}
