import { useState } from 'preact/hooks';
import { type Failure, failureOf } from '#client/failure.ts';

/** Something that a form or a button asks for: under way, done, or refused with a sentence that is shown beside it. */
export interface Attempt {
  readonly busy: boolean;
  /** Of the last one. */
  readonly failure: Failure | undefined;
  /** Resolves to whether it was done; what `work` throws is the failure. */
  run(work: () => Promise<unknown>): Promise<boolean>;
  /** For `onSubmit`. */
  submit(work: () => Promise<unknown>): (event: Event) => void;
  dismiss(): void;
}

/** @param begun what is shown before anything was tried */
export function useAttempt(begun?: Failure): Attempt {
  const [failure, setFailure] = useState(begun);
  const [busy, setBusy] = useState(false);
  const run = async (work: () => Promise<unknown>) => {
    setBusy(true);
    setFailure(undefined);
    try {
      await work();
      return true;
    } catch (error) {
      setFailure(failureOf(error));
      return false;
    } finally {
      setBusy(false);
    }
  };
  return {
    busy,
    failure,
    run,
    submit: (work) => (event) => {
      event.preventDefault();
      void run(work);
    },
    dismiss: () => setFailure(undefined),
  };
}
