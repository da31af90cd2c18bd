/** The hub's side of what other domains hand in: messages of their people to conversations of this domain. */
import { Closed } from '#signalling/contract.ts';
import { type ErrorCode, HawserError } from '#signalling/errors.ts';
import { FEDERATION_PATHS } from '#signalling/federation.ts';
import { type Submission, Submissions, type SubmissionsAnswer } from '#signalling/federation-feed.ts';
import { type DeviceId, DomainName, domainOf, userOfDevice } from '#signalling/ids.ts';
import type { Groups, HandedIn } from '../ds/groups.ts';
import type { App } from '../http/fastify.ts';

export interface SubmitOptions {
  readonly domain: DomainName;
  readonly groups: Pick<Groups, 'sendAll'>;
  /** The domain that a request is of. @throws HawserError FED_NOT_ALLOWED */
  readonly peerIn: (request: object) => DomainName;
  /** A domain handed in what is not of its devices, or not for this hub. */
  readonly onForeign: (from: DomainName) => void;
  /** So many messages of a domain were taken; one that is handed in once more is none of them. */
  readonly onTaken?: (from: DomainName, messages: number) => void;
  /** A domain said two different things under one number. */
  readonly onEquivocated: (from: DomainName, device: DeviceId) => void;
}

export function submitRoutes(app: App, { domain, groups, peerIn, ...on }: SubmitOptions): void {
  app.post(
    FEDERATION_PATHS.submit,
    { schema: { params: Closed({ domain: DomainName }), body: Submissions } },
    async (request) => {
      if (request.params.domain !== domain) throw new HawserError('FED_WRONG_DESTINATION');
      const from = peerIn(request);
      return takeSubmissions(groups, domain, from, request.body.messages, on);
    },
  );
}

/**
 * @returns what became of each. A message that cannot be taken now, because of this homeserver, refuses the whole request: what was
 * taken of it before is taken again
 * @throws HawserError where it is to be handed in once more
 */
export async function takeSubmissions(
  groups: Pick<Groups, 'sendAll'>,
  own: DomainName,
  from: DomainName,
  messages: readonly Submission[],
  { onForeign, onEquivocated, onTaken }: Pick<SubmitOptions, 'onForeign' | 'onEquivocated' | 'onTaken'>,
): Promise<SubmissionsAnswer> {
  const isForeign = ({ device, conversation }: Submission) =>
    domainOf(device) !== from || domainOf(conversation) !== own;
  const handed = messages.filter((message) => !isForeign(message));
  if (handed.length < messages.length) onForeign(from);
  let fresh = 0;
  const onNew = () => {
    fresh += 1;
  };
  const taken = await groups.sendAll(handed.map((message) => ({ ...handedIn(message), onNew })));
  // Also where the request is refused below: what was taken of it stays so.
  if (fresh > 0) onTaken?.(from, fresh);
  let next = 0;
  const results = messages.map((message): SubmissionsAnswer['results'][number] => {
    if (isForeign(message)) return { code: 'FED_FOREIGN' };
    const code = codeOf(taken[next++]);
    if (code === 'FED_EQUIVOCATED') onEquivocated(from, message.device);
    return code === undefined ? { taken: true } : { code };
  });
  return { results };
}

function handedIn({ device, ...message }: Submission): HandedIn {
  return { asker: { user: userOfDevice(device), device }, message };
}

/** Undefined where it was taken. @throws what is not to be told of the message */
function codeOf(outcome: (() => unknown) | undefined): ErrorCode | undefined {
  try {
    if (!outcome) throw new Error('a message without an outcome');
    outcome();
    return undefined;
  } catch (error) {
    if (!(error instanceof HawserError) || error.retry || error.code.startsWith('SIG_')) throw error;
    return error.code;
  }
}
