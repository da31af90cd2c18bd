/** The way to an anchor that does not do as it should, spoken by hand. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ConferenceId, DomainName } from '#signalling/ids.ts';
import { SRTP_SUITE, type SrtpKey } from '#signalling/media-profile.ts';
import { Rpc } from '#signalling/rpc.ts';
import { LINK_VERSIONS, SFT_LINK } from '#signalling/sft-link.ts';
import { serveContract, until } from '#signalling/testing.ts';
import { freePorts } from '#site/testing-ports.ts';
import { addLocal } from '../conference/conference.ts';
import { MediaWorkers } from '../media/worker.ts';
import { ConferenceHost } from '../server/conference-host.ts';
import { newConferenceId, newParticipantId } from '../testing.ts';
import { PortPool } from '../trunk/port-pool.ts';
import { ROTATION } from '../trunk/rotation.ts';
import { Link, type LinkContext } from './link.ts';
import type { Links } from './links.ts';
import { Uplink } from './uplink.ts';

const [alpha, beta] = ['alpha.example', 'beta.example'] as DomainName[] as [DomainName, DomainName];
const listenIp = '127.0.0.1';
const onFault = (error: unknown) => {
  throw error;
};
const nothing = () => undefined;
const hello = (domain: DomainName) => ({ versions: LINK_VERSIONS, domain, software: 'test', workers: [{ index: 0 }] });

let workers: MediaWorkers;
let ports: PortPool;
beforeAll(async () => {
  const [port = 0] = await freePorts(4);
  ports = new PortPool(port + 1, port + 3);
  workers = await MediaWorkers.start({ workers: 1, listenIp, port }, { onDied: nothing, onFault });
});
afterAll(() => workers.close());

/** Somebody of beta is in it. */
function hostOf(conference: ConferenceId): ConferenceHost {
  const worker = workers.place(conference);
  const events = { onPresence: nothing, onClosed: nothing, onSignalDropped: nothing, onFault };
  const host = new ConferenceHost(conference, beta, alpha, worker, 'layers', { loud: 4, warm: 16 }, Date.now(), events);
  addLocal(host.state, newParticipantId(), []);
  return host;
}

it('joins again where the anchor lets go of the conference before the trunk stands', async () => {
  const conference = newConferenceId();
  let joins = 0;
  const srtp: SrtpKey = { suite: SRTP_SUITE, key: Buffer.alloc(44, 7).toString('base64') };
  await using anchor = await serveContract(SFT_LINK, (socket) => {
    const rpc: Rpc<typeof SFT_LINK, 'acceptor'> = new Rpc({
      contract: SFT_LINK,
      side: 'acceptor',
      socket,
      requests: {
        hello: async () => hello(alpha),
        join: async () => {
          joins += 1;
          return { worker: 0 };
        },
        trunk: async () => {
          if (joins === 1) rpc.notify('ended', { conference, code: 'SFT_WORKER_DIED' });
          return { address: { ip: listenIp, port: 50_000 }, srtp };
        },
        leave: async () => ({}),
      },
      notifications: {
        ...{ sources: nothing, streams: nothing, demand: nothing, levels: nothing, shed: nothing, signal: nothing },
      },
    });
  });

  const context: LinkContext = {
    hello: hello(beta),
    trunks: { listenIp, ports, onFault },
    rotation: ROTATION,
    workers: () => workers.all,
    mayReach: () => true,
    admit: () => Promise.reject(new Error('nobody joins here')),
    admitConference: nothing,
    roomFor: () => ({ participants: 10, sources: 10 }),
    onDropped: (from) => uplink.dropped(from),
    onSignalDropped: nothing,
    onStep: nothing,
    onFault,
    onClosed: nothing,
  };
  const link = await Link.dial(alpha, await anchor.dial(), context);
  const host = hostOf(conference);
  const uplink: Uplink = new Uplink({
    host,
    links: { to: async () => link, release: nothing } as unknown as Links,
    grantFor: async () => ({ grant: 'grant', anchor: alpha, link: anchor.url }),
    onFailure: nothing,
  });
  await until(() => joins === 2 && uplink.isJoined, 'the second join', 8_000);
  expect(link.conferences).toEqual([conference]);
  expect(await link.standingTrunks()).toHaveLength(1);
  uplink.close();
  host.end('SFT_CONFERENCE_ENDED');
  link.close();
});
