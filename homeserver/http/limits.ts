/** Limits of Node's HTTP servers on every door; what they bound is a stranger's hold on a connection. */
export const SOCKET_LIMITS = {
  /** ms until all headers are there */
  headersTimeout: 10_000,
  /** ms until the whole request is there */
  requestTimeout: 15_000,
  /** ms that an idle connection is kept for the next request; long, so that a request between servers finds it warm */
  keepAliveTimeout: 75_000,
  /** bytes of the request line and all headers */
  maxHeaderSize: 16 * 1024,
  /** ms between looks at what is over its time: 30 s by default */
  connectionsCheckingInterval: 5_000,
} as const;

/**
 * Of the door to everybody, which has no handshake that a stranger fails. Node waits two minutes for a TLS handshake by
 * default.
 */
export const CLIENT_SOCKET_LIMITS: ClientSocketLimits = {
  ...SOCKET_LIMITS,
  handshakeTimeout: 10_000,
  // The application refuses what has no Host: Node does so without a code.
  requireHostHeader: false,
};

export interface ClientSocketLimits {
  readonly requireHostHeader: boolean;
  readonly headersTimeout: number;
  readonly requestTimeout: number;
  readonly keepAliveTimeout: number;
  readonly maxHeaderSize: number;
  /** ms until TLS is agreed on */
  readonly handshakeTimeout: number;
  /** ms between looks at what is over its time */
  readonly connectionsCheckingInterval: number;
}
