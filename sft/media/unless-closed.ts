/**
 * Asks the media worker for something about a consumer or producer that may end at any moment. The worker knows of an end
 * before we are told of it, so that what it no longer knows is no fault.
 */
export async function unlessClosed(subject: { readonly closed: boolean }, work: () => Promise<void>): Promise<void> {
  if (subject.closed) return;
  try {
    await work();
  } catch (error) {
    if (!subject.closed && !(error instanceof Error && error.name === 'NotFoundError')) throw error;
  }
}
