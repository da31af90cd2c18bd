/**
 * Gives the memory of bytes that were passed on back at once. V8 sees only the small objects in front of them: it lets up to
 * 64 MB of dead buffers lie before it looks for any, which a fast transfer reaches in a second, whatever the size of the file.
 * Detaching a buffer frees what is behind it; who reads it afterwards finds it empty.
 * @param bytes that nobody holds any more; a part of a larger buffer, which others may be using, is left to V8
 */
export function release(bytes: Uint8Array): void {
  const { buffer } = bytes;
  if (buffer instanceof ArrayBuffer && bytes.length === buffer.byteLength && !buffer.detached) buffer.transfer(0);
}
