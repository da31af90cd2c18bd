/** For tests: what a stranger makes who has no authority, and an authority below another one. */
import { type Issued, makeKeys, type Validity } from './issuing.ts';
import * as x509 from './x509.ts';

const ALGORITHM = { name: 'ECDSA', hash: 'SHA-256' };

/** A certificate of a server that is signed with its own key. */
export async function selfSigned(names: readonly string[], validity: Validity): Promise<Issued> {
  const keys = await makeKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: [{ CN: ['a stranger'] }],
    keys,
    signingAlgorithm: ALGORITHM,
    ...validity,
    extensions: [
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.SubjectAlternativeNameExtension(names.map((value) => ({ type: 'dns' as const, value }))),
    ],
  });
  return { certificate: certificate.toString('pem'), key: await pemOfKey(keys.privateKey) };
}

export interface AuthorityOptions extends Validity {
  /** How many authorities may follow below it. */
  readonly pathLength?: number;
  /** False makes a certificate that may sign in everything but its flag. */
  readonly isAuthority?: boolean;
  /** Another issuer than itself. */
  readonly by?: Issued;
  readonly extensions?: readonly x509.Extension[];
}

/** An authority as no command of ours makes it. */
export async function unusualAuthority(options: AuthorityOptions): Promise<Issued> {
  const { by, pathLength, isAuthority = true, notBefore, notAfter, extensions = [] } = options;
  const keys = await makeKeys();
  const subject = [{ CN: [`an authority ${crypto.randomUUID()}`] }];
  const flags = x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign;
  const certificate = await x509.X509CertificateGenerator.create({
    subject,
    issuer: by ? new x509.X509Certificate(by.certificate).subjectName : subject,
    publicKey: keys.publicKey,
    signingKey: by ? await keyOfPem(by.key) : keys.privateKey,
    signingAlgorithm: ALGORITHM,
    notBefore,
    notAfter,
    extensions: [
      new x509.BasicConstraintsExtension(isAuthority, isAuthority ? pathLength : undefined, true),
      ...(isAuthority ? [new x509.KeyUsagesExtension(flags, true)] : []),
      ...extensions,
    ],
  });
  return { certificate: certificate.toString('pem'), key: await pemOfKey(keys.privateKey) };
}

async function pemOfKey(key: CryptoKey): Promise<string> {
  return x509.PemConverter.encode(await crypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY');
}

function keyOfPem(pem: string): Promise<CryptoKey> {
  const der = x509.PemConverter.decodeFirst(pem);
  return crypto.subtle.importKey('pkcs8', der, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign']);
}
