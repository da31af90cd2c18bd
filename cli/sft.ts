/** `hawser sft`: starts the media server of a domain, ends it softly, and gives its trunks to a domain new keys. */
import Type from 'typebox';
import { startSft } from '#sft/main.ts';
import { type DomainName, parseDomainName } from '#signalling/ids.ts';
import { loadSite } from '#site/load.ts';
import { SiteError } from '#site/mistakes.ts';
import { command, Problem, UsageError } from './command.ts';
import { configFlag, jsonFlag } from './flags.ts';
import { serve, serveFlags } from './serve.ts';
import { mustAsk } from './servers/ask.ts';
import { portsOf } from './servers/ports.ts';
import { ensureWorker } from './setup/worker.ts';

const Draining = Type.Object({ until: Type.Number(), conferences: Type.Number(), participants: Type.Number() });

export const sft = command({
  name: 'sft',
  summary: 'Start the media server of a domain',
  usage: '',
  about: [
    'Ends with Ctrl-C or SIGTERM. With sft.drainMinutes in the configuration, SIGTERM lets calls go on for that long and takes no new',
    'ones; a second signal ends it at once.',
  ],
  flags: serveFlags,
  async run({ flags, signal }) {
    process.env.MEDIASOUP_WORKER_BIN ??= await ensureWorker();
    return serve('sft', flags, signal, async (site, log) => {
      const running = await startSft({ site, log });
      const forMs = site.sft.drainMinutes * 60_000;
      return { ...running, drain: { forMs, begin: () => running.drain(forMs) } };
    });
  },
});

export const sftDrain = command({
  name: 'sft drain',
  summary: 'Let the calls of the media server come to their end, then end it',
  usage: '',
  about: [
    'No new conference is taken. Whoever is in one that goes on stays, comes back where his connection breaks, and others join it.',
    'The media server ends by itself when the last one has left, or the time is over. Whatever starts it again must do so after exit code 0.',
    'Said again, the newer time counts; with --minutes 0 it ends at once.',
  ],
  flags: {
    minutes: {
      type: 'integer',
      value: 'N',
      min: 0,
      max: 1_440,
      summary: 'How long calls may go on; sft.drainMinutes of the configuration when left out',
    },
    config: configFlag('The site, which names the port of its SFT'),
    json: jsonFlag,
  },
  async run({ flags, out, signal }) {
    const { site, sft: port } = await portsOf(flags.config);
    const minutes = flags.minutes ?? site.sft.drainMinutes;
    if (flags.minutes === undefined && minutes === 0) {
      throw new UsageError('sft.drainMinutes is 0, so that it would cut every call. Say how long with --minutes.');
    }
    const { until, conferences, participants } = await mustAsk(port, ['POST', '/drain'], Draining, signal, { minutes });
    if (flags.json) out(JSON.stringify({ until, conferences, participants }));
    else if (minutes === 0 || conferences === 0) out('The media server ends now.');
    else {
      const time = new Date(until).toISOString().slice(0, 16).replace('T', ' ');
      out(
        `The media server takes no new conferences. People of this domain: ${participants}; conferences: ${conferences}.`,
      );
      out(`It ends when the last one has left, or at ${time} UTC. hawser top shows how it goes.`);
    }
    return 0;
  },
});

export const sftRotate = command({
  name: 'sft rotate',
  summary: 'Give the trunks to a domain new keys and ports, while calls go on',
  usage: 'DOMAIN',
  words: { min: 1, max: 1 },
  about: ['The media server must run. It does the same by itself after 2,000 streams or 24 hours.'],
  flags: {
    config: configFlag('The site, which names the port of its SFT'),
    json: jsonFlag,
  },
  async run({ flags, args: [name = ''], out, signal }) {
    const peer = parseDomainName(name);
    if (peer === undefined) throw new UsageError(`'${name}' is not a DNS name such as beta.example.`);
    const site = await loadSite(flags.config, []).catch((error: unknown) => {
      throw error instanceof SiteError ? new Problem(error.message) : error;
    });
    const rotated = await rotate(site.sft.admin.listen, peer, signal);
    if (flags.json) out(JSON.stringify({ peer, rotated }));
    else if (rotated === 0)
      out(`There is no trunk to ${peer}: no call goes on with it, or its trunk is just being replaced.`);
    else
      out(
        `${rotated === 1 ? 'One trunk' : `${rotated} trunks`} to ${peer} ${rotated === 1 ? 'is' : 'are'} being replaced.`,
      );
    return 0;
  },
});

async function rotate(admin: string, peer: DomainName, signal: AbortSignal): Promise<number> {
  const response = await fetch(`http://${admin}/trunks/rotate`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ peer }),
    signal: AbortSignal.any([signal, AbortSignal.timeout(15_000)]),
  }).catch(() => {
    throw new Problem(
      `The media server does not answer at ${admin}. Start it with hawser sft, or correct sft.admin.listen.`,
    );
  });
  const answer = (await response.json()) as { rotated?: number; message?: string };
  if (answer.rotated === undefined) throw new Problem(`${peer}: ${answer.message ?? `status ${response.status}`}`);
  return answer.rotated;
}
