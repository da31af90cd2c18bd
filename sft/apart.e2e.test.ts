/** Many conferences on one Router: no packet of one ever reaches somebody of another, whatever people do and wish for. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ConferenceId } from '#signalling/ids.ts';
import { until } from '#signalling/testing.ts';
import { temporaryFolder } from '#trust/testing-folder.ts';
import { newConferenceId, TestSft } from './testing.ts';
import { type Ledger, MarkedPerson } from './testing-marks.ts';

const SEED = Number(process.env.HAWSER_SEED ?? Math.floor(Math.random() * 2 ** 32));
const STEPS = 350;
/** More is more of the same; all of a conference are to hear each other. */
const PEOPLE_PER_CONFERENCE = 4;

const folder = temporaryFolder();
let alpha: TestSft;
let beta: TestSft;

beforeAll(async () => {
  const start = (name: string) => TestSft.start(folder, name, { mode: 'layers', entrance: 'plain' });
  [alpha, beta] = (await Promise.all(['alpha', 'beta'].map(start))) as [TestSft, TestSft];
  await alpha.allow({ of: beta.test });
  await beta.allow({ of: alpha.test });
});
afterAll(async () => {
  await Promise.all([alpha, beta].map((sft) => sft?.close()));
});

/** mulberry32: the same seed, the same schedule. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What must be heard and seen of whom, from what is published and watched. */
const expected = (person: MarkedPerson, people: readonly MarkedPerson[], watching: ReadonlySet<MarkedPerson>) =>
  people
    .filter((other) => other !== person && other.id === person.id)
    .flatMap((other) => {
      const kinds = [...other.publications.keys()];
      return kinds
        .filter((kind) => kind === 'microphone' || watching.has(person))
        .map((kind) => `${other.participant} ${kind}`);
    });

it(`keeps conferences apart through a random schedule (HAWSER_SEED=${SEED})`, async () => {
  const random = randomOf(SEED);
  const pick = <T>(of: readonly T[]): T | undefined => of[Math.floor(random() * of.length)];
  const conferences = Array.from({ length: 6 }, () => newConferenceId());
  // Some are anchored here and some there; in most of them people of both organisations meet.
  const anchors = new Map<ConferenceId, TestSft>(conferences.map((id, i) => [id, i % 2 === 0 ? alpha : beta]));
  for (const [id, anchor] of anchors) (anchor === alpha ? beta : alpha).federate(id, anchor);

  const ledger: Ledger = { faults: [], sources: new Map(), packets: 0 };
  const people: MarkedPerson[] = [];
  const watching = new Set<MarkedPerson>();
  const sending = setInterval(() => {
    for (const person of people) person.send(40);
  }, 40);

  const steps = {
    async join() {
      const open = conferences.filter((id) => people.filter((each) => each.id === id).length < PEOPLE_PER_CONFERENCE);
      const id = pick(open);
      const anchor = id && anchors.get(id);
      if (id && anchor) people.push(await MarkedPerson.join(pick([alpha, beta]) ?? alpha, id, anchor, ledger));
    },
    async speak() {
      const person = pick(people.filter(({ publications }) => !publications.has('microphone')));
      await person?.publish('microphone');
    },
    async film() {
      const person = pick(people.filter(({ publications }) => !publications.has('camera')));
      await person?.publish('camera');
    },
    async unpublish() {
      const person = pick(people.filter(({ publications }) => publications.size > 0));
      const kind = person && pick([...person.publications.keys()]);
      if (kind) await person.unpublish(kind);
    },
    async watch() {
      const person = pick(people);
      if (!person) return;
      watching.add(person);
      person.watch(pick([180, 360, 720]) ?? 180);
    },
    async lookAway() {
      const person = pick([...watching]);
      if (!person) return;
      watching.delete(person);
      person.watch('none');
    },
    async leave() {
      const person = pick(people);
      if (!person) return;
      people.splice(people.indexOf(person), 1);
      watching.delete(person);
      if (random() < 0.5) await person.leave();
      else person[Symbol.dispose]();
    },
    async rest() {
      await new Promise((resolve) => setTimeout(resolve, 60));
    },
  };
  const { join, speak, film, unpublish, watch, lookAway, leave, rest } = steps;
  const bag = [join, join, join, speak, speak, film, film, unpublish, watch, watch, lookAway, leave, rest];

  try {
    for (let step = 0; step < STEPS; step++) await pick(bag)?.();
    // In the end everybody has somebody to hear, and everybody who watches somebody to see.
    for (const id of conferences)
      while (people.filter((each) => each.id === id).length < 2) {
        const anchor = anchors.get(id) ?? alpha;
        people.push(await MarkedPerson.join(pick([alpha, beta]) ?? alpha, id, anchor, ledger));
      }
    // The schedule may end with nobody who watches.
    if (watching.size === 0 && people[0]) watching.add(people[0]);
    for (const person of people) {
      for (const kind of ['microphone', 'camera'] as const)
        if (!person.publications.has(kind)) await person.publish(kind);
    }
    const sources = (person: MarkedPerson) => person.others.flatMap((each) => each.sources).length;
    await until(
      () => people.every((person) => sources(person) === 2 * (people.filter(({ id }) => id === person.id).length - 1)),
      'everybody in every roster',
      10_000,
    );
    for (const person of people) {
      person.got.clear();
      if (watching.has(person)) person.watch(360);
    }
    const missing = () =>
      people.flatMap((person) => {
        const lacks = expected(person, people, watching).filter((each) => !person.got.has(each));
        return lacks.map((each) => `${person.participant} (${person.sft.domain}) lacks ${each}`);
      });
    await until(() => missing().length === 0, 'everybody hears and sees', 10_000).catch((error: unknown) => {
      throw new Error(missing().join('\n'), { cause: error });
    });
    expect(ledger.faults).toEqual([]);
    expect(watching.size).toBeGreaterThan(0);
    expect(people.every(({ isIn }) => isIn)).toBe(true);
    expect(ledger.packets).toBeGreaterThan(1_000);
  } finally {
    clearInterval(sending);
    for (const person of people) person[Symbol.dispose]();
  }
  await Promise.all([alpha.idle(), beta.idle()]);
  for (const sft of [alpha, beta]) expect(await sft.metric('hawser_sft_faults_total')).toBe(0);
});
