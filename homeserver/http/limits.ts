/** Limits of Node's HTTP servers on every door; what they bound is a stranger's hold on a connection. */
export const SOCKET_LIMITS = {
  /** ms until all headers are there */
  headersTimeout: 10_000,
  /** ms until the whole request is there */
  requestTimeout: 15_000,
  /** ms that an idle connection is kept for the next request; long, so that a request between servers finds it warm */
  keepAliveTimeout: 75_000,
  /** bytes */
  maxHeaderSize: 16 * 1024,
} as const;
