/** A security group of AWS for each machine, in the language of Terraform (provider aws, version 5). */
import { type Machine, type PortRange, type Rule, rulesAt } from '../rule.ts';
import { commentOf } from '../rule-ids.ts';
import { byFamily, type FamilyRule } from './split.ts';

export function terraformAws(rules: readonly Rule[], domain: string): string {
  const machines: readonly Machine[] = ['homeserver', 'sft', 'turn'];
  const used = machines.filter((machine) => rulesAt(rules, [machine]).length > 0);
  return [
    'variable "vpc_id" {',
    '  type        = string',
    '  description = "The network of the machines."',
    '}',
    ...used.flatMap((machine) => group(machine, rulesAt(rules, [machine]), domain)),
  ].join('\n');
}

function group(machine: Machine, rules: readonly Rule[], domain: string): readonly string[] {
  return [
    '',
    `resource "aws_security_group" "hawser_${machine}" {`,
    `  name        = "hawser-${machine}-${domain}"`,
    `  description = "${machine} of ${domain}"`,
    '  vpc_id      = var.vpc_id',
    '}',
    ...ICMP.flatMap(([protocol, block]) =>
      KINDS.map((kind) => {
        const from = { block, protocol, range: { from: -1, to: -1 } };
        return resource(kind, machine, { ...from, name: protocol, description: 'Path MTU, errors, ping' });
      }),
    ),
    // Hosts of one name need the same: a group says nothing of the own address.
    ...new Set(rules.flatMap((rule) => byFamily(rule).flatMap((one) => resources(machine, one)))),
  ];
}

const KINDS = ['ingress', 'egress'] as const;

/** Without it there are paths on which only small packets arrive (RFC 4890, RFC 1191). */
const ICMP = [
  ['icmp', '0.0.0.0/0'],
  ['icmpv6', '::/0'],
] as const;

interface Resource {
  /** Of those of its kind and machine. */
  readonly name: string;
  readonly description: string;
  readonly protocol: string;
  /** Types and codes of ICMP; -1 for all. */
  readonly range: PortRange;
  /** A prefix. */
  readonly block: string;
}

function resource(
  kind: (typeof KINDS)[number],
  machine: Machine,
  { name, description, protocol, range, block }: Resource,
): string {
  return [
    '',
    `resource "aws_vpc_security_group_${kind}_rule" "hawser_${machine}_${name}" {`,
    `  security_group_id = aws_security_group.hawser_${machine}.id`,
    `  description       = "${description}"`,
    `  ip_protocol       = "${protocol}"`,
    `  from_port         = ${range.from}`,
    `  to_port           = ${range.to}`,
    `  cidr_ipv${block.includes(':') ? 6 : 4}         = "${block}"`,
    '}',
  ].join('\n');
}

/** One address block a rule: that is what the resource takes. */
function resources(machine: Machine, { rule, family, others }: FamilyRule): readonly string[] {
  const kind = rule.direction === 'in' ? 'ingress' : 'egress';
  // A group knows the other side's address and the port that is dialled. What stays open for a trunk going out are all ports there.
  const range = (rule.direction === 'in' ? rule.ownPorts : rule.othersPorts) ?? { from: 0, to: 65_535 };
  const everybody = family === 'ip6' ? ['::/0'] : family === 'ip' ? ['0.0.0.0/0'] : ['0.0.0.0/0', '::/0'];
  const blocks = others.length === 0 ? everybody : others;
  return blocks.map((block, index) => {
    const name = `${nameOf(rule.id)}_${family ?? 'all'}_${index}`;
    return resource(kind, machine, { name, description: commentOf(rule.id), protocol: rule.protocol, range, block });
  });
}

/** Hyphens stay, so that `a-b.example` and `a.b.example` are two. There are no two dots in a row, so that a colon is told from one. */
function nameOf(id: string): string {
  return id.replaceAll('.', '_').replaceAll(':', '__');
}
