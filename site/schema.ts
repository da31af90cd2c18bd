/**
 * The one description of `hawser.yaml`. Validator, defaults, annotated sample and reference table are all made of it, so
 * that they cannot differ. Each option says what it is, its unit, and why its default is what it is.
 */
import { availableParallelism } from 'node:os';
import Type, { type Static } from 'typebox';
import { ASSET_KINDS, AssetKind } from '#signalling/assets.ts';
import { DomainName } from '#signalling/ids.ts';
import { PUSH_SERVICES } from '#signalling/push.ts';
import type { RegistrationMode } from '#signalling/registration.ts';
import { count, file, ip, listen, mbit, PORT, port, section, url } from './fields.ts';

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

const clientTls = (who: string) =>
  Type.Optional(
    section(
      {
        certificate: file({
          description: `Certificate that browsers trust for the ${who}, PEM with its chain.`,
          example: 'browsers/fullchain.pem',
        }),
        key: file({ kind: 'key', description: 'Its private key, PEM.', example: 'browsers/privkey.pem' }),
      },
      'TLS towards clients. Left out where a reverse proxy ends it, or on localhost.',
    ),
  );

const ADMIN = 'Metrics and health. Nobody signs in there, so it belongs on loopback or on a network of administrators.';

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
    homeserver: section(
      {
        client: section(
          {
            listen: listen({ description: 'Where the homeserver takes its own people.', example: '0.0.0.0:8443' }),
            url: url('http|https', '/?', {
              description: 'The same as browsers reach it.',
              reason: 'Browsers give camera and microphone to https pages only, localhost excepted.',
              example: 'https://alpha.example',
            }),
            tls: clientTls('homeserver'),
          },
          'Towards the people of this domain.',
        ),
        federation: section(
          {
            listen: listen({
              description:
                'Where the homeserver takes other homeservers and its own SFT, with client certificates only.',
              example: '0.0.0.0:8448',
            }),
            address: Type.String({
              pattern: `^(?:[A-Za-z0-9.-]+|\\[[0-9a-fA-F:.]+\\]):${PORT}$`,
              maxLength: 120,
              kind: 'address',
              description: 'The same as other domains reach it, host and port.',
              expects: 'a host and a port, such as hs.alpha.example:8448',
              example: 'hs.alpha.example:8448',
            }),
          },
          'Towards other domains.',
        ),
        admin: section(
          {
            listen: listen({
              description: 'Metrics, health, and what `hawser accounts` does.',
              reason:
                'Nobody signs in there: whoever reaches it makes, opens and deletes accounts. Keep it on loopback.',
              default: '127.0.0.1:8450',
            }),
          },
          'For the administrator of the homeserver.',
        ),
        database: Type.Optional(
          Type.String({
            minLength: 1,
            maxLength: 1_000,
            kind: 'database',
            description:
              'A PostgreSQL database, version 12 or newer, in place of the file of SQLite in the folder `data`.',
            reason:
              'SQLite needs no care and is right for most. A password never stands here. `?sslmode=verify-full&sslrootcert=FILE` asks for TLS, `?host=FOLDER` names a socket.',
            expects: 'a URL such as postgresql://hawser@db.alpha.example/hawser',
            example: 'postgresql://hawser@db.alpha.example/hawser',
          }),
        ),
        databasePasswordFile: Type.Optional(
          file({
            kind: 'password',
            description: 'File with the password for that database and nothing else.',
            reason: 'Read at the start. Only its owner may read the file; the start is refused otherwise.',
            example: 'secrets/database',
          }),
        ),
        mail: Type.Optional(
          section(
            {
              url: url('smtp|smtps', '/?', {
                description: 'The mail server that takes e-mail of the homeserver.',
                reason:
                  '`smtps://` is TLS from the first byte, port 465; `smtp://` begins TLS with STARTTLS, port 587, and goes without TLS to this machine only.',
                expects: 'a URL such as smtp://mail.alpha.example:587 or smtps://mail.alpha.example',
                example: 'smtp://mail.alpha.example:587',
              }),
              from: Type.String({
                pattern: '^[^\\s@<>"(),:;\\\\]{1,64}@[A-Za-z0-9.-]{3,100}$',
                maxLength: 165,
                description: 'The address from which the homeserver writes.',
                expects: 'an e-mail address such as hawser@alpha.example',
                example: 'hawser@alpha.example',
              }),
              user: Type.Optional(
                Type.String({
                  minLength: 1,
                  maxLength: 200,
                  description: 'Name with which the homeserver signs in at the mail server.',
                  reason: 'Left out where the mail server asks for none.',
                  expects: 'a name',
                  example: 'hawser',
                }),
              ),
              passwordFile: Type.Optional(
                file({
                  kind: 'key',
                  description: 'File that holds the password for it, in one line.',
                  reason: 'Only its owner may read the file (mode 0600 or 0640); the start is refused otherwise.',
                  example: 'mail.password',
                }),
              ),
              mailbox: Type.Optional(
                url('http|https', '(/[^\\s<>"]*)?', {
                  description: 'Page on which everybody can read this e-mail, which is delivered to nobody.',
                  reason: 'For trials only: the sign-in page links to it, and whoever opens it reads the codes of all.',
                  expects: 'a URL such as http://127.0.0.1:8199/',
                  example: 'http://127.0.0.1:8199/',
                }),
              ),
            },
            'E-mail to people: codes, invitations, warnings. Without it nobody can register or reset a password by e-mail.',
          ),
        ),
        registration: section(
          {
            mode: Type.Unsafe<RegistrationMode>({
              type: 'string',
              enum: ['closed', 'invitation', 'domains', 'open'],
              default: 'closed',
              description:
                'Who may make an account by e-mail: `closed`, nobody; `invitation`, whoever was invited; `domains`, whoever has an address of `emailDomains`; `open`, everybody who lets a computer work for it.',
              reason: 'An administrator can make accounts in any mode, with `hawser accounts add`.',
              expects: 'closed, invitation, domains or open',
            }),
            emailDomains: Type.Array(
              Type.Unsafe<DomainName>({ ...DomainName, expects: 'a DNS name in lower case, such as alpha.example' }),
              {
                maxItems: 100,
                default: [],
                defaultText: 'none',
                description: 'Domains of the e-mail addresses that may register where the mode is `domains`.',
                reason: 'Exactly these, not what is below them.',
                expects: 'a list of DNS names, such as alpha.example',
                example: ['alpha.example'],
              },
            ),
            workBits: Type.Integer({
              minimum: 8,
              maximum: 26,
              default: 16,
              unit: 'bits',
              description: 'How much work a registration costs where the mode is `open`.',
              reason:
                'A browser tries about 2^bits hashes, a second or two for 16. One more doubles it for everybody, attackers included.',
              expects: 'a whole number from 8 to 26',
            }),
            invitationDays: count(90, {
              default: 7,
              unit: 'days',
              description: 'How long an invitation is good.',
            }),
          },
          'How people come to an account by themselves. Needs `mail`, except where it is closed.',
        ),
        teamMates: Type.Unsafe<'domain' | 'nobody'>({
          type: 'string',
          enum: ['domain', 'nobody'],
          default: 'domain',
          description:
            'Who may write to and call each other without a connection that was accepted: all people of this `domain`, or `nobody`.',
          reason: 'Whoever has blocked somebody is left alone in either case.',
          expects: 'domain or nobody',
        }),
        pushServices: Type.Array(
          Type.Unsafe<DomainName>({ ...DomainName, expects: 'a DNS name in lower case, such as push.alpha.example' }),
          {
            maxItems: 20,
            uniqueItems: true,
            default: [...PUSH_SERVICES],
            defaultText: 'those of Google, Mozilla, Apple and Microsoft',
            description:
              'Push services that wake browsers which are closed, each with what is below its name. An empty list switches it off.',
            reason:
              'A wake-up is an empty request to the maker of the browser, over HTTPS at port 443: that some device should look, not who wrote or what.',
            expects: 'a list of DNS names, such as fcm.googleapis.com, or [] for none',
          },
        ),
        assets: section(
          {
            fileMb: count(1_000_000, {
              default: 100,
              unit: 'MB',
              description: 'The largest file that is accepted, sent or fetched.',
              reason: 'People are told before anything is transferred.',
            }),
            kinds: Type.Array(AssetKind, {
              minItems: 1,
              maxItems: ASSET_KINDS.length,
              uniqueItems: true,
              default: [...ASSET_KINDS],
              defaultText: 'all',
              description: `Kinds of files that are accepted: ${ASSET_KINDS.join(', ')}.`,
              reason: 'The device says what a file is. The homeserver sees ciphertext only and cannot check it.',
              expects: `a list of some of ${ASSET_KINDS.join(', ')}`,
            }),
            userMb: count(1_000_000_000, {
              default: 10_000,
              unit: 'MB',
              description: 'What the files of one person may take up.',
            }),
            totalMb: count(1_000_000_000, {
              default: 200_000,
              unit: 'MB',
              description: 'What the files of everybody may take up.',
            }),
            keepFreeMb: count(1_000_000_000, {
              default: 2_000,
              unit: 'MB',
              description: 'Room that files leave free on the disk of the data folder.',
              reason: 'The database is on the same disk, and must be able to go on when files have filled the rest.',
            }),
            stalledHours: count(24 * 365, {
              default: 24,
              unit: 'h',
              description: 'An upload to which nothing was added for this long is thrown away.',
              reason: 'A night without a network does not cost what was sent in the evening.',
            }),
            keepDays: Type.Optional(
              Type.Integer({
                minimum: 1,
                maximum: 36_500,
                expects: 'a whole number of days from 1 to 36500',
                example: 365,
                unit: 'days',
                description: 'How long a file is kept. Left out, it is kept until its sender deletes it.',
                reason: 'Holds for files that are sent from then on: who sent one was told until when it is there.',
              }),
            ),
            s3: Type.Optional(
              section(
                {
                  endpoint: url('http|https', '/?', {
                    kind: undefined,
                    description: 'Where the service is reached.',
                    expects: 'a URL such as https://s3.eu-central-1.amazonaws.com',
                    example: 'https://s3.eu-central-1.amazonaws.com',
                  }),
                  region: Type.String({
                    pattern: '^[a-z0-9-]{1,40}$',
                    default: 'us-east-1',
                    description: 'Region that requests are signed for.',
                    expects: 'a region, such as eu-central-1',
                  }),
                  bucket: Type.String({
                    pattern: '^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$',
                    description: 'Bucket, which must be there and private. It holds nothing else.',
                    expects: 'the name of a bucket',
                    example: 'alpha-files',
                  }),
                  credentials: file({
                    kind: 'key',
                    description: 'A file of two lines: the access key id, and the secret access key.',
                    reason: 'Only its owner may read it. No secret stands in this file.',
                    example: 'certificates/s3.key',
                  }),
                },
                'Files go to an S3-compatible service, in place of the data folder, where unfinished uploads still are.',
              ),
            ),
          },
          'Files that people send, encrypted on their devices.',
        ),
      },
      'The homeserver.',
    ),
    sft: section(
      {
        client: section(
          {
            listen: listen({
              description: 'Where the SFT takes the signalling of its own people.',
              example: '0.0.0.0:8543',
            }),
            url: url('ws|wss', '/client/v1', {
              description: 'The same as browsers reach it. Tickets name it.',
              expects: 'a URL such as wss://sft.alpha.example:8543/client/v1',
              example: 'wss://sft.alpha.example:8543/client/v1',
            }),
            tls: clientTls('SFT'),
            origins: Type.Array(url('http|https', '', { description: '' }), {
              minItems: 1,
              maxItems: 50,
              description: 'Pages that may connect, as the browser names them in Origin.',
              reason: 'Keeps foreign pages from using the session of somebody who visits them.',
              expects: 'a list of origins, such as https://alpha.example',
              example: ['https://alpha.example'],
            }),
          },
          'Towards the people of this domain.',
        ),
        link: section(
          {
            listen: listen({
              description: 'Where the SFT takes links of other SFTs, with client certificates only.',
              example: '0.0.0.0:8548',
            }),
            url: url('wss', '/link/v1', {
              description: 'The same as other domains reach it.',
              expects: 'a URL such as wss://sft.alpha.example:8548/link/v1',
              example: 'wss://sft.alpha.example:8548/link/v1',
            }),
          },
          'Towards other SFTs.',
        ),
        admin: section({ listen: listen({ description: ADMIN, default: '127.0.0.1:8550' }) }, 'Metrics of the SFT.'),
        homeserver: url('wss', '/sft/v1', {
          description: "The federation door of this domain's homeserver, as the SFT reaches it.",
          expects: 'a URL such as wss://hs.alpha.example:8448/sft/v1',
          example: 'wss://hs.alpha.example:8448/sft/v1',
        }),
        media: section(
          {
            workers: Type.Integer({
              minimum: 1,
              maximum: 256,
              default: availableParallelism(),
              defaultText: 'number of cores',
              example: 4,
              description: 'Media workers.',
              unit: 'processes',
              reason: 'One worker keeps one core busy; more of them than cores gain nothing.',
              expects: 'a whole number from 1 to 256',
            }),
            listenIp: ip({
              description: 'Address on which the workers take media of clients; with 0.0.0.0 say announcedIp too.',
              example: '203.0.113.7',
            }),
            announcedIp: Type.Optional(
              ip({
                description: 'The same as clients reach it, where it differs.',
                reason: 'Needed behind address translation, or where listenIp is 0.0.0.0.',
                example: '203.0.113.7',
              }),
            ),
            entrance: Type.Unsafe<'webrtc' | 'plain'>({
              type: 'string',
              enum: ['webrtc', 'plain'],
              default: 'webrtc',
              description:
                'How clients come: `webrtc`, or `plain` RTP without encryption for load tests, on loopback only.',
              reason: 'Plain RTP makes room for more synthetic people on one machine.',
              expects: 'webrtc or plain',
            }),
            port: port({
              description: 'First media port. Worker i takes UDP and TCP on port + i, for all of its clients.',
              default: 40_000,
            }),
          },
          'Media from and to clients.',
        ),
        trunk: section(
          {
            listenIp: ip({
              description: 'Address on which trunks to other SFTs end; with 0.0.0.0 say announcedIp too.',
              example: '203.0.113.7',
            }),
            announcedIp: Type.Optional(
              ip({
                description: 'The same as other SFTs reach it, where it differs.',
                reason: 'The other domain accepts it only within the prefixes that its administrator approved.',
                example: '203.0.113.7',
              }),
            ),
            ports: section(
              {
                from: port({ description: 'First UDP port.', default: 41_000 }),
                to: port({
                  description: 'Last UDP port, inclusive.',
                  default: 41_199,
                  reason:
                    'Each pair of an own and a far worker takes one port, and a second one while a trunk is renewed.',
                }),
              },
              'UDP ports of the trunks.',
            ),
            mode: Type.Unsafe<'everything' | 'sources' | 'layers'>({
              type: 'string',
              enum: ['everything', 'sources', 'layers'],
              default: 'layers',
              description:
                'What this SFT asks other domains for: `everything`; `sources`, all layers of what its people watch; or `layers`, what they watch and no more.',
              reason: '`layers` costs the least; `everything` is what other designs do, for comparison.',
              expects: 'everything, sources or layers',
            }),
          },
          'Media from and to other SFTs.',
        ),
        voices: section(
          {
            loud: count(32, {
              default: 4,
              unit: 'voices',
              description: 'Most loud voices of a conference that cross to another domain at once.',
              reason: 'Nobody follows more people who speak at the same time. The mode `everything` lets all cross.',
            }),
            warm: count(200, {
              default: 16,
              unit: 'voices',
              description:
                'Silent voices that are kept ready beside them: the last speakers, raised hands, then others.',
              reason:
                'They lose no first syllable; a silent one costs next to nothing. Others are heard within 400 ms.',
            }),
          },
          'Whose voices cross to other domains.',
        ),
        limits: section(
          {
            participants: count(100_000, {
              default: 1_000,
              unit: 'participants',
              description: 'Participants of this domain on this SFT at once.',
              reason: 'One more is told SFT_FULL instead of slowing down everybody.',
            }),
            conferences: count(10_000, {
              default: 200,
              unit: 'conferences',
              description: 'Conferences on this SFT at once.',
            }),
            participantsPerConference: count(1_000, {
              default: 200,
              unit: 'participants',
              description: 'Participants in one conference, of all domains.',
              reason: 'The roster is stated whole at each change; it grows with them.',
            }),
            connections: count(200_000, {
              default: 1_500,
              unit: 'connections',
              description: 'Signalling connections of clients at once, also those that have not joined yet.',
              reason: 'Above the participants, so that a crowd that reconnects finds room.',
            }),
            links: count(10_000, {
              default: 100,
              unit: 'links',
              description: 'Links with other SFTs at once.',
            }),
          },
          'Where this SFT says no.',
        ),
        peerLimits: section(
          {
            sendMbit: mbit({
              default: 200,
              description: 'What this SFT sends to one other domain at the most, in all conferences.',
              reason:
                'About 130 large pictures. What is more is left out, small pictures first and sound never, and comes back by itself.',
            }),
            receiveMbit: mbit({
              default: 200,
              description: 'What this SFT asks one other domain for at the most.',
            }),
            sources: count(100_000, {
              default: 500,
              unit: 'sources',
              description: 'Cameras, microphones and screens that one other domain brings, in all conferences.',
              reason: 'Each is set up in a media worker; a domain that brings more is heard and seen up to here.',
            }),
            conferences: count(10_000, {
              default: 100,
              unit: 'conferences',
              description: 'Conferences shared with one other domain at once.',
            }),
            participants: count(100_000, {
              default: 500,
              unit: 'participants',
              description: 'Participants that one other domain brings, in all conferences.',
            }),
          },
          'What one other domain may take. `hawser peers limit` sets other figures for a single one, without a restart.',
        ),
      },
      'The media server.',
    ),
  },
  'One site: one domain with its homeserver and its SFT. Other files are named by paths; no secret stands in this one.',
);

/** `hawser.yaml` with every default filled in and every path absolute. */
export type Site = Static<typeof SiteSchema>;
