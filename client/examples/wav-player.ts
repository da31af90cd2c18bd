/** Plays a WAV file into the call of a conversation, which it starts where there is none: `node client/examples/wav-player.ts sound.wav`. */
import { setTimeout as wait } from 'node:timers/promises';
import OpusScript from 'opusscript';
import { NodeCall } from '#client/node-call.ts';
import { Bot, setting } from './bot.ts';
import { readWav } from './wav.ts';

const FRAME_MS = 20;
/** Opus counts so in RTP, whatever it encodes (RFC 7587, section 4.1). Hz */
const CLOCK = 48_000;
const RATES = [8_000, 12_000, 16_000, 24_000, 48_000] as const;

const [path] = process.argv.slice(2);
if (!path) throw new Error('Say which file: node client/examples/wav-player.ts sound.wav');
const { rate, channels, samples } = await readWav(path);
const opusRate = RATES.find((each) => each === rate);
if (!opusRate)
  throw new Error(`${path} has ${rate} samples a second. Convert it: ffmpeg -i ${path} -ar 48000 sound.wav`);

await using bot = await Bot.open('WAV player');
const { conversation } = await bot.conversation(setting('BOT_CONVERSATION'));
const call = new NodeCall({ messenger: bot.messenger, conversation });
const encoder = new OpusScript(opusRate, channels as 1 | 2, OpusScript.Application.AUDIO);
try {
  await call.join();
  const microphone = await call.conference.publish('microphone', {});
  if (call.conference.state.local.microphone.phase === 'failed')
    throw new Error('The SFT did not take the microphone.');
  await microphone?.source;
  const length = (rate / (1_000 / FRAME_MS)) * channels;
  const began = performance.now();
  for (let frame = 0; frame * length < samples.length && !bot.stop.aborted; frame++) {
    const due = began + frame * FRAME_MS - performance.now();
    if (due > 0) await wait(due);
    const pcm = new Int16Array(length);
    pcm.set(samples.subarray(frame * length, (frame + 1) * length));
    const data = encoder.encode(Buffer.from(pcm.buffer), length / channels);
    const timestamp = (frame * FRAME_MS * CLOCK) / 1_000;
    // Another one after the connection was made again, and none until then.
    await call.conference
      .published('microphone')
      ?.sendFrame({ data, timestamp, isFirst: frame === 0, audioLevel: levelOf(pcm) });
  }
} finally {
  encoder.delete();
  call.close();
}

/** -dBov, 0 the loudest to 127 silence (RFC 6464): by this an SFT finds who speaks. */
function levelOf(pcm: Int16Array): number {
  const power = pcm.reduce((sum, sample) => sum + sample * sample, 0) / pcm.length;
  const level = -10 * Math.log10(power / 32_768 ** 2);
  return Math.round(Math.min(127, Math.max(0, level)));
}
