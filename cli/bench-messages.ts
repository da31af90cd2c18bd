/** `hawser bench messages`: what one homeserver takes, delivers and needs. */
import type { Errand } from '#bench/guarded.ts';
import { type Rival, rivalOf } from '#bench/messages/against.ts';
import { STORAGES } from '#bench/messages/server.ts';
import { complaintsAboutMessages, measureMessages, messagesTable } from '#bench/messages.ts';
import { REPEAT_FLAGS, repeat } from './bench-repeat.ts';
import { command } from './command.ts';
import { Problem } from './errors.ts';

export const benchMessages = command({
  name: 'bench messages',
  summary: 'Measure what a homeserver accepts, delivers and needs',
  usage: '',
  about: [
    'Starts a homeserver on loopback and a process full of devices, each with its own key, certificate and connection.',
    'They write in pairs, then all in one group that changes meanwhile, then do nothing. Every message counts when it is on',
    'disk. Linux only. Exit code 1: a figure is missed.',
    '',
    'A server of XMPP that is named must let everybody register, without TLS. It says that it has a message when it holds it in',
    'memory, which is less.',
  ],
  flags: {
    storage: {
      type: 'string',
      value: 'WHICH',
      default: 'sqlite',
      choices: STORAGES,
      summary: 'Where the homeserver keeps everything: sqlite, or a PostgreSQL that is started for this',
    },
    seconds: { type: 'integer', value: 'N', default: 10, min: 1, max: 600, summary: 'How long each load lasts' },
    devices: {
      type: 'integer',
      value: 'N',
      default: 1_000,
      min: 2,
      max: 5_000,
      summary: 'Devices that write in pairs',
    },
    group: { type: 'integer', value: 'N', default: 500, min: 10, max: 500, summary: 'Devices of the large group' },
    idle: { type: 'integer', value: 'N', default: 5_000, min: 1, max: 15_000, summary: 'Devices that do nothing' },
    against: {
      type: 'string',
      value: 'SERVER',
      summary: 'Another server, by the same traffic: prosody, which is started for this, or xmpp://HOST:PORT/DOMAIN',
    },
    ...REPEAT_FLAGS,
  },
  async run({ flags, ...terminal }) {
    const { storage, seconds, group, idle } = flags;
    const devices = flags.devices - (flags.devices % 2);
    const rival = flags.against === undefined ? undefined : parsed(flags.against);
    const benchmark = {
      doing: 'measuring',
      measure: (errand: Errand) => measureMessages({ storage, seconds, devices, group, idle, rival }, errand),
      table: messagesTable,
      complaints: complaintsAboutMessages,
      flat: true,
    };
    return repeat(benchmark, flags, terminal);
  },
});

function parsed(text: string): Rival {
  const rival = rivalOf(text);
  if (rival === undefined) {
    throw new Problem(`--against ${text} is no server. Write prosody, or xmpp://HOST:PORT/DOMAIN.`);
  }
  return rival;
}
