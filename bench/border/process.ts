/** The border as a process of its own: forwards, and tells its counts with the time at which they were so. */
import { answerCalls } from '../helper.ts';
import { monotonicMs } from '../measure/clock.ts';
import { lostAt } from './drops.ts';
import { type BorderCounts, type BorderSide, Forwarder } from './forwarder.ts';

export interface BorderReading {
  /** ms of the machine's monotonic clock. */
  readonly at: number;
  readonly counts: BorderCounts;
}

/** Packets lost since the border was opened, at the border itself and at the two servers' trunk sockets. */
export interface BorderLoss {
  /** Undefined where the kernel does not tell. */
  readonly border?: number;
  readonly servers?: number;
  readonly strays: number;
}

let forwarder: Forwarder | undefined;
let sides: readonly [BorderSide, BorderSide] | undefined;

const methods = {
  open: async (wanted: readonly [BorderSide, BorderSide]): Promise<void> => {
    forwarder = await Forwarder.open(wanted);
    sides = wanted;
  },
  read: (): BorderReading => ({ at: monotonicMs(), counts: forwarder?.counts ?? {} }),
  loss: async (): Promise<BorderLoss> => {
    const [border, servers] = await Promise.all([
      lostAt(sides?.map(({ front }) => front) ?? []),
      lostAt(sides?.map(({ own }) => own) ?? []),
    ]);
    return {
      ...(border !== undefined && { border: border + (forwarder?.refused ?? 0) }),
      ...(servers !== undefined && { servers }),
      strays: forwarder?.strays ?? 0,
    };
  },
} as const;

export type BorderMethods = typeof methods;

answerCalls(methods, () => forwarder?.close());
