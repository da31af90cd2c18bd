/** What somebody does who has just got a first hawser.yaml, up to a call with another organisation. Pure. */
import { dirname, join } from 'node:path';
import type { DomainName } from '#signalling/ids.ts';
import { FIRST_FILES, FIRST_PORTS } from '#site/first.ts';

export interface FirstHost {
  readonly domain: DomainName;
  readonly host: string;
  /** The hawser.yaml, absolute. */
  readonly file: string;
  /** Whether it is where Debian's package has it, whose user, folders and units are there then. */
  readonly isOfPackage: boolean;
  /** @param path from the folder of the file */
  isThere(path: string): boolean;
}

interface Step {
  readonly what: readonly string[];
  /** As typed, as root where the package is. Words in capitals stand for what only a person knows. */
  readonly commands: readonly string[];
}

/** What others may read, as `hawser certs init` names it. */
const PUBLIC_FILES = [
  ...['authority.pem', 'revoked.pem', 'homeserver.pem', 'sft.pem', 'tickets.pem'],
  ...['devices-root.pem', 'devices-root-revoked.pem', 'devices.pem'],
];

/** Lines to print. Of files that are there already nothing is said. */
export function nextSteps(first: FirstHost): readonly string[] {
  // Every command finds the file of the package by itself.
  const config = first.isOfPackage ? '' : ` --config ${word(first.file)}`;
  const steps = [...files(first), ...start(first, config), ...doors(config), ...others(first, config)];
  return [
    'From here to the first call with another organisation:',
    ...steps.flatMap(({ what, commands }, index) => [
      '',
      ...what.map((line, at) => `${at === 0 ? `${index + 1}.`.padStart(3) : '   '} ${line}`),
      ...commands.map((line) => `      ${line}`),
    ]),
    '',
    'docs/guides/install.md has a check for each of them.',
  ];
}

function files({ domain, host, file, isOfPackage, isThere }: FirstHost): readonly Step[] {
  const { certificates, homeserverKeys, sftKeys, browsers } = FIRST_FILES;
  const authority = isOfPackage ? '/root/hawser-authority' : beside(file, 'hawser-authority');
  // The package makes the folders, and its servers are of a group that may read them.
  const paths = Object.values(FIRST_FILES).map((path) => beside(file, path));
  const folders = isOfPackage ? [] : [`mkdir --parents ${paths.join(' ')}`];
  const install = (mode: string, names: string, path: string) =>
    `install ${isOfPackage ? '--group hawser ' : ''}--mode ${mode} ${names} ${beside(file, path)}`;
  const steps = [
    {
      made: `${certificates}/authority.pem`,
      what: [
        'Make the authority that speaks for you, and give each server what it needs. Then move the folder to a medium that',
        'lies in a safe: whoever has authority.key is your organisation. hawser certs renew needs it once a year.',
      ],
      commands: [
        `hawser certs init --domain ${domain} --out ${authority}`,
        ...folders,
        `cd ${authority}`,
        install('0644', PUBLIC_FILES.join(' '), certificates),
        install('0640', 'homeserver.key tickets.key devices.key', homeserverKeys),
        install('0640', 'sft.key', sftKeys),
      ],
    },
    {
      made: `${browsers}/fullchain.pem`,
      what: [
        `Get a certificate for ${host} that browsers believe, from Let's Encrypt or an authority`,
        'of yours, and put it where the servers look for it. They take a later one within a second.',
      ],
      commands: [
        install('0644', 'CERTIFICATE.pem', `${browsers}/fullchain.pem`),
        install('0640', 'KEY.pem', `${browsers}/privkey.pem`),
      ],
    },
  ];
  return steps.filter(({ made }) => !isThere(made));
}

function start({ isOfPackage }: FirstHost, config: string): readonly Step[] {
  const asServers =
    'setpriv --reuid hawser --regid hawser --init-groups --inh-caps +net_bind_service --ambient-caps +net_bind_service ';
  const unit = 'hawser-homeserver.service.d/port-443.conf';
  const byUnits = {
    what: ['Start the servers; the first two lines give the homeserver port 443. The last one ends when both serve.'],
    commands: [
      `install -D --mode 0644 /opt/hawser/deploy/systemd/port-443.conf /etc/systemd/system/${unit}`,
      'systemctl daemon-reload',
      'systemctl enable --now hawser-homeserver hawser-sft',
    ],
  };
  const byHand = {
    what: ['Start the servers, each in a shell of its own.'],
    commands: [`hawser homeserver${config}`, `hawser sft${config}`],
  };
  return [
    {
      what: ['Keep the ports of media free of outgoing connections, now and after each start of the machine.'],
      commands: [
        `hawser ports${config} --format sysctl > /etc/sysctl.d/60-hawser.conf`,
        'systemctl restart systemd-sysctl',
      ],
    },
    {
      what: ['See whether anything is wrong with all that. Each line says what and where, and what to do.'],
      commands: [`${isOfPackage ? asServers : ''}hawser config check${config}`],
    },
    isOfPackage ? byUnits : byHand,
  ];
}

function doors(config: string): readonly Step[] {
  return [
    {
      what: [
        'Open the ports. The table says which, to whom, and what breaks without each. --format nftables writes rules of this',
        'host, others those of other firewalls: hawser ports --help.',
      ],
      commands: [`hawser ports${config}`],
    },
    {
      what: ['See whether browsers get through, from here; with --write, from the network of your people.'],
      commands: [`hawser doctor clients${config}`],
    },
    {
      what: ['Make the first account, and sign in with the password that is printed.'],
      commands: [`hawser accounts add alice${config} --name Alice --admin`],
    },
  ];
}

function others({ file, isOfPackage }: FirstHost, config: string): readonly Step[] {
  const peer = 'beta.example';
  const group = isOfPackage ? '--group hawser ' : '';
  const folder = beside(file, `peers/${peer}`);
  const theirs = (name: string) => beside(file, `peers/${peer}/${name}`);
  const { federation, link } = FIRST_PORTS;
  return [
    {
      what: [
        `Send authority.pem and revoked.pem to the administrator of the other organisation, here ${peer}, and put his into`,
        'a folder. Each reads the fingerprint of his own to the other one by telephone. Then allow each other.',
      ],
      commands: [
        `install --directory ${group}--mode 0750 ${folder}`,
        `install ${group}--mode 0640 HIS/authority.pem HIS/revoked.pem ${folder}`,
        `openssl x509 -noout -fingerprint -sha256 -in ${theirs('authority.pem')}`,
        `hawser peers allow ${peer}${config} --authority ${theirs('authority.pem')} --revocation-list ${theirs('revoked.pem')} \\`,
        `  --homeserver HOST:${federation} --media-prefix ADDRESS/32 --link-port ${link} --trunk-ports FROM-TO`,
      ],
    },
    {
      what: ['Open the ports between you, for the rules name him now. The second line writes a letter to him.'],
      commands: [`hawser ports${config}`, `hawser ports${config} --partner ${peer}`],
    },
    {
      what: ['Ask for all that a call needs. Where something is in the way, it says what, and who of you mends it.'],
      commands: [`hawser doctor ${peer}${config}`],
    },
  ];
}

/** @returns a path from the folder of a file, as one word for a shell */
function beside(file: string, path: string): string {
  return word(join(dirname(file), path));
}

function word(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}
