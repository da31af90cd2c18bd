/** For tests: the site of an organisation on loopback, on ports that are free. */
import { join } from 'node:path';
import { ASSET_KINDS } from '#signalling/assets.ts';
import type { Site } from '#site/schema.ts';
import { freePorts } from '#site/testing-ports.ts';
import type { TestDomain } from '#trust/testing.ts';

/** @param database URL of a PostgreSQL database; SQLite in the folder of the domain when left out */
export async function testSite(certificates: TestDomain, database?: string): Promise<Site> {
  const { folder, domain } = certificates;
  const [client = 0, federation = 0, admin = 0, sft = 0, link = 0] = await freePorts(5);
  return {
    domain,
    data: join(folder, 'data'),
    peers: join(folder, 'peers.yaml'),
    certificates: {
      authority: certificates.authority,
      revocationList: certificates.revocationList,
      homeserver: certificates.homeserver,
      sft: certificates.sft,
      tickets: certificates.tickets,
      devices: certificates.devices,
    },
    homeserver: {
      client: { listen: `127.0.0.1:${client}`, url: `http://127.0.0.1:${client}`, proxies: ['127.0.0.1'] },
      federation: { listen: `127.0.0.1:${federation}`, address: `127.0.0.1:${federation}` },
      admin: { listen: `127.0.0.1:${admin}` },
      ...(database !== undefined && { database }),
      registration: { mode: 'closed', emailDomains: [], workBits: 10, invitationDays: 7 },
      teamMates: 'domain',
      foreignPeople: 'open',
      search: 'full',
      pushServices: [],
      assets: {
        fileMb: 100,
        kinds: [...ASSET_KINDS],
        userMb: 1_000,
        totalMb: 10_000,
        keepFreeMb: 1,
        stalledHours: 24,
      },
    },
    sft: {
      client: {
        listen: `127.0.0.1:${sft}`,
        url: `ws://127.0.0.1:${sft}/client/v1`,
        origins: [`http://127.0.0.1:${client}`],
      },
      link: { listen: `127.0.0.1:${link}`, url: `wss://127.0.0.1:${link}/link/v1` },
      admin: { listen: '127.0.0.1:9' },
      homeserver: `wss://127.0.0.1:${federation}/sft/v1`,
      media: { workers: 1, listenIp: '127.0.0.1', entrance: 'webrtc', port: 40_000 },
      trunk: { listenIp: '127.0.0.1', ports: { from: 41_000, to: 41_099 }, mode: 'everything' },
      voices: { loud: 4, warm: 16 },
      drainMinutes: 0,
      limits: { participants: 100, conferences: 10, participantsPerConference: 100, connections: 100, links: 10 },
      peerLimits: { sendMbit: 200, receiveMbit: 200, sources: 500, conferences: 100, participants: 500 },
    },
  };
}
