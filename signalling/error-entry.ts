/** One line of the list of errors. */
export interface ErrorEntry {
  readonly status: number;
  readonly close: number;
  readonly sentence: string;
  readonly retry: boolean;
}

export function entry(status: number, close: number, retry: boolean, sentence: string): ErrorEntry {
  return { status, close, retry, sentence };
}
