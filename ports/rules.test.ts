import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DomainName } from '#signalling/ids.ts';
import { sampleSite } from '#site/sample.ts';
import { SiteSchema } from '#site/schema.ts';
import { readYaml } from '#site/yaml.ts';
import { firewalld } from './formats/firewalld.ts';
import { iptables } from './formats/iptables.ts';
import { nftables } from './formats/nftables.ts';
import { list, markdown } from './formats/table.ts';
import { terraformAws } from './formats/terraform-aws.ts';
import { ufw } from './formats/ufw.ts';
import { partnerLetter, partnerRows } from './partner.ts';
import type { Rule } from './rule.ts';
import { type PortsPeer, rulesOf } from './rules.ts';

const whole = sampleSite().replaceAll(/^( *)#(?! )(.*)$/gm, '$1$2');
const { value } = readYaml(SiteSchema, whole);
if (!value) throw new Error('the sample is a site');
const site = value;

const beta: PortsPeer = {
  domain: 'beta.example' as DomainName,
  state: 'allowed',
  mediaPrefixes: ['198.51.100.0/24', '2001:db8:7::/48'],
  linkPort: 9_000,
  trunkPorts: { from: 42_000, to: 42_099 },
};
const doors = new Map([[beta.domain, { addresses: ['198.51.100.9', '192.0.2.77'], port: 8_448 }]]);
const rules = rulesOf({ site, peers: [beta], doors });
const byId = (id: string): Rule => {
  const rule = rules.find((each) => each.id === id);
  if (!rule) throw new Error(`there is no ${id}`);
  return rule;
};

describe('the rules of a site', () => {
  it('have names that are given once, a reason, and what breaks without them', () => {
    expect(new Set(rules.map(({ id }) => id)).size).toBe(rules.length);
    for (const { why, without } of rules) for (const text of [why, without]) expect(text).toMatch(/^[A-Z].*\.$/);
  });

  it('follow the files', () => {
    expect(byId('media-udp-in')).toMatchObject({ own: '203.0.113.7', ownPorts: { from: 40_000, to: 40_003 } });
    expect(byId('page-in')).toMatchObject({ own: undefined, ownPorts: { from: 8_443, to: 8_443 } });
    expect(byId('link-out:beta.example')).toMatchObject({ othersPorts: { from: 9_000, to: 9_000 } });
    expect(byId('trunk-in:beta.example')).toMatchObject({
      others: beta.mediaPrefixes,
      othersPorts: beta.trunkPorts,
      isStateless: true,
    });
    expect(byId('relay-out')).toMatchObject({
      own: '203.0.113.8',
      others: ['203.0.113.7/32'],
      ownPorts: { from: 49_152, to: 50_175 },
    });
    expect(byId('mail-out')).toMatchObject({ othersPorts: { from: 587, to: 587 } });
  });

  it('name a homeserver that is outside of the prefixes, and not one that is inside once more', () => {
    expect(byId('federation-in:beta.example').others).toEqual([...beta.mediaPrefixes, '192.0.2.77/32']);
  });

  it('have none for a domain that is blocked, and no media for one without prefixes', () => {
    const idsOf = (peer: PortsPeer) => rulesOf({ site, peers: [peer], doors: new Map() }).map(({ id }) => id);
    expect(idsOf({ ...beta, state: 'blocked' }).join()).not.toContain('beta');
    expect(idsOf({ ...beta, mediaPrefixes: [] }).filter((id) => /^(link|trunk)/.test(id))).toEqual([]);
  });

  it('never open links, trunks or relays to everybody, whoever the peers are', () => {
    const prefix = fc.tuple(fc.ipV4(), fc.integer({ min: 1, max: 32 })).map(([ip, length]) => `${ip}/${length}`);
    const peer = fc.record({
      mediaPrefixes: fc.array(prefix, { maxLength: 4 }),
      state: fc.constantFrom('allowed', 'blocked'),
    });
    fc.assert(
      fc.property(fc.array(peer, { maxLength: 5 }), (drawn) => {
        const peers = drawn.map((each, index) => ({ ...beta, ...each, domain: `d${index}.example` as DomainName }));
        const made = rulesOf({ site, peers, doors: new Map() });
        for (const { id, others } of made) {
          if (!/^(link|trunk|relay|federation|sft-to)/.test(id)) continue;
          expect(others).not.toBe('anyone');
          const owner = peers.find(({ domain }) => id.endsWith(domain));
          if (owner) for (const each of others) expect(owner.mediaPrefixes).toContain(each);
        }
      }),
    );
  });
});

describe('each format', () => {
  const options = { isStrict: true };
  it.each([
    ['nftables', nftables(rules, options)],
    ['iptables', iptables(rules, options)],
    ['ufw', ufw(rules, options)],
    ['terraform-aws', terraformAws(rules, site.domain)],
    ['markdown', markdown(rules)],
    ['the list', list(rules).join('\n')],
  ])('%s names every rule', (_name, text) => {
    for (const { id, others } of rules) {
      // A rule without an address of either family is none.
      if (others.length > 0) expect(text).toContain(id);
    }
  });

  it('firewalld names every rule for what comes in', () => {
    const text = firewalld(rules);
    for (const { id, direction } of rules) expect(text.includes(`# ${id}: `)).toBe(direction === 'in');
  });

  it('keeps the families of addresses apart', () => {
    const lines = nftables(rules, options)
      .split('\n')
      .filter((line) => line.includes('"trunk-in:beta.example"'));
    // The own address is one of IPv4, so that nothing of IPv6 can come to it.
    expect(lines).toEqual([
      '    ip saddr { 198.51.100.0/24 } ip daddr 203.0.113.7 udp dport 41000-41199 udp sport 42000-42099 accept comment "trunk-in:beta.example"',
    ]);
  });

  it('opens links to nobody at all where there are no prefixes of a family', () => {
    for (const line of nftables(rules, options)
      .split('\n')
      .filter((each) => /"(link|trunk)-/.test(each)))
      expect(line).toMatch(/ip6? [sd]addr \{ /);
    for (const line of iptables(rules, options)
      .split('\n')
      .filter((each) => /"(link|trunk)-/.test(each)))
      expect(line).toMatch(/ -[sd] (198\.51|2001:db8)/);
  });

  it('lets nothing out but by a rule only where that is wanted', () => {
    expect(nftables(rules, { isStrict: false })).not.toContain('hook output priority filter');
    expect(iptables(rules, { isStrict: false })).not.toContain('-A hawser-out');
    expect(ufw(rules, { isStrict: false })).not.toContain('allow out');
  });
});

it('the letter to the partner has the address of each door, and what to enter for this side', () => {
  const letter = partnerLetter(site, beta.domain);
  for (const { id } of partnerRows(site)) expect(letter).toContain(id);
  expect(letter).toContain('TCP from your homeserver to hs.alpha.example port 8448');
  expect(letter).toContain('to 203.0.113.7 port 41000-41199');
  expect(letter).toContain('--media-prefix 203.0.113.7/32 --link-port 8548 --trunk-ports 41000-41199');
});
