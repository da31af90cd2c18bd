/** What a door that does not open means, for whoever dials it. Pure. */

import type { Trouble } from './step.ts';
import type { TcpOutcome } from './tcp.ts';

export interface DoorWords {
  /** `hs.beta.example:8448` */
  readonly address: string;
  /** `the homeserver of beta.example` */
  readonly what: string;
  /** Who runs the machine that is dialled, and who the one that dials. */
  readonly owner: 'you' | 'them';
  /** Rule of who is dialled, and of who dials. */
  readonly inRule: string;
  readonly outRule: string;
  /** How to start it. */
  readonly start: string;
  /** The domain that dials. */
  readonly dialler: string;
}

/** Of a connection that did not come about. */
export function closedDoor(outcome: Exclude<TcpOutcome, { is: 'open' }>, words: DoorWords): Trouble {
  const { address, what, owner, inRule, outRule, start, dialler } = words;
  const other = owner === 'you' ? 'them' : 'you';
  switch (outcome.is) {
    case 'silent':
      return {
        saw: `nothing comes back from ${address}`,
        cause: `a firewall in front of ${what} drops it`,
        todo: `Open ${inRule} for ${dialler}; if it is open, look at ${outRule} on the other side.`,
        who: owner,
        rule: inRule,
      };
    case 'refused':
      return {
        saw: `${address} answers that nobody listens there`,
        cause: `${what} does not run, or listens on another port or address`,
        todo: start,
        who: owner,
      };
    case 'rejected':
      return {
        saw: `the connection to ${address} was not let out (${outcome.errno})`,
        cause: `a firewall on the side of ${dialler} rejects it`,
        todo: `Open ${outRule}.`,
        who: other,
        rule: outRule,
      };
  }
}
