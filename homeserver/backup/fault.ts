/** A backup cannot be made or put back; the message tells the administrator why and what to do. Nothing was changed. */
export class BackupError extends Error {
  override readonly name = 'BackupError';
}

/** @throws BackupError where somebody has pressed Ctrl-C */
export function stopWhereAborted(signal: AbortSignal): void {
  if (signal.aborted) throw new BackupError('Stopped. Nothing was changed.');
}
