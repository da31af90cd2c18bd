/**
 * Writes what it hears in the call of a conversation into a folder, one WAV file a microphone, until the call is over: `node
 * client/examples/wav-recorder.ts recording`. All files begin at the same moment, so that they can be laid over each other. Everybody in the call
 * sees that it is there.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import OpusScript from 'opusscript';
import { NodeCall } from '#client/node-call.ts';
import { handleOf, type SourceId, userOfDevice } from '#signalling/ids.ts';
import { Bot, setting } from './bot.ts';
import { WavWriter } from './wav.ts';

const RATE = 48_000;
/** A packet that is said to be so far from the one before, s, is not of the same clock. */
const MOST_SILENCE_S = 3_600;
/** All files begin here. */
const began = performance.now();

/** One microphone. */
class Track {
  readonly #decoder = new OpusScript(RATE, 1, OpusScript.Application.AUDIO);
  readonly #writer: Promise<WavWriter>;
  #at: number | undefined;
  #timestamp = 0;

  constructor(path: string) {
    this.#writer = WavWriter.create(path, RATE);
    this.#writer.catch((error: unknown) => console.error(error));
  }

  async take(data: Uint8Array, timestamp: number): Promise<void> {
    // A number of 32 bits that begins anywhere and goes round.
    const passed = (timestamp - this.#timestamp) | 0;
    const isSame = this.#at !== undefined && Math.abs(passed) < MOST_SILENCE_S * RATE;
    const at = isSame ? (this.#at ?? 0) + passed : Math.round(((performance.now() - began) / 1_000) * RATE);
    [this.#at, this.#timestamp] = [at, timestamp];
    const pcm = this.#decoder.decode(Buffer.from(data.buffer, data.byteOffset, data.byteLength));
    const samples = new Int16Array(pcm.buffer.slice(pcm.byteOffset, pcm.byteOffset + pcm.byteLength));
    if (at >= 0) (await this.#writer).write(at, samples);
  }

  async close(): Promise<void> {
    this.#decoder.delete();
    await (await this.#writer).close();
  }
}

const [folder] = process.argv.slice(2);
if (!folder) throw new Error('Say where to: node client/examples/wav-recorder.ts recording');
await mkdir(folder, { recursive: true });

await using bot = await Bot.open('WAV recorder');
const { conversation } = await bot.conversation(setting('BOT_CONVERSATION'));
await bot.messenger.home.store.when(
  ({ conversations }) => conversations.some((each) => each.conversation === conversation && each.call !== undefined),
  bot.stop,
);
const call = new NodeCall({ messenger: bot.messenger, conversation });
const tracks = new Map<SourceId, Track>();
call.conference.store.subscribe(follow);
try {
  await call.join();
  await call.conference.store.when(({ phase }) => phase === 'left', bot.stop).catch(() => undefined);
} finally {
  call.close();
  for (const track of tracks.values()) await track.close();
}

function follow(): void {
  const { state } = call.conference;
  if (state.phase !== 'joined') return;
  for (const { participant, sources } of state.participants) {
    for (const { kind, source, renditions } of sources) {
      if (kind !== 'microphone') continue;
      for (const { media } of renditions) {
        media.onFrame ??= ({ data, timestamp }) => {
          const track = tracks.get(source) ?? new Track(join(folder as string, `${nameOf(participant)}-${source}.wav`));
          tracks.set(source, track);
          track.take(data, timestamp).catch((error: unknown) => console.error(error));
        };
      }
    }
  }
}

/** By the keys of the call: no server says who it is. */
function nameOf(participant: string): string {
  const found = call.roster.state?.devices.find((each) => each.participant === participant);
  return found ? handleOf(userOfDevice(found.device)) : 'unknown';
}
