/** The one line of the worker's source that has to change for OpenSSL with kernel TLS. */

/** Where it stands, below the worker's folder. */
export const PATCHED_FILE = 'src/RTC/DtlsTransport.cpp';

export const REPLACEMENT = {
  before: '(operationType == BIO_CB_RETURN) ? static_cast<long>(ret) : 1;',
  after: '(operationType & BIO_CB_RETURN) ? static_cast<long>(ret) : 1;',
} as const;

/**
 * OpenSSL calls the callback of a BIO a second time after each operation, with BIO_CB_RETURN set beside the operation's own bits
 * (BIO_set_callback_ex(3)), and takes what the callback returns for the operation's result. The worker compares with `==`, which no
 * such call meets, so it answers 1 to all of them, BIO_CTRL_GET_KTLS_SEND among them. Debian builds OpenSSL with kernel TLS: it
 * then believes that the kernel encrypts, allocates no write buffer, and the worker crashes in the first DTLS handshake. The
 * OpenSSL that mediasoup itself downloads has no kernel TLS and never asks.
 *
 * @throws Error when the line is not there exactly once: another version of mediasoup has mended it or moved it, and somebody
 *   has to look
 */
export function patch(source: string): string {
  const pieces = source.split(REPLACEMENT.before);
  if (pieces.length !== 2) {
    throw new Error(
      `${PATCHED_FILE} does not hold the line that is to be patched: ${REPLACEMENT.before} ` +
        'If this mediasoup has mended it, take cli/worker/patch.ts out of the build.',
    );
  }
  return pieces.join(REPLACEMENT.after);
}
