/** For whom a Welcome is: it names key packages by their references (RFC 9420, sections 5.2 and 12.4.3.1). */
import { makeKeyPackageRef } from 'ts-mls/internal/keyPackage.js';
import { cipherSuite } from './suite.ts';
import { parseKeyPackage, parseWelcome } from './wire.ts';

/** @param keyPackage an MLSMessage @throws {HawserError} MLS_MALFORMED, MLS_UNSUPPORTED */
export async function keyPackageReference(keyPackage: Uint8Array): Promise<Uint8Array> {
  const { hash } = await cipherSuite();
  return makeKeyPackageRef(parseKeyPackage(keyPackage), hash);
}

/** @param welcome an MLSMessage @throws {HawserError} MLS_MALFORMED, MLS_TOO_LARGE, MLS_UNSUPPORTED */
export function referencesIn(welcome: Uint8Array): readonly Uint8Array[] {
  return parseWelcome(welcome).secrets.map(({ newMember }) => newMember);
}
