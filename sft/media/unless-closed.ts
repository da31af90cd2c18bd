/**
 * Asks the media worker for something about a consumer, producer or transport that may end at any moment; undefined then. The worker knows of an end
 * before we are told of it, so that what it no longer knows is no fault.
 */
export async function unlessClosed<T>(
  subject: { readonly closed: boolean },
  work: () => Promise<T>,
): Promise<T | undefined> {
  if (subject.closed) return undefined;
  try {
    return await work();
  } catch (error) {
    if (!subject.closed && !(error instanceof Error && error.name === 'NotFoundError')) throw error;
    return undefined;
  }
}
