/** What somebody does who has just got a first hawser.yaml, up to a call with another organisation. Pure. */
import { dirname, join } from 'node:path';
import type { DomainName } from '#signalling/ids.ts';
import { FIRST_FILES, FIRST_PORTS } from '#site/first.ts';

export interface FirstHost {
  readonly domain: DomainName;
  readonly host: string;
  /** The hawser.yaml, absolute. */
  readonly file: string;
  /** Whether it is where Debian's package has it, and that is installed: its user, folders and units are there then. */
  readonly isOfPackage: boolean;
  /** How this program is called. */
  readonly program: string;
  /** The page with all of this, absolute. */
  readonly guide: string;
  /** @param path absolute */
  isThere(path: string): boolean;
}

interface Step {
  readonly what: readonly string[];
  /** Words in capitals stand for what only a person knows. */
  readonly commands: readonly string[];
}

/** Of what `hawser certs init` makes: where it belongs, and what others may read. */
const PLACES = [
  {
    folder: FIRST_FILES.certificates,
    mode: '0644',
    names: [
      ...['authority.pem', 'revoked.pem', 'homeserver.pem', 'sft.pem', 'tickets.pem'],
      ...['devices-root.pem', 'devices-root-revoked.pem', 'devices.pem'],
    ],
  },
  { folder: FIRST_FILES.homeserverKeys, mode: '0640', names: ['homeserver.key', 'tickets.key', 'devices.key'] },
  { folder: FIRST_FILES.sftKeys, mode: '0640', names: ['sft.key'] },
];

/** Lines to print. Of files that are there already nothing is said. */
export function nextSteps(first: FirstHost): readonly string[] {
  const program = word(first.program);
  // Of the package every command finds the file by itself.
  const config = first.isOfPackage ? '' : ` --config ${word(first.file)}`;
  const steps = [
    ...[...files(first, program), ...start(first, program, config)],
    ...[...doors(first, program, config), ...others(first, program, config)],
  ];
  return [
    `From here to the first call with another organisation${first.isOfPackage ? ', as root' : ''}:`,
    ...steps.flatMap(({ what, commands }, index) => [
      '',
      ...what.map((line, at) => `${at === 0 ? `${index + 1}.`.padStart(3) : '   '} ${line}`),
      ...commands.map((line) => `      ${line}`),
    ]),
    '',
    `${first.guide} has checks for all that.`,
  ];
}

function files(first: FirstHost, program: string): readonly Step[] {
  const { domain, host, file, isOfPackage, guide, isThere } = first;
  const authority = isOfPackage ? '/root/hawser-authority' : beside(file, 'hawser-authority');
  // The package makes the folders, and its servers are of a group that may read them.
  const folders = Object.values(FIRST_FILES).map((path) => beside(file, path));
  const group = isOfPackage ? '--group hawser ' : '';
  const [certificate, key] = [`${FIRST_FILES.browsers}/fullchain.pem`, `${FIRST_FILES.browsers}/privkey.pem`];
  const steps = [
    {
      makes: PLACES.flatMap(({ folder, names }) => names.map((name) => `${folder}/${name}`)),
      what: [
        'Make the authority that speaks for you, and give each server what it needs. Copy the folder to a medium that lies in',
        'a safe, and remove it here: whoever has authority.key is your organisation. In a year hawser certs renew needs it.',
      ],
      commands: [
        `${program} certs init --domain ${domain} --out ${authority}`,
        ...(isOfPackage ? [] : [`mkdir --parents ${folders.join(' ')}`]),
        ...PLACES.map(
          ({ folder, mode, names }) =>
            `(cd ${authority} && install ${group}--mode ${mode} ${names.join(' ')} ${beside(file, folder)})`,
        ),
      ],
    },
    {
      makes: [certificate, key],
      what: [
        `Get a certificate for ${host} that browsers believe, and put it where the servers look for it, and each`,
        "new one, too: they take it within a second. Let's Encrypt: step 5 of",
        `${guide} has the script that certbot calls.`,
      ],
      commands: [
        `install ${group}--mode 0644 CERTIFICATE.pem ${beside(file, certificate)}`,
        `install ${group}--mode 0640 KEY.pem ${beside(file, key)}`,
      ],
    },
  ];
  return steps.filter(({ makes }) => !makes.every((path) => isThere(join(dirname(file), path))));
}

function start({ isOfPackage }: FirstHost, program: string, config: string): readonly Step[] {
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
    what: [
      'Start the servers, each in a shell of its own. Port 443 is for root alone, unless root types:',
      'sysctl --write net.ipv4.ip_unprivileged_port_start=443',
    ],
    commands: [`${program} homeserver${config}`, `${program} sft${config}`],
  };
  return [
    {
      what: ['As root, keep the ports of media free of outgoing connections, now and after each start of the machine.'],
      commands: [
        `${program} ports${config} --format sysctl > /etc/sysctl.d/60-hawser.conf`,
        'systemctl restart systemd-sysctl',
      ],
    },
    {
      what: ['See whether anything is wrong with all that. Each line says what and where, and what to do.'],
      commands: [`${isOfPackage ? asServers : ''}${program} config check${config}`],
    },
    isOfPackage ? byUnits : byHand,
  ];
}

function doors({ guide }: FirstHost, program: string, config: string): readonly Step[] {
  return [
    {
      what: [
        'Open the ports. The table says which, to whom, and what breaks without each; --format writes it as rules of a',
        'firewall. Those of this host drop whatever else comes in, SSH at another port than 22 and port 80 of certbot too:',
        `step 8 of ${guide} loads them so that both stay open.`,
      ],
      commands: [`${program} ports${config}`],
    },
    {
      what: ['See whether browsers get through, from here; with --write, from the network of your people.'],
      commands: [`${program} doctor clients${config}`],
    },
    {
      what: ['Make the first account, and sign in with the password that is printed.'],
      commands: [`${program} accounts add alice${config} --name Alice --admin`],
    },
  ];
}

function others({ domain, file }: FirstHost, program: string, config: string): readonly Step[] {
  const peer = domain === 'beta.example' ? 'gamma.example' : 'beta.example';
  const folder = beside(file, `peers/${peer}`);
  const authorities = [`peers/${peer}`, FIRST_FILES.certificates].map((path) => beside(file, `${path}/authority.pem`));
  const { federation, link } = FIRST_PORTS;
  return [
    {
      what: [
        `Send authority.pem and revoked.pem to the administrator of the other organisation, here ${peer}, and put his two`,
        'into a folder that the servers read. Each reads the second fingerprint aloud, and compares it with the first of the other.',
      ],
      commands: [
        `install --directory --mode 0755 ${folder}`,
        `install --mode 0644 HIS/authority.pem HIS/revoked.pem ${folder}`,
        ...authorities.map((path) => `openssl x509 -noout -fingerprint -sha256 -in ${path}`),
      ],
    },
    {
      what: [
        'Allow each other. The addresses of his media end in /32, or /128 with IPv6; where his hosts are in a network of your',
        'own house, add --addresses any.',
      ],
      commands: [
        `${program} peers allow ${peer}${config} --authority ${folder}/authority.pem --revocation-list ${folder}/revoked.pem \\`,
        `  --homeserver HOST:${federation} --media-prefix PREFIX --link-port ${link} --trunk-ports FROM-TO`,
      ],
    },
    {
      what: ['Make the rules of the firewall anew, for they name him now. The second line is a letter to him.'],
      commands: [`${program} ports${config}`, `${program} ports${config} --partner ${peer}`],
    },
    {
      what: ['Ask for all that a call needs. Where something is in the way, it says what, and who of you mends it.'],
      commands: [`${program} doctor ${peer}${config}`],
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
