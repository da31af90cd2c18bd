/** The two halves of the key with which the homeserver lets people into calls. */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { concerns } from '#site/part.ts';
import { contentAt } from './certificates.ts';
import { holds } from './contents.ts';
import type { Facts } from './facts.ts';
import { type Remark, refuse } from './finding.ts';

const RIGHT = 'Write the paths of the tickets.key and tickets.pem that hawser certs init made together.';

export function checkTickets(facts: Facts): readonly Remark[] {
  const [signing, checking] = [
    keyAt('certificates.tickets.privateKey', 'private key', createPrivateKey, facts),
    keyAt('certificates.tickets.publicKey', 'public key', createPublicKey, facts),
  ];
  const remarks = [...(signing?.remarks ?? []), ...(checking?.remarks ?? [])];
  if (!signing?.key || !checking?.key || remarks.length > 0) return remarks;
  if (createPublicKey(signing.key).equals(checking.key)) return [];
  const reason = 'it is not the public half of certificates.tickets.privateKey: nobody would get into a call.';
  return [refuse(checking.option, reason, RIGHT)];
}

function keyAt(path: string, wanted: 'private key' | 'public key', make: (pem: string) => KeyObject, facts: Facts) {
  const option = facts.site.options.text(path);
  const text = contentAt(path, facts);
  if (!option || !concerns(path, facts.parts) || !holds(text, wanted) || text.includes('ENCRYPTED')) return undefined;
  const refused = (reason: string) => ({ option, key: undefined, remarks: [refuse(option, reason, RIGHT)] });
  try {
    const key = make(text);
    if (key.asymmetricKeyType === 'ed25519') return { option, key, remarks: [] };
    return refused(`it is a key of the kind ${key.asymmetricKeyType}, and tickets are signed with Ed25519.`);
  } catch {
    return refused(`the ${wanted} in it is damaged.`);
  }
}
