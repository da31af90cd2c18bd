/** What the allow list says of each domain, held against the others and against this one. */
import { endsOf, isSameIp } from '#site/ip.ts';
import { revocationListBlocks } from '#trust/pem.ts';
import { masked, missingBits, type Prefix, parsePrefix } from '#trust/prefixes.ts';
import { RevocationList } from '#trust/revocation.ts';
import { type AddressKind, KIND_WORDS, kindOf } from './address-kind.ts';
import { certificatesIn, ownAuthority } from './certificates.ts';
import { holds } from './contents.ts';
import { allowedOf, type Entry, entriesOf, type Facts, fileOf } from './facts.ts';
import { type Option, type Remark, warn } from './finding.ts';
import { checkLife, day } from './life.ts';
import { type OwnedPrefix, overlaps } from './overlaps.ts';

export function checkAllowList(facts: Facts): readonly Remark[] {
  return [...checkOwn(facts), ...checkPrefixes(facts), ...checkAuthorities(facts)];
}

function checkOwn({ site, peers }: Facts): readonly Remark[] {
  const domain = site.options.text('domain')?.value;
  return entriesOf(peers).flatMap((entry) => {
    if (entry.domain.value !== domain) return [];
    return [
      warn(
        entry.domain,
        'this is the domain of the site itself, which needs no entry.',
        'Take the entry out, or write the other domain.',
      ),
    ];
  });
}

/** Shorter ones belong to no organisation: larger than a sixteenth of a first number, or what a registry gives a provider. */
const SHORTEST = { ipv4: 12, ipv6: 24 } as const;

function checkPrefixes(facts: Facts): readonly Remark[] {
  const allowed = allowedOf(facts.peers);
  const silent = allowed.flatMap(({ index, domain, options }) => {
    const list = options.list(`${index}.mediaPrefixes`);
    if (!Array.isArray(list?.value) || list.value.length > 0) return [];
    const reason = 'it has no media prefixes: in calls with it there is neither sound nor picture.';
    const ask = `Ask its administrator where its SFT is, and: hawser peers allow ${domain.value} --media-prefix PREFIX`;
    return [warn(domain, reason, ask)];
  });
  const all = allowed.flatMap(prefixesOf);
  const shared = overlaps(all).map(([one, other]) => {
    const reason = `${one.option.value} and ${other.option.value} of ${other.domain} overlap: media of one could come in the name of the other.`;
    return warn(one.option, reason, 'Write for each what belongs to it alone.');
  });
  return [...silent, ...all.flatMap((each) => [...checkForm(each), ...checkPrefix(each, facts)]), ...shared];
}

function prefixesOf({ index, domain, options }: Entry): readonly OwnedPrefix[] {
  return (options.texts(`${index}.mediaPrefixes`) ?? []).flatMap((option) => {
    const prefix = parsePrefix(option.value);
    // What is more than an organisation has is refused by the reader of the list.
    return prefix && missingBits(prefix) === undefined ? [{ domain: domain.value, option, prefix }] : [];
  });
}

/** Some firewalls refuse such a prefix, others take it for something else. */
function checkForm({ option, prefix }: OwnedPrefix): readonly Remark[] {
  const right = masked(prefix);
  const [first = ''] = right.split('/');
  if (isSameIp(first, prefix.address)) return [];
  const reason = `${option.value} names one address and its whole network at once; it is taken for ${right}.`;
  return [warn(option, reason, `Write ${right}, or ${prefix.address} where that one address is meant.`)];
}

/** What all of it is for: where a prefix begins and ends in addresses of two kinds, it holds public ones too. */
function kindOfPrefix({ address, length }: Prefix): AddressKind {
  const [first, last] = endsOf(address, length).map((ip) => kindOf(ip) ?? 'public');
  return first !== undefined && first === last ? first : 'public';
}

function checkPrefix({ domain, option, prefix }: OwnedPrefix, facts: Facts): readonly Remark[] {
  const { options } = facts.site;
  const kind = kindOfPrefix(prefix);
  const own = options.text('sft.trunk.announcedIp') ?? options.text('sft.trunk.listenIp');
  // Two organisations in one network, as in a trial, reach each other by such addresses.
  const isInside = own !== undefined && kindOf(own.value) !== 'public' && kindOf(own.value) !== 'documentation';
  if (kind !== 'public' && kind !== 'documentation') {
    if (isInside) return [];
    const reason = `${option.value} is ${KIND_WORDS[kind]}, from which nothing comes over the internet.`;
    return [
      warn(
        option,
        reason,
        `Write the public address of the SFT of ${domain}, or give this one an address in that network.`,
      ),
    ];
  }
  if (prefix.length >= SHORTEST[prefix.family]) return [];
  const size = prefix.family === 'ipv4' ? `${2 ** (32 - prefix.length)} addresses` : 'many networks of others';
  const reason = `${option.value} holds ${size}; an SFT has one, and our media could be aimed at all of them.`;
  return [warn(option, reason, `Write the address of the SFT of ${domain}, or its network.`)];
}

function checkAuthorities(facts: Facts): readonly Remark[] {
  const remarks: Remark[] = [];
  const own = new Set(ownAuthority(facts)?.certificates.map(({ fingerprint256 }) => fingerprint256));
  const seen = new Map<string, Entry>();
  for (const entry of allowedOf(facts.peers)) {
    const { index, domain, options } = entry;
    const option = options.text(`${index}.authority`);
    const text = contentOf(option, facts);
    if (!option) continue;
    for (const certificate of certificatesIn(text)) {
      const print = certificate.fingerprint256;
      const other = seen.get(print);
      const ask = `Ask its administrator for its authority.pem, and compare fingerprints by telephone.`;
      if (own.has(print)) {
        remarks.push(
          warn(
            option,
            `this is the authority of your own domain, and so the servers of ${domain.value} are refused.`,
            ask,
          ),
        );
      } else if (other) {
        const reason = `the same authority speaks for ${other.domain.value}: whoever holds its key is both.`;
        remarks.push(warn(option, reason, ask));
      }
      seen.set(print, entry);
      remarks.push(...checkLife(option, certificate, facts.now, `the authority of ${domain.value}`, ask));
    }
    remarks.push(...checkList(entry, facts));
  }
  return remarks;
}

function checkList({ index, domain, options }: Entry, facts: Facts): readonly Remark[] {
  const option = options.text(`${index}.revocationList`);
  const text = contentOf(option, facts);
  if (!option || !holds(text, 'revocation list')) return [];
  return listsIn(text)
    .filter(({ nextUpdate = facts.now }) => nextUpdate < facts.now)
    .map(({ nextUpdate = 0 }) => {
      const reason = `a newer list of ${domain.value} was promised for ${day(nextUpdate)}; what it revoked since is let in.`;
      return warn(
        option,
        reason,
        'Ask its administrator for the new revoked.pem, and put it in the place of this one.',
      );
    });
}

/** None where one of them is damaged, which the reader of the list refuses. */
function listsIn(text: string): readonly RevocationList[] {
  try {
    return revocationListBlocks(text).map((block) => new RevocationList(block));
  } catch {
    return [];
  }
}

/** The PEM itself may stand in the list. */
function contentOf(option: Option<string> | undefined, facts: Facts): string | undefined {
  return option?.value.includes('-----BEGIN') ? option.value : fileOf(option, facts.peers, facts)?.text;
}
