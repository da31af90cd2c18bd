/**
 * Buffers of the media sockets, bytes. A worker that does not get the processor for 50 ms has 300 kB waiting at 50 Mbit/s,
 * more than the kernel's default of 212 kB holds (measured: 1,751 packets lost in 8 s). The kernel grants what
 * net.core.rmem_max and wmem_max allow; docs/guides/ports.md says how to raise them.
 */
export const SOCKET_BUFFER = { recvBufferSize: 4 * 1024 * 1024, sendBufferSize: 4 * 1024 * 1024 } as const;
