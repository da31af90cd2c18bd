/** The Ed25519 keys of tickets and grants, from their files. */
import { readFile } from 'node:fs/promises';
import { importPKCS8, importSPKI } from 'jose';

/** @throws where the file cannot be read or holds no PKCS #8 PEM of an Ed25519 key */
export async function readTicketSigningKey(path: string): Promise<CryptoKey> {
  return importPKCS8(await readFile(path, 'utf8'), 'EdDSA');
}

/** @throws where the file cannot be read or holds no SPKI PEM of an Ed25519 key */
export async function readTicketKey(path: string): Promise<CryptoKey> {
  return importSPKI(await readFile(path, 'utf8'), 'EdDSA');
}
