/** Answers the probes of other SFTs: as much as a peer may ask for at once, and to no address but an approved one. */
import { HawserError } from '#signalling/errors.ts';
import type { DomainName } from '#signalling/ids.ts';
import { type ProbeSide, SFT_PROBE } from '#signalling/probe.ts';
import { Rpc, type Socket } from '#signalling/rpc.ts';
import type { PortPool } from '../trunk/port-pool.ts';
import { errnoOf } from './errno.ts';
import { ProbePorts } from './probe-ports.ts';

export interface ProbeDoorOptions {
  readonly side: () => ProbeSide;
  readonly listenIp: string;
  readonly ports: PortPool;
  /** Whether the administrator approved that media of the peer goes to an address. */
  readonly mayReach: (peer: DomainName, ip: string) => boolean;
  readonly mayCall: (peer: DomainName) => boolean;
  /** Dials the link door of a peer anew and closes the connection again. @throws HawserError with why it cannot */
  readonly dialBack: (peer: DomainName, link: string) => Promise<void>;
  /** ms of a clock that only goes forward */
  readonly now: () => number;
  readonly onFault: (error: unknown, what: string) => void;
}

/** Probes of all peers at once; one of each. */
const MOST = 4;
/** A probe takes five seconds; whoever needs longer is not probing. ms */
const LONGEST_MS = 20_000;
/** Most ports of one volley: a volley of 256 pairs is 13 Mbit over a second. */
const MOST_PORTS = 128;

export class ProbeDoor {
  readonly #options: ProbeDoorOptions;
  readonly #open = new Map<DomainName, () => void>();

  constructor(options: ProbeDoorOptions) {
    this.#options = options;
  }

  accept(peer: DomainName, socket: Socket): void {
    const { side, listenIp, ports, mayReach, mayCall, dialBack, now, onFault } = this.#options;
    let lent: readonly number[] = [];
    let open: ProbePorts | undefined;
    const giveBack = async () => {
      const [gone, mine] = [open, lent];
      open = undefined;
      lent = [];
      await gone?.close();
      for (const port of mine) ports.give(port);
    };
    const opened = (): ProbePorts => {
      if (!open) throw new HawserError('SIG_ORDER', 'open first');
      return open;
    };
    const rpc: Rpc<typeof SFT_PROBE, 'acceptor'> = new Rpc({
      contract: SFT_PROBE,
      side: 'acceptor',
      socket,
      requests: {
        hello: async ({ domain, trunk }) => {
          if (domain !== peer) throw new HawserError('TRUST_WRONG_NAME');
          if (this.#open.has(peer) || this.#open.size >= MOST)
            throw new HawserError('SIG_BUSY', 'another probe goes on');
          this.#open.set(peer, end);
          return { ...side(), approved: mayReach(peer, trunk.ip), calls: mayCall(peer) };
        },
        back: async ({ link }) => {
          try {
            await dialBack(peer, link);
            return {};
          } catch (error) {
            const errno = errnoOf(error);
            return { code: error instanceof HawserError ? error.code : 'SIG_UNREACHABLE', ...(errno && { errno }) };
          }
        },
        open: async ({ ip, ports: theirs, key }) => {
          if (this.#open.get(peer) !== end) throw new HawserError('SIG_ORDER', 'hello first');
          if (open) throw new HawserError('SIG_ORDER', 'open twice');
          if (!mayReach(peer, ip)) throw new HawserError('SFT_LINK_ADDRESS', ip);
          const { from, to } = ports.range;
          const busy = Array.from({ length: to - from + 1 }, (_, index) => from + index).filter(
            (port) => !ports.has(port),
          );
          lent = ports.lend(MOST_PORTS);
          open = await ProbePorts.open(listenIp, lent, Buffer.from(key, 'base64'), now);
          open.connect({ ip, ports: theirs });
          if (!rpc.isOpen) await giveBack();
          return { ip: side().trunk.ip, ports: [...(open?.ports ?? [])], busy: busy.slice(0, MOST_PORTS) };
        },
        volley: async () => {
          await opened().volley();
          return { unsent: opened().unsent };
        },
        stream: ({ kbps, ms }) => opened().stream(kbps, ms),
        seen: async () => opened().seen,
        close: async () => {
          await giveBack();
          return {};
        },
      },
      notifications: {},
      onClose: () => {
        clearTimeout(timer);
        if (this.#open.get(peer) === end) this.#open.delete(peer);
        giveBack().catch((error: unknown) => onFault(error, 'probe'));
      },
      onFault,
    });
    const end = () => rpc.close('SIG_TIMEOUT', 'a probe is over by now');
    const timer = setTimeout(end, LONGEST_MS);
  }

  close(): void {
    for (const end of this.#open.values()) end();
  }
}
