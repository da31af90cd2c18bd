/** A security group of AWS for each machine, in the language of Terraform (provider aws, version 5). */
import { type Machine, type Rule, rulesAt } from '../rule.ts';
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
    `  name        = "hawser-${machine}-${domain.replaceAll('.', '-')}"`,
    `  description = "${machine} of ${domain}"`,
    '  vpc_id      = var.vpc_id',
    '}',
    ...rules.flatMap((rule) => byFamily(rule).flatMap((one) => resources(machine, one))),
  ];
}

/** One address block a rule: that is what the resource takes. */
function resources(machine: Machine, { rule, family, others }: FamilyRule): readonly string[] {
  const kind = rule.direction === 'in' ? 'ingress' : 'egress';
  // A group knows the other side's address and the port that is dialled. What stays open for a trunk going out are all ports there.
  const range = (rule.direction === 'in' ? rule.ownPorts : rule.othersPorts) ?? { from: 0, to: 65_535 };
  const everybody = family === 'ip6' ? ['::/0'] : family === 'ip' ? ['0.0.0.0/0'] : ['0.0.0.0/0', '::/0'];
  const blocks = others.length === 0 ? everybody : others;
  return blocks.map((block, index) => {
    // A rule may be one of several machines.
    const name = `${machine}_${rule.id}_${family ?? 'all'}_${index}`.replaceAll(/[^A-Za-z0-9_]/g, '_');
    return [
      '',
      `resource "aws_vpc_security_group_${kind}_rule" "hawser_${name}" {`,
      `  security_group_id = aws_security_group.hawser_${machine}.id`,
      `  description       = "${rule.id}"`,
      `  ip_protocol       = "${rule.protocol}"`,
      `  from_port         = ${range.from}`,
      `  to_port           = ${range.to}`,
      `  cidr_ipv${block.includes(':') ? 6 : 4}         = "${block}"`,
      '}',
    ].join('\n');
  });
}
