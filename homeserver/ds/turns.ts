/**
 * Turns to commit: of many who want to commit at once all but one lose, and whoever lost asks for a turn before he tries
 * again. So 50 who commit at once need 100 commits, where trying at random needs a thousand. A turn is a courtesy and no
 * right: the hub takes the first commit of each epoch, whoever it is of.
 */
import { HawserError } from '#signalling/errors.ts';
import type { DeviceId, RoomId } from '#signalling/ids.ts';

/** How long one may take for a commit when it is his turn, ms. A commit among 500 takes a phone half a second. */
export const TURN_MS = 2_000;
/** Who waits longer than this is told to ask again, ms. */
const WAIT_MS = 12_000;
const MAX_WAITING = 1_000;

interface Waiting {
  readonly device: DeviceId;
  readonly turn: Promise<void>;
  readonly begin: () => void;
  readonly giveUp: () => void;
}

interface Line {
  current: DeviceId | undefined;
  timer: ReturnType<typeof setTimeout> | undefined;
  readonly waiting: Waiting[];
}

export class Turns {
  readonly #lines = new Map<RoomId, Line>();

  /** Resolves when it is the device's turn; one that asks again keeps its one place. @throws HawserError HOME_SLOW_DOWN where it did not come in time */
  wait(room: RoomId, device: DeviceId): Promise<void> {
    const line = this.#lines.get(room) ?? { current: undefined, timer: undefined, waiting: [] };
    this.#lines.set(room, line);
    // It began while a question was on its way back to another homeserver.
    if (line.current === device) return Promise.resolve();
    const asked = line.waiting.find((each) => each.device === device);
    if (asked) return asked.turn;
    if (line.waiting.length >= MAX_WAITING) throw new HawserError('HOME_SLOW_DOWN');
    const { promise: turn, resolve, reject } = Promise.withResolvers<void>();
    const late = setTimeout(() => {
      line.waiting.splice(line.waiting.indexOf(waiting), 1);
      reject(new HawserError('HOME_SLOW_DOWN', 'others commit'));
    }, WAIT_MS);
    const waiting: Waiting = {
      device,
      turn,
      begin: () => {
        clearTimeout(late);
        resolve();
      },
      giveUp: () => {
        clearTimeout(late);
        reject(new HawserError('SIG_CLOSED'));
      },
    };
    line.waiting.push(waiting);
    if (line.current === undefined) this.#next(room, line);
    return turn;
  }

  /** A commit of the device was taken: the next one's turn, if this was its. */
  done(room: RoomId, device: DeviceId): void {
    const line = this.#lines.get(room);
    if (line?.current === device) this.#next(room, line);
  }

  close(): void {
    for (const { timer, waiting } of this.#lines.values()) {
      clearTimeout(timer);
      for (const each of waiting.splice(0)) each.giveUp();
    }
    this.#lines.clear();
  }

  #next(room: RoomId, line: Line): void {
    clearTimeout(line.timer);
    const next = line.waiting.shift();
    line.current = next?.device;
    if (!next) {
      this.#lines.delete(room);
      return;
    }
    line.timer = setTimeout(() => this.#next(room, line), TURN_MS);
    next.begin();
  }
}
