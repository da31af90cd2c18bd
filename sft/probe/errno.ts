/** The system's own word for why a connection failed, somewhere behind an error: it tells a firewall from a server that is down. */
export function errnoOf(error: unknown): string | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    if ('code' in at && typeof at.code === 'string' && /^E[A-Z0-9]{2,30}$/.test(at.code)) return at.code;
    if ('detail' in at && typeof at.detail === 'string' && /^E[A-Z0-9]{2,30}$/.test(at.detail)) return at.detail;
  }
  return undefined;
}
