/** The options of the TURN servers in `hawser.yaml`. */
import Type from 'typebox';
import { file, ip, port, section } from './fields.ts';

const onTurnHost = (note: { description: string; reason?: string; default: string }) =>
  Type.String({
    pattern: '^/[^\\s#"]+$',
    maxLength: 300,
    expects: 'a path on the TURN host that begins with /',
    ...note,
  });

const TurnHost = section(
  {
    name: Type.String({
      pattern: '^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+$',
      maxLength: 253,
      description: 'Its DNS name, as browsers reach it and as its certificate has it.',
      expects: 'a DNS name in lower case, such as turn.alpha.example',
      example: 'turn.alpha.example',
    }),
    listenIp: ip({
      description: 'Address on which coturn takes clients and from which it relays.',
      example: '203.0.113.8',
    }),
    announcedIp: Type.Optional(
      ip({ description: 'The same as browsers reach it, where it differs.', example: '203.0.113.8' }),
    ),
  },
  'One host with coturn.',
);

export const TurnSchema = section(
  {
    hosts: Type.Array(TurnHost, {
      minItems: 1,
      maxItems: 8,
      description:
        'The hosts that run coturn, each with `name`, `listenIp` and, behind address translation, `announcedIp`.',
      reason: 'Browsers are told of all of them and use the one that answers.',
      expects: 'a list of hosts, such as [{ name: turn.alpha.example, listenIp: 203.0.113.8 }]',
      example: [{ name: 'turn.alpha.example', listenIp: '203.0.113.8' }],
    }),
    secrets: file({
      kind: 'secret',
      madeBy: 'hawser turn rotate',
      description: 'File of the secrets that the homeserver shares with coturn, one a line.',
      reason:
        'The first one signs; the others are still accepted while you change it. `hawser turn rotate` writes it, and the homeserver reads it again when it changes.',
      example: 'secrets/turn',
    }),
    port: port({
      description: 'UDP port of TURN.',
      reason: 'The port of the standard (RFC 8656). It helps where only a few UDP ports are open.',
      default: 3_478,
    }),
    tlsPort: port({
      description: 'TCP port of TURN over TLS.',
      reason: 'Port 443 is open in networks that let nothing else out. Take 5349 where 443 of the host is taken.',
      default: 443,
    }),
    certificate: onTurnHost({
      description: 'Certificate of the host that browsers trust, PEM with its chain, as a path on the TURN host.',
      default: '/etc/coturn/fullchain.pem',
    }),
    key: onTurnHost({
      description: 'Its private key, PEM, as a path on the TURN host. The user of coturn must be able to read it.',
      default: '/etc/coturn/privkey.pem',
    }),
    database: onTurnHost({
      description: 'Database of coturn, as a path on the TURN host, in which it looks for the secrets.',
      reason:
        'Secrets that stand there are in effect at once; those in a configuration file want a restart, which cuts calls.',
      default: '/var/lib/turn/turndb',
    }),
    ports: section(
      {
        from: port({ description: 'First UDP port from which coturn relays.', default: 49_152 }),
        to: port({
          description: 'Last UDP port, inclusive.',
          default: 50_175,
          reason: 'Each call of one device takes up to four while it begins. More calls than that are refused.',
        }),
      },
      'UDP ports of relays.',
    ),
  },
  'TURN servers (coturn) for clients behind networks that let no media through. Left out, those cannot take part in calls.',
);

export type TurnOptions = Type.Static<typeof TurnSchema>;
