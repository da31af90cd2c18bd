/** `hawser homeserver`: starts the homeserver of a domain. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { startHomeserver } from '#homeserver/main.ts';
import { command } from './command.ts';
import { giveBackStartMemory, letHeapGrowLittle } from './homeserver-memory.ts';
import { serve, serveFlags } from './serve.ts';

const WEB = fileURLToPath(new URL('../web/dist', import.meta.url));

export const homeserver = command({
  name: 'homeserver',
  summary: 'Start the homeserver of a domain',
  usage: '',
  about: ['Ends with Ctrl-C or SIGTERM.'],
  flags: {
    ...serveFlags,
    web: { type: 'string', value: 'FOLDER', summary: 'The built web application; web/dist when left out' },
  },
  async run({ flags, signal }) {
    const webRoot = flags.web ?? (existsSync(WEB) ? WEB : undefined);
    letHeapGrowLittle();
    return serve('homeserver', flags, signal, async (site, log) => {
      const running = await startHomeserver({ site, log, ...(webRoot && { webRoot }) });
      const stopGivingBack = giveBackStartMemory();
      return {
        close: () => {
          stopGivingBack();
          return running.close();
        },
      };
    });
  },
});
