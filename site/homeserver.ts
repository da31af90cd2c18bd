import Type from 'typebox';
import { ASSET_KINDS, AssetKind } from '#signalling/assets.ts';
import { DomainName } from '#signalling/ids.ts';
import { PUSH_SERVICES } from '#signalling/push.ts';
import type { RegistrationMode } from '#signalling/registration.ts';
import { clientTls, count, file, listen, PORT, prefix, section, url } from './fields.ts';

const LOOPBACK = ['127.0.0.0/8', '::1/128'];

export const HomeserverSchema = section(
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
        proxies: Type.Array(prefix({ description: '' }), {
          maxItems: 100,
          default: LOOPBACK,
          defaultText: LOOPBACK.join(', '),
          description: 'Whence a reverse proxy or an Ingress comes that says in X-Forwarded-For for whom it asks.',
          reason:
            'Limits hold for each address of a client: a proxy that is not named here is one client to them, and all people behind it share its limits. Whoever comes from here can give himself any address.',
          expects: 'a list of address prefixes, such as [10.0.0.0/8]',
          example: [...LOOPBACK, '10.0.0.0/8'],
        }),
      },
      'Towards the people of this domain.',
    ),
    federation: section(
      {
        listen: listen({
          description: 'Where the homeserver takes other homeservers and its own SFT, with client certificates only.',
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
        resolvers: Type.Optional(
          Type.Array(
            Type.String({ pattern: `^(?:[0-9.]+(?::${PORT})?|\\[[0-9a-fA-F:.]+\\](?::${PORT})?)$`, maxLength: 60 }),
            {
              minItems: 1,
              maxItems: 8,
              description: 'DNS servers that are asked where other domains are, in place of those of this machine.',
              expects: 'a list of addresses, such as [9.9.9.9]',
              example: ['9.9.9.9'],
            },
          ),
        ),
      },
      'Towards other domains.',
    ),
    admin: section(
      {
        listen: listen({
          description: 'Metrics, health, and what `hawser accounts` does.',
          reason: 'Nobody signs in there: whoever reaches it makes, opens and deletes accounts. Keep it on loopback.',
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
        description: 'A PostgreSQL database, version 12 or newer, in place of the file of SQLite in the folder `data`.',
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
              kind: 'password',
              description: 'File that holds the password for it, in one line.',
              reason: 'Only its owner may read the file (mode 0600 or 0640); the start is refused otherwise.',
              example: 'mail.password',
            }),
          ),
          authority: Type.Optional(
            file({
              description: 'The authority that certifies the mail server, where it is your own and no public one.',
              reason: 'No other authority is believed then. Where it is left out, those that Node.js brings along are.',
              example: 'mail-authority.pem',
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
    foreignPeople: Type.Unsafe<'open' | 'connected'>({
      type: 'string',
      enum: ['open', 'connected'],
      default: 'open',
      description:
        'Whom people of this domain and people of other domains may write to and call: each other, as far as the allow list goes (`open`), or only after a connection that was accepted (`connected`).',
      reason:
        'Whoever has blocked somebody is left alone in either case. Homeservers of federation version 1 know no connections: with `connected` nobody reaches their people.',
      expects: 'open or connected',
    }),
    search: Type.Unsafe<'exact' | 'full'>({
      type: 'string',
      enum: ['exact', 'full'],
      default: 'full',
      description:
        'How people of this domain find each other: by the beginning of a name or handle (`full`), or by the whole handle (`exact`).',
      reason: 'What other domains find is said on the allow list, for each of them.',
      expects: 'exact or full',
    }),
    foreignBanner: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 120,
        pattern: '^[^\\u0000-\\u001f\\u007f]+$',
        description: 'What stands above every conversation with people of other organisations.',
        reason:
          'The organisations are named beside it. Left out, the banner says that the conversation leaves the own one.',
        expects: 'a text of 1 to 120 characters, in one line',
        example: 'not classified',
      }),
    ),
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
                kind: 'secret',
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
);
