/** The border as a process of its own: forwards, and tells its counts with the time at which they were so. */
import { answerCalls } from '../helper.ts';
import { monotonicMs } from '../measure/clock.ts';
import { lostAt } from './drops.ts';
import { type BorderCounts, type BorderOutcomes, type BorderSide, Forwarder } from './forwarder.ts';
import type { Impairment } from './line.ts';

export interface BorderReading {
  /** ms of the machine's monotonic clock. */
  readonly at: number;
  readonly counts: BorderCounts;
  /** Only where the line is impaired. */
  readonly outcomes?: BorderOutcomes;
}

export interface BorderPlan {
  readonly sides: readonly BorderSide[];
  readonly impairment?: Impairment;
}

/** Packets that the kernel threw away so far because a socket was full; absent where it does not tell. */
export interface BorderLoss {
  readonly border?: number;
  /** At the servers' ends of the trunks. */
  readonly trunk?: number;
  /** Between people and their own servers, in both directions: all of 127.0.0.1. */
  readonly people?: number;
  readonly strays: number;
}

const PEOPLE = '127.0.0.1';

let forwarder: Forwarder | undefined;
let plan: BorderPlan = { sides: [] };

const methods = {
  open: async (wanted: BorderPlan): Promise<void> => {
    forwarder = await Forwarder.open(wanted.sides, wanted.impairment);
    plan = wanted;
  },
  read: (): BorderReading => ({
    at: monotonicMs(),
    counts: forwarder?.counts ?? {},
    ...(forwarder && plan.impairment && { outcomes: forwarder.outcomes }),
  }),
  loss: async (): Promise<BorderLoss> => {
    const [border, trunk, people] = await Promise.all([
      lostAt(plan.sides.map(({ front }) => front)),
      lostAt(plan.sides.map(({ own }) => own)),
      lostAt([PEOPLE]),
    ]);
    return {
      ...(border !== undefined && { border: border + (forwarder?.refused ?? 0) }),
      ...(trunk !== undefined && { trunk }),
      ...(people !== undefined && { people }),
      strays: forwarder?.strays ?? 0,
    };
  },
} as const;

export type BorderMethods = typeof methods;

answerCalls(methods, () => forwarder?.close());
