/** Members who were good when they came in and are not any more: their certificates have ended, or were taken back. */
import type { RatchetTree } from 'ts-mls';
import { HawserError } from '#signalling/errors.ts';
import { identityOf, type Member } from './members.ts';
import type { Rules } from './rules.ts';
import { certificatesIn, leavesOf } from './wire.ts';

/**
 * From left to right. Whoever cannot be judged, for want of a list for instance, is not among them: that is a matter for joining, and
 * no reason to put anybody out.
 */
export async function lapsedIn(
  tree: RatchetTree,
  { credentials, now }: Pick<Rules, 'credentials' | 'now'>,
): Promise<readonly Member[]> {
  const lapsed: Member[] = [];
  for (const { leafIndex, leaf } of leavesOf(tree)) {
    try {
      const standing = await credentials.standing(certificatesIn(leaf), leaf.signaturePublicKey, now());
      if (standing.lapsed !== undefined) lapsed.push({ leafIndex, identity: identityOf(leaf) });
    } catch (error) {
      if (!(error instanceof HawserError)) throw error;
    }
  }
  return lapsed;
}
