/** The same traffic at another server of messages, one after the other in one run. */
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { type Errand, type Guard, guarded } from '../guarded.ts';
import { Helper } from '../helper.ts';
import { residentMb } from '../measure/memory.ts';
import { withProcessor } from '../measure/processor.ts';
import { type RunningProsody, startProsody } from './prosody.ts';
import type { XmppServer } from './xmpp-device.ts';
import type { XmppLoadMethods } from './xmpp-load.ts';

/** Either one that is started for this, or one that runs and lets everybody register. */
export type Rival = 'prosody' | XmppServer;

export interface AgainstOptions {
  readonly rival: Rival;
  readonly seconds: number;
  readonly devices: number;
  readonly group: number;
  readonly senders: number;
  readonly idle: number;
  readonly rate: number;
}

/** Figures as those of the homeserver; memory and processor only of one that was started here. */
export interface AgainstReport {
  readonly title: string;
  readonly acceptedPerSecond: number;
  readonly acceptP99Ms: number;
  readonly deliveriesPerSecond: number;
  readonly rssStartMb?: number;
  readonly rssIdleDevicesMb?: number;
  readonly cpu?: { readonly flood: number; readonly fanOut: number };
}

/** As long as a message of the homeserver's devices is on the wire: it would be encrypted too. */
const TEXT = 'x'.repeat(560);
const SETTLED_MS = 3_000;

/** `prosody`, or `xmpp://127.0.0.1:5222/alpha.example`. Undefined where it is neither. */
export function rivalOf(text: string): Rival | undefined {
  if (text === 'prosody') return text;
  if (!URL.canParse(text)) return undefined;
  const { protocol, hostname, port, pathname } = new URL(text);
  const domain = pathname.slice(1);
  return protocol === 'xmpp:' && hostname !== '' && domain !== ''
    ? { host: hostname, port: Number(port || 5222), domain }
    : undefined;
}

/** @throws Error with a plain sentence */
export function measureAgainst(options: AgainstOptions, { signal, say }: Errand): Promise<AgainstReport> {
  return guarded(signal, async (guard) => {
    const { rival, seconds, devices, group, senders, idle, rate } = options;
    const server = rival === 'prosody' ? await startProsody(guard) : rival;
    const own = 'pid' in server ? (server as RunningProsody) : undefined;
    const title = own?.title ?? server.domain;
    await wait(SETTLED_MS);
    const rssStartMb = own && (await residentMb(own.pid));
    const load = start(guard);
    say(`${title}: ${devices} clients write to each other`);
    await load.call('enrol', { server, count: devices, prefix: 'pair' });
    await load.call('pair', { text: TEXT });
    await load.call('flood', { seconds: 1, senders: devices, receivers: 1 });
    const pairs = await withProcessor(own?.pid, () => load.call('flood', { seconds, senders: devices, receivers: 1 }));
    const times = (await load.call('pace', { seconds, rate })).toSorted((a, b) => a - b);
    say(`${title}: a room of ${group} clients`);
    await load.call('enrol', { server, count: group, prefix: 'room' });
    await load.call('gather', { room: `bench@rooms.${server.domain}`, text: TEXT });
    // A room shows the sender what he wrote, too.
    await load.call('flood', { seconds: 1, senders, receivers: group });
    const room = await withProcessor(own?.pid, () => load.call('flood', { seconds, senders, receivers: group }));
    say(`${title}: ${idle} clients are connected and do nothing`);
    await load.call('enrol', { server, count: idle, prefix: 'idle' });
    await wait(SETTLED_MS);
    const rssIdleDevicesMb = own && (await residentMb(own.pid));
    return {
      title,
      acceptedPerSecond: Math.round((pairs.result.accepted / pairs.result.ms) * 1_000),
      acceptP99Ms: Number((times[Math.floor(times.length * 0.99)] ?? Number.NaN).toFixed(1)),
      deliveriesPerSecond: Math.round((room.result.delivered / room.result.deliveredMs) * 1_000),
      ...(rssStartMb !== undefined && { rssStartMb }),
      ...(rssIdleDevicesMb !== undefined && { rssIdleDevicesMb }),
      ...(own && { cpu: { flood: pairs.percent, fanOut: room.percent } }),
    };
  });
}

function start({ undo, onDied }: Guard): Helper<XmppLoadMethods> {
  return Helper.start<XmppLoadMethods>('clients', join(import.meta.dirname, 'xmpp-load.ts'), undo, onDied);
}
