/** `hawser sft`: starts the media server of a domain; `hawser sft rotate`: gives its trunks to a domain new keys. */
import { startSft } from '#sft/main.ts';
import { type DomainName, parseDomainName } from '#signalling/ids.ts';
import { loadSite } from '#site/load.ts';
import { SiteError } from '#site/mistakes.ts';
import { command, Problem, UsageError } from './command.ts';
import { configFlag, jsonFlag } from './flags.ts';
import { serve, serveFlags } from './serve.ts';
import { ensureWorker } from './setup/worker.ts';

export const sft = command({
  name: 'sft',
  summary: 'Start the media server of a domain',
  usage: '',
  about: ['Ends with Ctrl-C or SIGTERM.'],
  flags: serveFlags,
  async run({ flags, signal }) {
    process.env.MEDIASOUP_WORKER_BIN ??= await ensureWorker();
    return serve('sft', flags, signal, (site, log) => startSft({ site, log }));
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
