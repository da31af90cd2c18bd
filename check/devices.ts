/** What certifies the devices of people. Without it nothing that is said can be encrypted. */

import { revocationListBlocks } from '#trust/pem.ts';
import { RevocationList } from '#trust/revocation.ts';
import { certificatesAt, checkKey, contentAt, unreadable } from './certificates.ts';
import { holds } from './contents.ts';
import type { Facts } from './facts.ts';
import { type Option, type Remark, refuse, warn } from './finding.ts';
import { checkLife, day } from './life.ts';

const RENEW = 'Make it anew: hawser certs renew FOLDER --only devices';

export function checkDevices(facts: Facts): readonly Remark[] {
  const at = (name: string) => facts.site.options.text(`certificates.devices.${name}`);
  const [root, list, certificate] = [at('root'), at('revocationList'), at('certificate')];
  if (!root || !list || !certificate || !facts.parts.includes('homeserver')) return [];
  const roots = certificatesAt(root.path, facts);
  const [own] = certificatesAt(certificate.path, facts);
  const remarks: Remark[] = [];
  for (const [option, found] of [
    [root, roots[0]],
    [certificate, own],
  ] as const) {
    if (!found && holds(contentAt(option.path, facts), 'certificate')) remarks.push(unreadable(option));
    if (found && !found.ca) {
      const reason = 'this certificate may certify nobody, where that of an authority of devices must be.';
      remarks.push(
        refuse(option, reason, 'Write the path of the devices-root.pem and devices.pem that hawser certs init made.'),
      );
    }
  }
  if (remarks.length > 0) return remarks;
  for (const each of roots) {
    remarks.push(
      ...checkLife(root, each, facts.now, 'the root of devices', 'Make a new root: docs/guides/certificates.md'),
    );
  }
  if (!own) return remarks;
  const issuer = roots.find((each) => own.checkIssued(each) && own.verify(each.publicKey));
  if (!issuer && roots.length > 0) {
    remarks.push(
      refuse(certificate, `no certificate of ${root.value} issued it.`, `Write the root that did, or: ${RENEW}`),
    );
  }
  const keys = checkKey('certificates.devices.key', own, certificate, facts);
  const { asymmetricKeyDetails } = own.publicKey;
  if (asymmetricKeyDetails?.namedCurve !== 'prime256v1') {
    remarks.push(refuse(certificate, 'its key is not ECDSA on P-256, which devices are certified with.', RENEW));
  }
  return [
    ...remarks,
    ...keys,
    ...checkLife(certificate, own, facts.now, 'what certifies devices', RENEW),
    ...checkList(list, issuer && { own, issuer }, facts),
  ];
}

type X509 = ReturnType<typeof certificatesAt>[number];

function checkList(option: Option, pair: { own: X509; issuer: X509 } | undefined, facts: Facts): readonly Remark[] {
  const text = contentAt(option.path, facts);
  if (!holds(text, 'revocation list')) return [];
  const lists: RevocationList[] = [];
  try {
    for (const block of revocationListBlocks(text)) lists.push(new RevocationList(block));
  } catch {
    return [refuse(option, 'the revocation list in it is damaged.', 'Copy the file once more, whole.')];
  }
  if (!pair) return [];
  const own = lists.filter((list) => list.isBy(pair.issuer));
  if (own.length === 0) {
    return [
      refuse(
        option,
        'the root of devices did not sign it.',
        'Write the path of the devices-root-revoked.pem of the same root.',
      ),
    ];
  }
  const remarks: Remark[] = [];
  if (own.some((list) => list.revokes(pair.own, pair.issuer))) {
    remarks.push(warn(option, 'it takes back what certifies devices here: no other device believes them.', RENEW));
  }
  const until = Math.max(...own.map(({ nextUpdate = Number.POSITIVE_INFINITY }) => nextUpdate));
  if (until < facts.now) {
    remarks.push(
      warn(
        option,
        `it was good until ${day(until)}: devices of all domains believe no certificate without a newer one.`,
        RENEW,
      ),
    );
  }
  return remarks;
}
