/** What a page and the worker that encrypts its media tell each other. */
import type { ParticipantId } from '#signalling/ids.ts';
import type { SourceKind } from '#signalling/media-profile.ts';
import type { Epoch } from './epochs.ts';
import type { Refusal } from './incoming-frames.ts';

export type ToWorker =
  | { readonly type: 'epoch'; readonly epoch: Epoch }
  /** Everything is sent with it from now on. */
  | { readonly type: 'sendWith'; readonly number: bigint }
  /** Nothing is sent until the next `sendWith`. */
  | { readonly type: 'hold' };

/** Pictures cannot be sent, because what they build on was not: without one that builds on nothing it stays so. At most twice a second. */
export interface Stuck {
  readonly type: 'stuck';
}

/** Counted since the last one, once a second where there is something to tell. */
export interface FromWorker {
  readonly type: 'refused';
  readonly participant: ParticipantId;
  readonly kind: SourceKind;
  readonly counts: Readonly<Partial<Record<Refusal, number>>>;
}

/** Goes with each sender and receiver. */
export type TransformOptions =
  | {
      readonly direction: 'out';
      readonly kind: SourceKind;
      readonly layer: number;
      /** The first of `ENCODERS_OF_SENDER` numbers that were never given out before. */
      readonly encoder: number;
    }
  | { readonly direction: 'in'; readonly participant: ParticipantId; readonly kind: SourceKind };

/** A sender may have several encoders, with an SSRC each. */
export const ENCODERS_OF_SENDER = 8;
