/** What administrators see of other domains and decide about them. Every route asks anew whether it still is one who asks. */
import type { FastifyRequest } from 'fastify';
import { KeysAccepted, PeerReports, PeerWish } from '#signalling/administration.ts';
import { API } from '#signalling/client-home.ts';
import { Closed } from '#signalling/contract.ts';
import { HawserError } from '#signalling/errors.ts';
import { DomainName, type UserId } from '#signalling/ids.ts';
import type { AllowList } from '../../federation/allow-list.ts';
import type { PeersStatus } from '../../federation/status.ts';
import { authenticate } from '../auth.ts';
import type { App } from '../fastify.ts';
import { told } from '../told.ts';
import type { ClientApiOptions } from './api.ts';

/** What these routes need beside what all need. */
export interface AdministrationOptions {
  readonly peersStatus: Pick<PeersStatus, 'report'>;
  readonly allowList: AllowList;
  /** @throws HawserError HOME_NOT_FOUND where keys with these fingerprints do not wait */
  readonly acceptKeys: (domain: DomainName, fingerprints: readonly string[]) => Promise<void>;
}

const OfPeer = { params: Closed({ domain: DomainName }) };
const OF_LIST = ['HOME_PEERS_BUSY', 'HOME_PEERS_FILE'] as const;

export function administrationRoutes(app: App, options: ClientApiOptions): void {
  const { sessions, people, peersStatus, allowList, acceptKeys } = options;
  const administrator = async (request: FastifyRequest): Promise<UserId> => {
    const { user } = await authenticate(sessions, request);
    const holder = await people.ownAccount.look(user);
    if (!holder?.administrator) throw new HawserError('HOME_FORBIDDEN');
    return user;
  };

  const list = told('Other domains: what each may do and how it fares. For administrators.', {
    by: 'session',
    answer: PeerReports,
  });
  app.get(`${API}/admin/peers`, { schema: list }, async (request) => {
    await administrator(request);
    return peersStatus.report();
  });

  const allow = told('Allows a domain, or says anew what it may. For administrators.', {
    by: 'session',
    answer: PeerReports,
    refusals: ['HOME_PEER_AUTHORITY', 'HOME_PEER_ENTRY', ...OF_LIST],
  });
  app.put(`${API}/admin/peers/:domain`, { schema: { ...OfPeer, body: PeerWish, ...allow } }, async (request) => {
    await allowList.allow(await administrator(request), request.params.domain, request.body);
    return peersStatus.report();
  });

  const block = told('Blocks a domain; its entry stays. For administrators.', {
    by: 'session',
    answer: PeerReports,
    refusals: [...OF_LIST],
  });
  app.post(`${API}/admin/peers/:domain/block`, { schema: { ...OfPeer, ...block } }, async (request) => {
    await allowList.block(await administrator(request), request.params.domain);
    return peersStatus.report();
  });

  const remove = told('Takes a domain off the list, which blocks it and forgets its authority. For administrators.', {
    by: 'session',
    answer: PeerReports,
    refusals: [...OF_LIST],
  });
  app.delete(`${API}/admin/peers/:domain`, { schema: { ...OfPeer, ...remove } }, async (request) => {
    await allowList.remove(await administrator(request), request.params.domain);
    return peersStatus.report();
  });

  const accept = told('Confirms keys with which a domain came back, and which wait. For administrators.', {
    by: 'session',
    answer: PeerReports,
  });
  app.post(
    `${API}/admin/peers/:domain/accept-keys`,
    { schema: { ...OfPeer, body: KeysAccepted, ...accept } },
    async (request) => {
      await administrator(request);
      await acceptKeys(request.params.domain, request.body.fingerprints);
      return peersStatus.report();
    },
  );
}
