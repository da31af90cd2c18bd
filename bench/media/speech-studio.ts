/** What runs inside the browser when speech is encoded; it stands alone, because it is sent to the page as text. */
export interface SpeechOrder {
  /** 16 bits a sample, mono, little-endian, as base64. */
  readonly samples: string;
  /** Hz. */
  readonly rate: number;
  readonly bitrate: number;
}

export interface EncodedSpeech {
  /** Opus packets as base64, and the number of the 20 ms that each is of; DTX leaves out what is silent. */
  readonly packets: readonly { readonly frame: number; readonly data: string }[];
  /** -dBov of each 20 ms (RFC 6464), 0 the loudest to 127. */
  readonly levels: readonly number[];
}

export async function encodeSpeech({ samples, rate, bitrate }: SpeechOrder): Promise<EncodedSpeech> {
  const RATE = 48_000;
  const STEP = RATE / 50;
  const bytes = Uint8Array.from(atob(samples), (letter) => letter.charCodeAt(0));
  const pcm = Float32Array.from(new Int16Array(bytes.buffer), (sample) => sample / 32_768);
  const seconds = pcm.length / rate;
  const context = new OfflineAudioContext(1, Math.floor(seconds * 50) * STEP, RATE);
  const buffer = context.createBuffer(1, pcm.length, rate);
  buffer.copyToChannel(pcm, 0);
  const source = context.createBufferSource();
  source.buffer = buffer;
  source.connect(context.destination);
  source.start();
  const sound = (await context.startRendering()).getChannelData(0);

  const packets: { frame: number; data: string }[] = [];
  const encoder = new AudioEncoder({
    output: (chunk) => {
      const data = new Uint8Array(chunk.byteLength);
      chunk.copyTo(data);
      packets.push({ frame: Math.round(chunk.timestamp / 20_000), data: btoa(String.fromCharCode(...data)) });
    },
    error: (error) => console.error(error),
  });
  encoder.configure({
    codec: 'opus',
    sampleRate: RATE,
    numberOfChannels: 1,
    bitrate,
    opus: { frameDuration: 20_000, usedtx: true, application: 'voip', signal: 'voice' },
  } as AudioEncoderConfig);
  const levels: number[] = [];
  for (let at = 0; at + STEP <= sound.length; at += STEP) {
    const data = sound.slice(at, at + STEP);
    const power = data.reduce((sum, sample) => sum + sample * sample, 0) / STEP;
    levels.push(power === 0 ? 127 : Math.min(127, Math.max(0, Math.round(-10 * Math.log10(power)))));
    const timestamp = (at / RATE) * 1_000_000;
    const audio = new AudioData({
      format: 'f32',
      sampleRate: RATE,
      numberOfFrames: STEP,
      numberOfChannels: 1,
      timestamp,
      data,
    });
    encoder.encode(audio);
    audio.close();
  }
  await encoder.flush();
  encoder.close();
  return { packets, levels };
}
