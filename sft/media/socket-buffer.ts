/**
 * Buffers of the media sockets, bytes. A worker that does not get the processor for 50 ms has 300 kB waiting at 50 Mbit/s,
 * more than the kernel's default of 212 kB holds: at 47 Mbit/s on a full machine 1,751 packets were lost at a trunk's ends in
 * 8 s with that default. How much is lost with these buffers has not been measured. The kernel grants what
 * net.core.rmem_max and wmem_max allow; docs/guides/ports.md says how to raise them.
 */
export const SOCKET_BUFFER = { recvBufferSize: 4 * 1024 * 1024, sendBufferSize: 4 * 1024 * 1024 } as const;
