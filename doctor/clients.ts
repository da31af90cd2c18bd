/** Whether browsers get what they need: the page, the WebSocket, and media by UDP, TCP and TURN; tried as a browser would. */
import { lookup } from 'node:dns/promises';
import { request as requestPlain } from 'node:http';
import { request as requestTls } from 'node:https';
import { isIP } from 'node:net';
import { type TurnRule, turnRuleId } from '#ports/rule-ids.ts';
import { errnoOf } from '#sft/probe/errno.ts';
import { CLIENT_SFT } from '#signalling/client-sft.ts';
import { deadline } from '#signalling/deadline.ts';
import { HawserError } from '#signalling/errors.ts';
import { Rpc, type Socket } from '#signalling/rpc.ts';
import type { TransportOffer } from '#signalling/webrtc.ts';
import { dialSocket } from '#signalling/websocket.ts';
import type { Endpoint } from '#turn-config/stun.ts';
import { TurnClient, TurnRefusal, TurnSilence } from '#turn-config/turn-client.ts';
import { closedDoor } from './doors.ts';
import { checkByRelay, checkByTcp, checkByUdp, IceCheck } from './ice.ts';
import type { Pass } from './pass.ts';
import { failed, ok, type Step, skipped, type Trouble, warning } from './step.ts';
import { lookAtTcp, outcomeOf } from './tcp.ts';

export interface ClientsOptions {
  readonly pass: Pass;
  readonly onStep: (step: Step) => void;
  readonly now: () => number;
}

export async function diagnoseClients({ pass, onStep, now }: ClientsOptions): Promise<readonly Step[]> {
  const steps: Step[] = [];
  const note = (step: Step): boolean => {
    steps.push(step);
    onStep(step);
    return step.outcome !== 'failed';
  };
  note(await pageStep(pass, now));
  const joined = await join(pass, now);
  note(joined.step);
  try {
    const media = joined.offer?.send;
    const candidate = media?.iceCandidates[0];
    if (!media || !candidate) {
      for (const [step, tried] of MEDIA) note(skipped(step, tried, 'the SFT has to let somebody in first'));
      return steps;
    }
    const at = { ip: candidate.ip, port: candidate.port };
    note(await udpStep(media, at, now));
    note(await tcpStep(media, at, now));
    await relaySteps(pass, media, at, now, note);
    return steps;
  } finally {
    joined.close();
  }
}

const MEDIA = [
  ['media-udp', 'media by UDP'],
  ['media-tcp', 'media by TCP'],
  ['turn', 'media by TURN'],
] as const;

async function pageStep({ page }: Pass, now: () => number): Promise<Step> {
  const [step, tried] = ['page', `the page ${page}`];
  const url = new URL(page);
  const door = await openDoor(url, now, {
    inRule: 'page-in',
    what: 'your homeserver',
    start: 'Start it, or correct homeserver.client.listen and .url.',
  });
  if (door) return failed(step, tried, door);
  try {
    const status = await get(url);
    if (status === 200) return ok(step, tried, 'it is there');
    return failed(step, tried, {
      saw: `it answers with status ${status}`,
      cause: 'a reverse proxy in front of it does not reach the homeserver, or another server is there',
      todo: 'Look at the proxy, and at homeserver.client.listen.',
      who: 'you',
    });
  } catch (error) {
    return failed(step, tried, tlsTrouble(error, url.hostname, 'homeserver.client.tls'));
  }
}

interface DoorOf {
  readonly inRule: string;
  readonly what: string;
  readonly start: string;
}

/** Why there is no TCP connection; undefined where there is one. */
async function openDoor(url: URL, now: () => number, { inRule, what, start }: DoorOf): Promise<Trouble | undefined> {
  const port = Number(url.port || (url.protocol === 'https:' || url.protocol === 'wss:' ? 443 : 80));
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const address = `${host}:${port}`;
  if (isIP(host) === 0 && !(await hasAddress(host))) {
    return {
      saw: `the name ${host} has no address`,
      cause: 'it is not in DNS, or the DNS of this network does not answer',
      todo: `Set an A or AAAA record for ${host}.`,
      who: 'you',
    };
  }
  const outcome = await lookAtTcp({ host, port }, now);
  if (outcome.is === 'open') return undefined;
  return closedDoor(outcome, {
    address,
    what,
    owner: 'you',
    inRule,
    outRule: 'what goes out of this network',
    start,
    dialler: 'your people',
  });
}

async function hasAddress(host: string): Promise<boolean> {
  return lookup(host).then(
    () => true,
    () => host === 'localhost' || host.endsWith('.localhost'),
  );
}

const TIMEOUT_MS = 5_000;

function get(url: URL): Promise<number> {
  const request = url.protocol === 'https:' ? requestTls : requestPlain;
  return new Promise((resolve, reject) => {
    const late = new AbortController();
    const callOff = deadline(TIMEOUT_MS, () => late.abort());
    const asking = request(url, { signal: late.signal, agent: false }, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    });
    asking.on('close', callOff).on('error', reject);
    asking.end();
  });
}

/** What a browser would say of a certificate. */
function tlsTrouble(error: unknown, host: string, option: string): Trouble {
  const code = codeOf(error);
  const trouble = (saw: string, cause: string, todo: string): Trouble => ({ saw, cause, todo, who: 'you' });
  switch (code) {
    case 'CERT_HAS_EXPIRED':
      return trouble(
        'the certificate has ended',
        'it was not renewed, or not put where the server reads it',
        `Renew it, and look at ${option}.`,
      );
    case 'CERT_NOT_YET_VALID':
      return trouble('the certificate is not valid yet', 'a clock is wrong', 'timedatectl set-ntp true');
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return trouble(
        `the certificate is not for ${host}`,
        'another one is there',
        `Put a certificate with the name ${host} into ${option}.`,
      );
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
      return trouble(
        'no authority that this machine knows has issued the certificate',
        'it is of an authority of your own, or the file lacks its chain',
        `Put the whole chain into ${option}. For an authority of your own: NODE_EXTRA_CA_CERTS=FILE hawser doctor clients, and give it to every browser.`,
      );
    default:
      return trouble(
        `TLS with ${host} failed (${code})`,
        'another program listens there, or something on the way ends TLS',
        `Look at ${option}, and at what is between.`,
      );
  }
}

function codeOf(error: unknown): string {
  if (error instanceof HawserError) return codeOf(error.cause) || error.code;
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

interface Joined {
  readonly step: Step;
  readonly offer?: { readonly send: TransportOffer };
  close(): void;
}

/** The WebSocket of the SFT, with the origin of the page, and a ticket. */
async function join({ sft, page, conference, ticket }: Pass, now: () => number): Promise<Joined> {
  const [step, tried] = ['signalling', `the WebSocket of the SFT, ${sft}`];
  const close = () => undefined;
  const url = new URL(sft);
  const door = await openDoor(url, now, {
    inRule: 'signalling-in',
    what: 'your SFT',
    start: 'Start it, or correct sft.client.listen and .url.',
  });
  if (door) return { step: failed(step, tried, door), close };
  let socket: Socket;
  try {
    socket = await dialSocket({ url: sft, contract: CLIENT_SFT, origin: new URL(page).origin });
  } catch (error) {
    if (error instanceof HawserError && error.code === 'FED_REFUSED') {
      const trouble = {
        saw: 'it refuses the page',
        cause: `${new URL(page).origin} is not in sft.client.origins`,
        todo: `Add ${new URL(page).origin} to sft.client.origins, and restart the SFT.`,
        who: 'you',
      } as const;
      return { step: failed(step, tried, trouble), close };
    }
    const trouble = upgradeTrouble(error, url) ?? tlsTrouble(error, url.hostname, 'sft.client.tls');
    return { step: failed(step, tried, trouble), close };
  }
  const rpc = new Rpc({ contract: CLIENT_SFT, side: 'dialler', socket, requests: {}, notifications: SILENT });
  try {
    const offer = await rpc.request('join', { conference, ticket });
    return { step: ok(step, tried, 'open, and the ticket is taken'), offer, close: () => rpc.close() };
  } catch (error) {
    rpc.close();
    return { step: failed(step, tried, refusedTicket(error)), close };
  }
}

/** Where TLS stands, and what answers opens no WebSocket. Pure. */
export function upgradeTrouble(error: unknown, { host, pathname }: URL): Trouble | undefined {
  if (!(error instanceof HawserError)) return undefined;
  if (error.code === 'SIG_BUSY') return FULL;
  if (!error.detail?.startsWith('HTTP ')) return undefined;
  return {
    saw: `what answers at ${host} opens no WebSocket at ${pathname} (${error.detail})`,
    cause: 'sft.client.url leads to another server or path, or a proxy in front of the SFT does not hand WebSockets on',
    todo: 'Correct sft.client.url, or let the proxy hand Upgrade and Connection on to sft.client.listen.',
    who: 'you',
  };
}

const FULL: Trouble = {
  saw: 'the SFT is full',
  cause: 'sft.limits are reached',
  todo: 'See hawser top, and raise sft.limits.',
  who: 'you',
};

/** Nothing that the SFT tells matters here. */
const SILENT = {
  roster: () => undefined,
  consumer: () => undefined,
  consumerClosed: () => undefined,
  layer: () => undefined,
  layers: () => undefined,
  silenced: () => undefined,
  signalled: () => undefined,
  speaker: () => undefined,
  notice: () => undefined,
};

function refusedTicket(error: unknown): Trouble {
  const code = error instanceof HawserError ? error.code : 'SIG_UNREACHABLE';
  const trouble = (saw: string, cause: string, todo: string): Trouble => ({ saw, cause, todo, who: 'you' });
  switch (code) {
    case 'SFT_TICKET_FORGED':
      return trouble(
        'the SFT does not believe the ticket of the homeserver',
        'certificates.tickets: the two halves are not of one pair',
        'Give both servers the pair that hawser certs init made.',
      );
    case 'SFT_TICKET_EXPIRED':
    case 'SFT_TICKET_EARLY':
      return trouble(
        'the SFT finds the ticket too old or too new',
        'the clocks of the two servers differ',
        'timedatectl set-ntp true',
      );
    case 'SFT_TICKET_USED':
      return trouble(
        'the pass was used already',
        'it is good for one examination',
        'Make another one: hawser doctor clients --write FILE',
      );
    case 'SFT_DRAINING':
      return trouble(
        'the SFT takes no new calls',
        'it is about to end (drain)',
        'Start it anew: systemctl restart hawser-sft',
      );
    case 'SFT_FULL':
      return FULL;
    default:
      return trouble(
        `the SFT refuses the ticket (${code})`,
        'see the code in docs/reference/errors.md',
        'Read the log of the SFT.',
      );
  }
}

async function udpStep(offer: TransportOffer, at: Endpoint, now: () => number): Promise<Step> {
  const tried = `media by UDP at ${at.ip}:${at.port}`;
  const ms = await checkByUdp(new IceCheck(offer), at, now);
  if (ms !== undefined) return ok('media-udp', tried, `answered in ${ms} ms`);
  return failed('media-udp', tried, {
    saw: 'no answer within three seconds',
    cause: 'a firewall in front of the SFT drops it, sft.media.announcedIp is wrong, or this network lets no UDP out',
    todo: 'Open media-udp-in. People whose own network drops UDP need media-tcp-in or TURN.',
    who: 'you',
    rule: 'media-udp-in',
  });
}

async function tcpStep(offer: TransportOffer, at: Endpoint, now: () => number): Promise<Step> {
  const tried = `media by TCP at ${at.ip}:${at.port}`;
  const outcome = await checkByTcp(new IceCheck(offer), at, now);
  if (outcome.is === 'open') return ok('media-tcp', tried, `answered in ${outcome.ms} ms`);
  if (outcome.is === 'mute') {
    return failed('media-tcp', tried, {
      saw: 'connected, and no answer',
      cause: 'something on the way takes connections in place of the SFT: a proxy, or another program',
      todo: 'Look what listens there: ss -ltnp',
      who: 'you',
    });
  }
  const words = { address: `${at.ip}:${at.port}`, what: 'your SFT', owner: 'you', dialler: 'your people' } as const;
  const rules = {
    inRule: 'media-tcp-in',
    outRule: 'what goes out of this network',
    start: 'Look at sft.media in hawser.yaml.',
  };
  return failed('media-tcp', tried, closedDoor(outcome, { ...words, ...rules }));
}

async function relaySteps(
  pass: Pass,
  offer: TransportOffer,
  at: Endpoint,
  now: () => number,
  note: (step: Step) => boolean,
) {
  const { relays } = pass;
  if (!relays) {
    note(
      warning('turn', 'media by TURN', {
        saw: 'hawser.yaml names no TURN server',
        cause: 'there is none',
        todo: 'Set one up, if people shall take part from networks that let only the web out: docs/guides/turn.md',
        who: 'you',
      }),
    );
    return;
  }
  const doors = relays.urls.map((url) => {
    const [, scheme, host = '', port = ''] = /^(turns?):([^:?]+|\[[^\]]+\]):(\d+)/.exec(url) ?? [];
    return { host, port: Number(port), isTls: scheme === 'turns' };
  });
  const hosts = doors.map(({ host }) => host);
  for (const door of doors) {
    const ruleOf = (rule: TurnRule) => turnRuleId(rule, door.host, hosts);
    note(await relayStep(relays, { ...door, ruleOf }, offer, at, now));
  }
}

interface RelayDoor {
  readonly host: string;
  readonly port: number;
  readonly isTls: boolean;
  /** As the rules of this host are called at a site that may have several. */
  readonly ruleOf: (rule: TurnRule) => string;
}

async function relayStep(
  relays: NonNullable<Pass['relays']>,
  door: RelayDoor,
  offer: TransportOffer,
  at: Endpoint,
  now: () => number,
): Promise<Step> {
  const { host, port, isTls } = door;
  const step = isTls ? 'turn-tls' : 'turn-udp';
  const tried = `media by TURN over ${isTls ? 'TLS' : 'UDP'} at ${host}:${port}`;
  try {
    const ip = isIP(host) === 0 ? (await lookup(host)).address : host;
    const transport = isTls ? ({ kind: 'tls', tls: { servername: host } } as const) : ({ kind: 'udp' } as const);
    const relay = await TurnClient.connect({ server: { ip, port }, transport, timeoutMs: 4_000 });
    try {
      await relay.allocate(relays.username, relays.credential);
      await relay.permit(at);
      const ms = await checkByRelay(new IceCheck(offer), relay, at, now);
      return ms === undefined
        ? failed(step, tried, muteRelay(door.ruleOf('relay-out')))
        : ok(step, tried, `answered in ${ms} ms`);
    } finally {
      await relay.close();
    }
  } catch (error) {
    return failed(step, tried, relayTrouble(error, door));
  }
}

function muteRelay(rule: string): Trouble {
  return {
    saw: 'a relay is given, and the SFT does not answer through it',
    cause: 'a firewall between the TURN host and the SFT drops UDP',
    todo: `Open ${rule} on the TURN host; if it is open, media-udp-in on that of the SFT.`,
    who: 'you',
    rule,
  };
}

function relayTrouble(error: unknown, { host, port, isTls, ruleOf }: RelayDoor): Trouble {
  const trouble = (saw: string, cause: string, todo: string, rule?: string): Trouble => ({
    saw,
    cause,
    todo,
    who: 'you',
    ...(rule && { rule }),
  });
  const inRule = ruleOf(isTls ? 'turn-tls-in' : 'turn-udp-in');
  if (error instanceof TurnRefusal) {
    if (error.code === 401) {
      return trouble(
        'coturn does not know the credential',
        'it has not been told the secret, or has another realm',
        `On ${host}: hawser turn secrets --help`,
      );
    }
    if (error.code === 403) {
      return trouble(
        'coturn may not relay to the SFT',
        'its configuration is of another site, or of before the SFT moved',
        'hawser turn render --out /etc/turnserver.conf, and restart coturn.',
      );
    }
    if (error.code === 486)
      return trouble(
        'coturn gives no more relays',
        'its quota is reached',
        'Widen turn.ports, and render the configuration anew.',
      );
    return trouble(
      error.message,
      'its configuration differs from what the site asks for',
      'hawser turn check /etc/turnserver.conf',
    );
  }
  if (error instanceof TurnSilence) {
    return trouble(
      `nothing comes back from ${host}:${port}`,
      'a firewall in front of the TURN host drops it',
      `Open ${inRule}.`,
      inRule,
    );
  }
  const errno = errnoOf(error);
  if (errno === 'ENOTFOUND' || errno === 'EAI_AGAIN') {
    return trouble(`the name ${host} has no address`, 'it is not in DNS', `Set an A or AAAA record for ${host}.`);
  }
  if (isTls && errno === undefined) return tlsTrouble(error, host, 'turn.certificate on the TURN host');
  const words = { address: `${host}:${port}`, what: 'coturn', owner: 'you', dialler: 'your people' } as const;
  const start = `On ${host}: systemctl start coturn`;
  return closedDoor(outcomeOf(errno), { ...words, inRule, outRule: 'what goes out of this network', start });
}
