/**
 * The one description of `hawser.yaml`. Validator, defaults, annotated sample and reference table are all made of it, so
 * that they cannot differ. Each option says what it is, its unit, and why its default is what it is.
 */
import Type, { type Static } from 'typebox';
import { DomainName } from '#signalling/ids.ts';
import { file, section } from './fields.ts';
import { HomeserverSchema } from './homeserver.ts';
import { SftSchema } from './sft.ts';
import { TurnSchema } from './turn.ts';

const certificate = (who: string, name: string) =>
  section(
    {
      certificate: file({
        description: `Certificate of the ${who}, PEM, with intermediates if there are any.`,
        reason: 'Read again when the file changes; no restart is needed.',
        example: `certificates/${name}.pem`,
      }),
      key: file({
        kind: 'key',
        description: `Private key of the ${who}, PEM.`,
        reason: 'Only its owner may read the file (mode 0600 or 0640); the start is refused otherwise.',
        example: `certificates/${name}.key`,
      }),
    },
    `What the ${who} shows to other domains.`,
  );

export const SiteSchema = section(
  {
    domain: Type.Unsafe<DomainName>({
      ...DomainName,
      description:
        'The DNS name of the organisation. It is part of every address of its people and cannot change later.',
      expects: 'a DNS name in lower case, such as alpha.example',
      example: 'alpha.example',
    }),
    data: file({
      description: 'Folder for the database and for files. It is made when it is missing.',
      reason: 'With `homeserver.database`, where that is used, it is all that `hawser backup` has to save.',
      kind: 'path',
      default: 'data',
    }),
    peers: file({
      description: 'The allow list: who speaks for which other domain.',
      reason:
        '`hawser peers` writes it; running servers follow it within a second. Without the file nobody is allowed.',
      kind: 'path',
      default: 'peers.yaml',
    }),
    certificates: section(
      {
        authority: file({
          description: 'Certificate of the authority that speaks for this domain, PEM.',
          reason: 'Other domains put the same file on their allow lists.',
          example: 'certificates/authority.pem',
        }),
        revocationList: Type.Optional(
          file({
            description: 'Certificates that this authority has revoked, PEM.',
            reason: 'The homeserver and the SFT of this domain check each other against it.',
            example: 'certificates/revoked.pem',
          }),
        ),
        homeserver: certificate('homeserver', 'homeserver'),
        sft: certificate('SFT', 'sft'),
        tickets: section(
          {
            privateKey: file({
              kind: 'key',
              description: 'Ed25519 key that signs tickets and grants, PKCS #8 PEM. Only the homeserver reads it.',
              example: 'certificates/tickets.key',
            }),
            publicKey: file({
              description: 'Its public half, SPKI PEM. The SFT checks tickets with it.',
              example: 'certificates/tickets.pem',
            }),
          },
          'Keys of the tickets with which the homeserver lets people into conferences.',
        ),
        devices: section(
          {
            root: file({
              description: 'Certificate of the root that speaks for the devices of this domain, PEM.',
              reason:
                'More than one while the domain goes from an old root to a new one. Its key belongs on no server.',
              example: 'certificates/devices-root.pem',
            }),
            revocationList: file({
              description: 'Intermediates that the root has revoked, PEM.',
              reason:
                'Devices of all domains believe no certificate without it, and none after the date of its next update.',
              example: 'certificates/devices-root-revoked.pem',
            }),
            certificate: file({
              description: 'Certificate of the intermediate with which the homeserver certifies devices, PEM.',
              reason: 'Read again when the file changes; no restart is needed.',
              example: 'certificates/devices.pem',
            }),
            key: file({
              kind: 'key',
              description: 'Its private key, PEM. Only the homeserver reads it.',
              example: 'certificates/devices.key',
            }),
          },
          'What certifies the devices of people: end-to-end encryption stands on it.',
        ),
      },
      'Who this domain is towards others. `hawser certs init` makes all these files.',
    ),
    homeserver: HomeserverSchema,
    sft: SftSchema,
    turn: Type.Optional(TurnSchema),
  },
  'One site: one domain with its homeserver and its SFT. Other files are named by paths; no secret stands in this one.',
);

/** `hawser.yaml` with every default filled in and every path absolute. */
export type Site = Static<typeof SiteSchema>;
