/** The options of the media server in `hawser.yaml`. */
import { availableParallelism } from 'node:os';
import Type from 'typebox';
import { ADMIN, clientTls, count, ip, listen, mbit, port, section, url } from './fields.ts';

export const SftSchema = section(
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
        workers: Type.Optional(
          Type.Integer({
            minimum: 1,
            maximum: 256,
            // No default here: this file is read on other machines, too, which have other numbers of cores.
            defaultText: 'number of cores of the machine on which the SFT runs',
            inSample: true,
            example: 4,
            description: 'Media workers. Each takes one media port.',
            unit: 'processes',
            reason:
              'One worker keeps one core busy; more of them than cores gain nothing. `hawser ports` makes no rules without it, since it may run on another machine.',
            expects: 'a whole number from 1 to 256',
          }),
        ),
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
              reason: 'Each pair of an own and a far worker takes one port, and a second one while a trunk is renewed.',
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
          description: 'Silent voices that are kept ready beside them: the last speakers, raised hands, then others.',
          reason: 'They lose no first syllable; a silent one costs next to nothing. Others are heard within 400 ms.',
        }),
      },
      'Whose voices cross to other domains.',
    ),
    drainMinutes: Type.Integer({
      minimum: 0,
      maximum: 1_440,
      default: 0,
      unit: 'minutes',
      description:
        'How long calls may go on after SIGTERM, while no new ones are taken. With 0 the SFT ends at once, as with Ctrl-C.',
      reason:
        'Whatever sends SIGTERM must wait as long before it kills: `stop_grace_period` of Docker, for instance. systemd is told to.',
      expects: 'a whole number from 0 to 1440',
    }),
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
);

/** How many media workers the SFT starts on this machine. On which one it runs only whoever starts it knows. */
export function workersHere({ workers }: { readonly workers?: number | undefined }): number {
  return workers ?? availableParallelism();
}
