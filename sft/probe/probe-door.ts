/** Answers the probes of other SFTs: as much as a peer may ask for at once, and to no address but an approved one. */
import { HawserError } from '#signalling/errors.ts';
import type { DomainName } from '#signalling/ids.ts';
import { type ProbeSide, SFT_PROBE } from '#signalling/probe.ts';
import { Rpc, type Socket } from '#signalling/rpc.ts';
import { errnoOf } from './errno.ts';
import { ProbeSession, type ProbeSessionOptions } from './probe-session.ts';

export interface ProbeDoorOptions extends ProbeSessionOptions {
  readonly side: () => ProbeSide;
  /** Whether the administrator approved that media of the peer goes to an address. */
  readonly mayReach: (peer: DomainName, ip: string) => boolean;
  readonly mayCall: (peer: DomainName) => boolean;
  /** Dials the link door of a peer anew and closes the connection again. @throws HawserError with why it cannot */
  readonly dialBack: (peer: DomainName, link: string) => Promise<void>;
  readonly onFault: (error: unknown, what: string) => void;
}

/** Probes of all peers at once; one of each. */
const MOST = 4;
/** A probe takes five seconds; whoever needs longer is not probing. ms */
const LONGEST_MS = 20_000;

export class ProbeDoor {
  readonly #options: ProbeDoorOptions;
  readonly #open = new Map<DomainName, () => void>();

  constructor(options: ProbeDoorOptions) {
    this.#options = options;
  }

  accept(peer: DomainName, socket: Socket): void {
    const { side, mayReach, mayCall, dialBack, onFault } = this.#options;
    const session = new ProbeSession(this.#options);
    /** @throws HawserError SIG_ORDER before the peer has said who it is */
    const greeted = () => {
      if (this.#open.get(peer) !== end) throw new HawserError('SIG_ORDER', 'hello first');
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
          greeted();
          return session.back(() => triedBack(dialBack(peer, link)));
        },
        open: async ({ ip, ports: theirs, key }) => {
          greeted();
          if (!mayReach(peer, ip)) throw new HawserError('SFT_LINK_ADDRESS', ip);
          const { ports, busy } = await session.open({ ip, ports: theirs }, Buffer.from(key, 'base64'));
          return { ports: [...ports], busy: [...busy] };
        },
        volley: async () => ({ unsent: await session.volley() }),
        stream: ({ kbps, ms }) => session.stream(kbps, ms),
        seen: async () => session.opened.seen(),
        close: async () => {
          await session.close();
          return {};
        },
      },
      notifications: {},
      onClose: () => {
        clearTimeout(timer);
        if (this.#open.get(peer) === end) this.#open.delete(peer);
        session.end().catch((error: unknown) => onFault(error, 'probe'));
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

async function triedBack(dialling: Promise<void>): Promise<{ code?: string; errno?: string }> {
  try {
    await dialling;
    return {};
  } catch (error) {
    const errno = errnoOf(error);
    return { code: error instanceof HawserError ? error.code : 'SIG_UNREACHABLE', ...(errno && { errno }) };
  }
}
