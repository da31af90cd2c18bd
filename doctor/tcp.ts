/** Whether a TCP connection comes about, and if not, in which way: silence is a firewall, a refusal a server that is not there. */
import { connect } from 'node:net';
import { errnoOf } from '#sft/probe/errno.ts';
import { deadline } from '#signalling/deadline.ts';
import type { HostAndPort } from '#site/address.ts';

export type TcpOutcome =
  | { readonly is: 'open'; readonly ms: number }
  /** Nothing came back. */
  | { readonly is: 'silent' }
  /** The machine answered that nobody listens there. */
  | { readonly is: 'refused' }
  /** This machine, or a router, did not let it out. */
  | { readonly is: 'rejected'; readonly errno: string };

const TIMEOUT_MS = 3_000;

export function lookAtTcp({ host, port }: HostAndPort, now: () => number): Promise<TcpOutcome> {
  const begin = now();
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (outcome: TcpOutcome) => {
      callOff();
      socket.destroy();
      resolve(outcome);
    };
    const callOff = deadline(TIMEOUT_MS, () => end({ is: 'silent' }));
    socket.once('connect', () => end({ is: 'open', ms: Math.round(now() - begin) }));
    socket.once('error', (error) => end(outcomeOf(errnoOf(error))));
  });
}

export function outcomeOf(errno: string | undefined): Exclude<TcpOutcome, { is: 'open' }> {
  if (errno === 'ECONNREFUSED') return { is: 'refused' };
  if (errno === undefined || errno === 'ETIMEDOUT' || errno === 'ECONNRESET') return { is: 'silent' };
  return { is: 'rejected', errno };
}
