/**
 * What runs inside the browser when clips are made: draws a person who moves in front of a wall, speaks in vowels, and
 * encodes both with WebCodecs. Each function stands alone, because it is sent to the page as text.
 */
export interface PictureOrder {
  readonly width: number;
  readonly height: number;
  readonly bitrate: number;
  readonly framesPerSecond: number;
  readonly seconds: number;
  readonly keyFrames: readonly number[];
}

/** Frames as base64. The picture at the loop's end is the one before its begin. */
export async function encodePicture(order: PictureOrder): Promise<string[]> {
  const { width, height, bitrate, framesPerSecond, seconds, keyFrames } = order;
  const count = framesPerSecond * seconds;
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d');
  if (!context) throw new Error('no canvas');
  // Grain as of a camera in a room: without it the encoder needs less than it may use.
  const grains = Array.from({ length: 8 }, (_, seed) => {
    const grain = new OffscreenCanvas(256, 256);
    const pen = grain.getContext('2d');
    if (!pen) throw new Error('no canvas');
    const image = pen.createImageData(256, 256);
    let state = seed + 1;
    for (let i = 0; i < image.data.length; i += 4) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      image.data.fill(state >>> 24, i, i + 3);
      image.data[i + 3] = 14;
    }
    pen.putImageData(image, 0, 0);
    return grain;
  });
  const draw = (index: number) => {
    const turn = (2 * Math.PI * index) / count;
    const [x, y] = [width / 2 + Math.sin(turn) * width * 0.06, height * 0.42 + Math.sin(2 * turn) * height * 0.02];
    const unit = height / 100;
    context.fillStyle = '#7d8a94';
    context.fillRect(0, 0, width, height);
    for (let stripe = 0; stripe < 24; stripe++) {
      context.fillStyle = stripe % 2 ? '#8794a0' : '#6d7a86';
      context.fillRect((stripe * width) / 24, 0, width / 48, height);
    }
    context.fillStyle = '#27405e';
    context.beginPath();
    context.ellipse(x, height * 1.02, 42 * unit, 40 * unit, Math.sin(turn) * 0.05, 0, 2 * Math.PI);
    context.fill();
    context.fillStyle = '#c99a78';
    context.beginPath();
    context.ellipse(x, y, 17 * unit, 23 * unit, Math.sin(turn * 2) * 0.06, 0, 2 * Math.PI);
    context.fill();
    context.fillStyle = '#33231b';
    for (const side of [-1, 1]) context.fillRect(x + side * 7 * unit - 2 * unit, y - 5 * unit, 4 * unit, 2 * unit);
    context.fillRect(x - 5 * unit, y + 10 * unit, 10 * unit, (1 + 2 * Math.abs(Math.sin(12 * turn))) * unit);
    const hand = turn * 3;
    context.fillStyle = '#c99a78';
    context.fillRect(x + (30 + 8 * Math.sin(hand)) * unit, y + (30 + 10 * Math.cos(hand)) * unit, 9 * unit, 12 * unit);
    const grain = grains[index % grains.length];
    if (!grain) return;
    for (let left = 0; left < width; left += 256) {
      for (let top = 0; top < height; top += 256) context.drawImage(grain, left, top);
    }
  };

  const frames: string[] = [];
  const encoder = new VideoEncoder({
    output: (chunk) => {
      const bytes = new Uint8Array(chunk.byteLength);
      chunk.copyTo(bytes);
      let text = '';
      for (const byte of bytes) text += String.fromCharCode(byte);
      frames.push(btoa(text));
    },
    error: (error) => console.error(error),
  });
  encoder.configure({
    codec: 'vp8',
    width,
    height,
    bitrate,
    framerate: framesPerSecond,
    bitrateMode: 'constant',
    latencyMode: 'realtime',
  });
  for (let index = 0; index < count; index++) {
    draw(index);
    const frame = new VideoFrame(canvas, { timestamp: Math.round((index * 1_000_000) / framesPerSecond) });
    encoder.encode(frame, { keyFrame: keyFrames.includes(index) });
    frame.close();
    if (encoder.encodeQueueSize > 4) await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await encoder.flush();
  encoder.close();
  return frames;
}

export interface SoundOrder {
  readonly bitrate: number;
  readonly seconds: number;
}

/** Opus in frames of 20 ms as base64: a hum with the formants of vowels that change four times a second. */
export async function encodeSound({ bitrate, seconds }: SoundOrder): Promise<string[]> {
  const rate = 48_000;
  const samples = new Float32Array(rate * seconds);
  const vowels = [
    [700, 1_200],
    [300, 2_300],
    [500, 900],
    [350, 700],
  ] as const;
  for (let i = 0; i < samples.length; i++) {
    const at = i / rate;
    const [first, second] = vowels[Math.floor(at * 4) % vowels.length] ?? [500, 1_500];
    let sum = 0;
    for (let partial = 1; partial <= 30; partial++) {
      const frequency = 120 * partial;
      const near = (formant: number) => Math.exp(-(((frequency - formant) / 180) ** 2));
      sum += (near(first) + 0.5 * near(second) + 0.02) * Math.sin(2 * Math.PI * frequency * at);
    }
    samples[i] = 0.2 * sum * (0.6 + 0.4 * Math.sin(2 * Math.PI * 4 * at));
  }
  const frames: string[] = [];
  const encoder = new AudioEncoder({
    output: (chunk) => {
      const bytes = new Uint8Array(chunk.byteLength);
      chunk.copyTo(bytes);
      frames.push(btoa(String.fromCharCode(...bytes)));
    },
    error: (error) => console.error(error),
  });
  encoder.configure({
    codec: 'opus',
    sampleRate: rate,
    numberOfChannels: 1,
    bitrate,
    bitrateMode: 'constant',
    opus: { frameDuration: 20_000 },
  } as AudioEncoderConfig);
  const step = rate / 50;
  for (let at = 0; at < samples.length; at += step) {
    const data = new AudioData({
      format: 'f32',
      sampleRate: rate,
      numberOfFrames: step,
      numberOfChannels: 1,
      timestamp: Math.round((at / rate) * 1_000_000),
      data: samples.slice(at, at + step),
    });
    encoder.encode(data);
    data.close();
  }
  await encoder.flush();
  encoder.close();
  return frames;
}
