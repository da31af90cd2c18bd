import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DomainName } from '#signalling/ids.ts';
import { sampleSite } from '#site/sample.ts';
import { SiteSchema } from '#site/schema.ts';
import { readYaml } from '#site/yaml.ts';
import { plainPrefix } from '#trust/prefixes.ts';
import { firewalld } from './formats/firewalld.ts';
import { iptables } from './formats/iptables.ts';
import { nftables } from './formats/nftables.ts';
import { list, markdown } from './formats/table.ts';
import { terraformAws } from './formats/terraform-aws.ts';
import { ufw } from './formats/ufw.ts';
import { partnerLetter, partnerRows } from './partner.ts';
import type { Rule } from './rule.ts';
import { commentOf, homeRuleIds, turnRuleId } from './rule-ids.ts';
import { isKnown, type KnownSite, type PortsPeer, rulesOf } from './rules.ts';

const whole = sampleSite().replaceAll(/^( *)#(?! )(.*)$/gm, '$1$2');
const { value } = readYaml(SiteSchema, whole);
if (!value || !isKnown(value)) throw new Error('the sample is a site that says how many workers it has');
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
const find = (among: readonly Rule[], id: string): Rule => {
  const rule = among.find((each) => each.id === id);
  if (!rule) throw new Error(`there is no ${id}`);
  return rule;
};
const byId = (id: string) => find(rules, id);

/** The site with other addresses, and what it needs then. */
function changed(change: (copy: KnownSite) => unknown, peers: readonly PortsPeer[] = []): readonly Rule[] {
  const copy = structuredClone(site);
  change(copy);
  return rulesOf({ site: copy, peers, doors: new Map() });
}
const idsOf = (among: readonly Rule[]) => among.map(({ id }) => id);

describe('the rules of a site', () => {
  it('have names that are given once, a reason, and what breaks without them', () => {
    expect(new Set(rules.map(({ id }) => id)).size).toBe(rules.length);
    for (const { why, without } of rules) for (const text of [why, without]) expect(text).toMatch(/^[A-Z].*\.$/);
  });

  it('follow the files', () => {
    expect(byId('media-udp-in')).toMatchObject({ own: '203.0.113.7', ownPorts: { from: 40_000, to: 40_003 } });
    expect(byId('signalling-in')).toMatchObject({ own: undefined, ownPorts: { from: 8_543, to: 8_543 } });
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
    const of = (peer: PortsPeer) => idsOf(rulesOf({ site, peers: [peer], doors: new Map() }));
    expect(of({ ...beta, state: 'blocked' }).join()).not.toContain('beta');
    expect(of({ ...beta, mediaPrefixes: [] }).filter((id) => /^(link|trunk)/.test(id))).toEqual([]);
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
          if (owner) for (const each of others) expect(owner.mediaPrefixes.map(plainPrefix)).toContain(each);
        }
      }),
    );
  });
});

describe('an address', () => {
  it.each(['0.0.0.0', '::', '0::0', '0:0:0:0:0:0:0:0', '::ffff:0.0.0.0'])('that is %s is every one', (ip) => {
    const all = changed(({ sft, turn }) => {
      sft.media.listenIp = ip;
      if (turn?.hosts[0]) turn.hosts[0].listenIp = ip;
    });
    for (const id of ['media-udp-in', 'turn-tls-in']) expect(find(all, id).own).toBeUndefined();
  });

  it('is written in the form that packets have', () => {
    const all = changed(({ sft }) => Object.assign(sft.media, { listenIp: '::FFFF:203.0.113.7' }));
    expect(find(all, 'media-udp-in').own).toBe('203.0.113.7');
    expect(find(all, 'relay-out').others).toEqual(['203.0.113.7/32']);
  });

  it('of a prefix has no bits that do not count, and no prefix stands twice', () => {
    const mediaPrefixes = ['198.51.100.7/24', '198.51.100.9/24', '192.0.2.1', '2001:db8:7:0::1/48'];
    const door = { addresses: ['203.0.113.99', '::ffff:203.0.113.99', '198.51.100.4'], port: 8_448 };
    const all = rulesOf({ site, peers: [{ ...beta, mediaPrefixes }], doors: new Map([[beta.domain, door]]) });
    const plain = ['198.51.100.0/24', '192.0.2.1/32', '2001:db8:7::/48'];
    expect(find(all, 'link-in:beta.example').others).toEqual(plain);
    expect(find(all, 'federation-in:beta.example').others).toEqual([...plain, '203.0.113.99/32']);
    expect(terraformAws(all, site.domain)).not.toContain('198.51.100.7');
  });
});

describe('people come in', () => {
  it('at the server, where it has the port of the URL', () => {
    const all = changed(({ homeserver }) => {
      homeserver.client.listen = '203.0.113.7:443';
    });
    expect(find(all, 'page-in')).toMatchObject({ own: '203.0.113.7', ownPorts: { from: 443, to: 443 } });
    expect(find(all, 'page-in').why).toBe('The page, its API, and the events by which calls ring.');
    expect(idsOf(all)).not.toContain('page-behind-in');
  });

  it.each(['127.0.0.1:8443', '[::1]:443'])('at the port of the URL, where a proxy hands on to %s', (listen) => {
    const all = changed(({ homeserver, sft }) => {
      homeserver.client.listen = listen;
      sft.client.listen = '127.0.0.1:8543';
    });
    expect(find(all, 'page-in')).toMatchObject({ own: undefined, ownPorts: { from: 443, to: 443 }, others: 'anyone' });
    expect(find(all, 'page-in').why).toContain(
      `The reverse proxy on this machine takes it and has to hand it on to ${listen}.`,
    );
    expect(find(all, 'signalling-in')).toMatchObject({ own: undefined, ownPorts: { from: 8_543, to: 8_543 } });
    expect(idsOf(all).filter((id) => id.endsWith('behind-in'))).toEqual([]);
    expect(nftables(all, { isStrict: false, ssh: { ports: [22], from: 'anyone' } })).toContain(
      '\n    tcp dport 443 accept comment "page-in"',
    );
    expect(list(all).join('\n')).toContain('page-in\n    TCP port 443, from your people to homeserver\n');
  });

  it('at the port of the URL and at that of the server, where something in front hands on', () => {
    expect(byId('page-in')).toMatchObject({ own: undefined, ownPorts: { from: 443, to: 443 } });
    expect(byId('page-in').why).toContain('has to hand it on to 0.0.0.0:8443.');
    expect(byId('page-behind-in')).toMatchObject({ ownPorts: { from: 8_443, to: 8_443 }, others: 'anyone' });
  });

  it('from the proxies alone, where those are known and end TLS', () => {
    const all = changed(({ homeserver }) => {
      delete homeserver.client.tls;
      homeserver.client.proxies = ['127.0.0.0/8', '::1/128', '10.0.0.9/8'];
    });
    expect(find(all, 'page-behind-in')).toMatchObject({ others: ['10.0.0.0/8'], othersAre: 'your reverse proxies' });
    expect(find(all, 'page-in').others).toBe('anyone');
    const here = changed(({ homeserver }) => {
      delete homeserver.client.tls;
      homeserver.client.proxies = ['127.0.0.1/32'];
    });
    expect(idsOf(here)).not.toContain('page-behind-in');
  });

  it('on this machine alone, in a trial', () => {
    const all = changed(({ homeserver }) => {
      homeserver.client = { ...homeserver.client, listen: '127.0.0.1:8443', url: 'http://alpha.localhost:8080' };
    });
    expect(find(all, 'page-in')).toMatchObject({ own: '127.0.0.1', ownPorts: { from: 8_443, to: 8_443 } });
  });
});

it('tells other organisations apart from what is in front of the servers', () => {
  const all = changed(
    ({ homeserver, sft }) => {
      homeserver.federation.address = 'hs.alpha.example:443';
      sft.link.url = 'wss://sft.alpha.example/link/v1';
    },
    [beta],
  );
  for (const [id, port] of [
    ['federation-in', 8_448],
    ['link-in', 8_548],
  ] as const) {
    const { ownPorts, why } = find(all, `${id}:beta.example`);
    expect(ownPorts).toEqual({ from: port, to: port });
    expect(why).toMatch(new RegExp(`Others dial port 443: what is in front has to hand it on to port ${port}\\.$`));
    expect(byId(`${id}:beta.example`).why).not.toContain('Others dial');
  }
});

describe('names of rules', () => {
  it('have the host in them where there are several, as the doctor calls them', () => {
    const hosts = ['turn.alpha.example', 'turn2.alpha.example'].map((name, index) => ({
      name,
      listenIp: `203.0.113.${index + 8}`,
    }));
    const all = changed(({ turn }) => Object.assign(turn ?? {}, { hosts }));
    const names = hosts.map(({ name }) => name);
    for (const word of ['turn-udp-in', 'turn-tls-in', 'relay-out'] as const) {
      const wanted = names.map((name) => turnRuleId(word, name, names));
      expect(wanted).toEqual(names.map((name) => `${word}:${name}`));
      expect(idsOf(all)).toEqual(expect.arrayContaining(wanted));
      expect(idsOf(rules)).toContain(turnRuleId(word, 'turn.alpha.example', ['turn.alpha.example']));
    }
  });

  it('of the way between the two servers are those that there are', () => {
    const of = (trunk: string, home: string, door = '0.0.0.0:8448') => {
      const copy = structuredClone(site);
      copy.sft.trunk = { ...copy.sft.trunk, listenIp: trunk, announcedIp: '203.0.113.7' };
      copy.sft.homeserver = home;
      copy.homeserver.federation.listen = door;
      const ids: readonly string[] = homeRuleIds(copy);
      expect(idsOf(rulesOf({ site: copy, peers: [], doors: new Map() })).filter((id) => /homeserver/.test(id))).toEqual(
        ids,
      );
      return ids;
    };
    const [home, both] = ['wss://hs.alpha.example:8448/sft/v1', ['sft-to-homeserver', 'homeserver-out']];
    expect(of('203.0.113.7', home)).toEqual(both);
    expect(of('0.0.0.0', home)).toEqual(['homeserver-out']);
    expect(of('0::0', home)).toEqual(['homeserver-out']);
    expect(of('203.0.113.7', 'wss://127.0.0.1:8448/sft/v1')).toEqual([]);
    expect(of('203.0.113.7', 'wss://[0::1]:8448/sft/v1')).toEqual([]);
    expect(of('2001:db8:0::7', home, '[2001:DB8::7]:8448')).toEqual([]);
  });

  it('are cut for firewalls where they are long, and stay apart', () => {
    const label = (letter: string) => letter.repeat(60);
    const long = ['a', 'b', 'c'].map(
      (letter) => `turn-udp-in:${'x'.repeat(60)}.${label('y')}.${label('z')}.${letter}.example`,
    );
    const comments = long.map(commentOf);
    expect(new Set(comments).size).toBe(3);
    for (const each of comments) {
      expect(Buffer.byteLength(each)).toBeLessThanOrEqual(120);
      expect(each).toMatch(/^turn-udp-in:x{60}\.y+_[0-9a-f]{12}$/);
    }
    for (const { id } of rules) expect(commentOf(id)).toBe(id);
  });
});

describe('groups of AWS', () => {
  const twins = ['a-b.example', 'a.b.example'].map((domain) => ({ ...beta, domain: domain as DomainName }));
  const text = terraformAws(rulesOf({ site, peers: twins, doors: new Map() }), site.domain);

  it('have no two resources of one name', () => {
    const names = [...text.matchAll(/^resource "(\w+)" "([\w-]+)" \{$/gm)].map(([, kind, name]) => `${kind} ${name}`);
    expect(names.length).toBe(text.match(/^resource /gm)?.length);
    expect(new Set(names).size).toBe(names.length);
    for (const { domain } of twins) expect(text).toContain(`"link-in:${domain}"`);
  });

  it('take errors of the path, in both directions and families', () => {
    for (const machine of ['homeserver', 'sft', 'turn']) {
      for (const kind of ['ingress', 'egress']) {
        expect(text).toContain(`resource "aws_vpc_security_group_${kind}_rule" "hawser_${machine}_icmp" {`);
        expect(text).toContain(`resource "aws_vpc_security_group_${kind}_rule" "hawser_${machine}_icmpv6" {`);
      }
    }
    expect(
      text.match(/ip_protocol {7}= "icmpv6"\n {2}from_port {9}= -1\n {2}to_port {11}= -1\n {2}cidr_ipv6 {9}= "::\/0"/g),
    ).toHaveLength(6);
  });
});

describe('each format', () => {
  const options = { isStrict: true, ssh: { ports: [22], from: 'anyone' } } as const;
  const lax = { ...options, isStrict: false };
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

  it('lets in what the machine itself needs: answers of DHCPv6, and SSH', () => {
    const dhcp = 'ip6 saddr fe80::/10 udp dport 546 accept';
    for (const strictness of [options, lax]) {
      expect(nftables(rules, strictness)).toContain(dhcp);
      const [four, six] = iptables(rules, strictness).split('rules_of_ip6tables() {');
      expect(six).toMatch(/^-A hawser-in -s fe80::\/10 -p udp --dport 546 -j ACCEPT$/m);
      expect(four).not.toContain('fe80');
    }
    expect(nftables(rules, options)).toContain('ip6 daddr { ff02::1:2, fe80::/10 } udp dport 547 accept');
    expect(nftables(rules, lax)).not.toContain('dport 547');
  });

  it('lets nothing out but by a rule only where that is wanted', () => {
    expect(nftables(rules, lax)).not.toContain('hook output priority filter');
    expect(iptables(rules, lax)).not.toContain('-A hawser-out');
    expect(ufw(rules, lax)).not.toContain('allow out');
  });
});

it('the letter to the partner has the address of each door, and what to enter for this side', () => {
  const letter = partnerLetter(site, beta.domain);
  for (const { id } of partnerRows(site)) expect(letter).toContain(id);
  expect(letter).toContain('TCP from your homeserver to hs.alpha.example port 8448');
  expect(letter).toContain('to 203.0.113.7 port 41000-41199');
  expect(letter).toContain('--media-prefix 203.0.113.7/32 --link-port 8548 --trunk-ports 41000-41199');
  const mapped = structuredClone(site);
  mapped.sft.trunk.announcedIp = '::ffff:203.0.113.7';
  expect(partnerLetter(mapped)).toContain('--media-prefix 203.0.113.7/32 ');
});
