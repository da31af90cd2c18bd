/** One thing after the other. Two calls at once on one state would each go on from it, and one of the two would be lost. */
export class Queue {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs it when all that was asked before is over, however it ended. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work, work);
    this.#last = result.catch(() => undefined);
    return result;
  }
}
