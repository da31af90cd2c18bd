/** For tests: what clients see of a TLS server, and an authority that they believe for as long as a test takes. */
import { readFileSync } from 'node:fs';
import { connect, getCACertificates, setDefaultCACertificates } from 'node:tls';

/** The fingerprint (SHA-256) of the certificate that a new connection is shown. */
export function shownAt(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
    socket.once('error', reject);
    socket.once('secureConnect', () => {
      resolve(socket.getPeerX509Certificate()?.fingerprint256 ?? '');
      socket.destroy();
    });
  });
}

/** Lets every client of this process believe an authority too. @param file PEM @returns how to stop that */
export function believe(file: string): () => void {
  const before = getCACertificates('default');
  setDefaultCACertificates([...before, readFileSync(file, 'utf8')]);
  return () => setDefaultCACertificates(before);
}
