/** When what a server shows and goes by ends: for its figures, so that somebody is told in good time. */
import { X509Certificate } from 'node:crypto';
import { validTo } from './certificate.ts';
import type { Credential } from './credentials.ts';
import type { DeviceAuthorityState } from './device-authority.ts';
import { X509Crl } from './x509.ts';

/** As the label `of` of the figures names them. Lists end when their issuer promised a newer one. */
export type Ending =
  | 'servers'
  | 'browsers'
  | 'authority'
  | 'revocation-list'
  | 'devices'
  | 'devices-root'
  | 'devices-revocation-list';

/** ms since 1970, of what there is. */
export type Endings = ReadonlyMap<Ending, number>;

/** Of what other servers look at. @param browsers when the certificate for browsers ends, where the server shows one itself */
export function serverEndings({ authority, expires }: Credential, browsers?: number): Endings {
  return endings([
    ['servers', [expires]],
    ['browsers', [browsers]],
    ['authority', authority.certificates.map(validTo)],
    ['revocation-list', authority.revocations.map(({ nextUpdate }) => nextUpdate)],
  ]);
}

/** Of what devices of all domains look at. */
export function deviceEndings({ certificate, roots, rootRevocations }: DeviceAuthorityState): Endings {
  const endOf = (der: Uint8Array) => validTo(new X509Certificate(der));
  return endings([
    ['devices', [endOf(certificate)]],
    ['devices-root', roots.map(endOf)],
    ['devices-revocation-list', rootRevocations.map((list) => new X509Crl(new Uint8Array(list)).nextUpdate?.getTime())],
  ]);
}

/** Of several the last one counts: while one takes the place of another, both are in the file. */
function endings(all: readonly (readonly [Ending, readonly (number | undefined)[]])[]): Endings {
  return new Map(
    all.flatMap(([of, times]) => {
      const known = times.filter((time) => time !== undefined);
      return known.length === 0 ? [] : [[of, Math.max(...known)]];
    }),
  );
}
