/**
 * Makes the clips of speech anew: `node bench/media/encode-speech.ts`. Needs espeak-ng and Chromium; the results are
 * checked in.
 */
import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openBrowser } from '#cli/demo/browser.ts';
import { FOLDER } from './clips.ts';
import { writeIvf } from './ivf.ts';
import { FRAME_TICKS, SILENT, type SpeechNote } from './speech.ts';
import { encodeSpeech } from './speech-studio.ts';

const BITRATE = 32_000;
/** Active level of a voice at a usual distance, dBov (ITU-T P.56 calls it so; telephony aims at it). */
const SPEECH_LEVEL = -26;
/** Below it is the silence before the first word, dBov. */
const BEGIN_LEVEL = -45;
const SILENCE_SECONDS = 3;

const SPOKEN = [
  {
    name: 'speech-anna',
    voice: 'en-us+f3',
    text: 'Good morning. Can everybody hear me? Let us begin with the budget.',
  },
  { name: 'speech-ben', voice: 'en-gb', text: 'One moment, please. I have a question about that. Who pays for it?' },
  { name: 'speech-carl', voice: 'en-us+m3', text: 'Yes. That was agreed in May. We can look at the numbers together.' },
];

interface Sound {
  readonly samples: Int16Array;
  readonly rate: number;
}

const browser = await openBrowser();
try {
  const { page } = browser;
  await page.route('http://clips.localhost/', (route) => route.fulfill({ contentType: 'text/html', body: '' }));
  await page.goto('http://clips.localhost/');
  const silence = { samples: new Int16Array(48_000 * SILENCE_SECONDS), rate: 48_000 };
  const orders = [
    ...SPOKEN.map((order) => ({ ...order, sound: levelled(speak(order.voice, order.text)) })),
    { name: SILENT, voice: '', text: '', sound: silence },
  ];
  const notes: SpeechNote[] = [];
  for (const { name, voice, text, sound } of orders) {
    const samples = Buffer.from(sound.samples.buffer, sound.samples.byteOffset, sound.samples.byteLength);
    const { packets, levels } = await page.evaluate(encodeSpeech, {
      samples: samples.toString('base64'),
      rate: sound.rate,
      bitrate: BITRATE,
    });
    const frames = packets.map(({ frame, data }) => ({
      timestamp: frame * FRAME_TICKS,
      data: Buffer.from(data, 'base64'),
    }));
    await writeFile(
      join(FOLDER, `${name}.ivf`),
      writeIvf({ fourcc: 'OPUS', width: 0, height: 0, timebase: 48_000, frames }),
    );
    notes.push({ name, voice, text, levels });
    console.log(`${name}: ${levels.length * 20} ms, ${frames.length} packets of ${levels.length}`);
  }
  await writeFile(join(FOLDER, 'speech.json'), `[\n${notes.map((note) => JSON.stringify(note)).join(',\n')}\n]\n`);
} finally {
  await browser.close();
}

/** espeak-ng writes WAV with a header of 44 bytes: 16 bits, mono; the rate stands at byte 24. */
function speak(voice: string, text: string): Sound {
  const wav = execFileSync('espeak-ng', ['-v', voice, '-s', '165', '--stdout', text], { maxBuffer: 10_000_000 });
  const samples = new Int16Array(new Uint8Array(wav.subarray(44)).buffer);
  return { samples, rate: wav.readUInt32LE(24) };
}

/** Without what is silent before the first word, and as loud as people speak. */
function levelled({ samples, rate }: Sound): Sound {
  const step = rate / 50;
  const power = (from: number) => {
    const part = samples.subarray(from, from + step);
    return part.reduce((sum, sample) => sum + (sample / 32_768) ** 2, 0) / part.length;
  };
  const all = Array.from({ length: Math.floor(samples.length / step) }, (_, index) => power(Math.round(index * step)));
  const isSpeech = (each: number) => 10 * Math.log10(each) > BEGIN_LEVEL;
  const spoken = all.filter(isSpeech);
  const mean = spoken.reduce((sum, each) => sum + each, 0) / spoken.length;
  const gain = Math.sqrt(10 ** (SPEECH_LEVEL / 10) / mean);
  const begin = Math.round(all.findIndex(isSpeech) * step);
  return { samples: samples.slice(begin).map((sample) => Math.round(sample * gain)), rate };
}
