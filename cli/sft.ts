/** `hawser sft`: starts the media server of a domain. */
import { startSft } from '#sft/main.ts';
import { command } from './command.ts';
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
