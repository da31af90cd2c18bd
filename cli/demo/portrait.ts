/**
 * A stand-in for a person before a camera: a short Y4M clip (YUV 4:2:0, plain frames behind a line of text) that
 * Chromium's fake camera plays round and round. Made for pictures of the demo.
 */
import { writeFile } from 'node:fs/promises';

const WIDTH = 640;
const HEIGHT = 360;
const FRAMES = 20;

type Colour = readonly [y: number, u: number, v: number];

export interface Look {
  readonly wall: Colour;
  readonly hair: Colour;
  readonly skin: Colour;
  readonly clothes: Colour;
}

export const LOOKS = {
  alice: { wall: [150, 138, 112], hair: [62, 118, 140], skin: [178, 112, 150], clothes: [96, 150, 104] },
  bob: { wall: [172, 118, 136], hair: [38, 126, 130], skin: [142, 112, 152], clothes: [70, 140, 116] },
} as const satisfies Record<string, Look>;

interface Ellipse {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

function within({ x, y, width, height }: Ellipse, px: number, py: number): boolean {
  return ((px - x) / width) ** 2 + ((py - y) / height) ** 2 <= 1;
}

/** The colour of a pixel of one moment; `sway` is how far the head leans, pixels. */
function colourAt(look: Look, sway: number, px: number, py: number): Colour {
  const head = { x: 320 + sway, y: 150, width: 58, height: 72 };
  if (within({ ...head, y: 158, width: 50, height: 62 }, px, py)) return look.skin;
  if (within({ ...head, y: 138, width: 62, height: 70 }, px, py) && py < 196) return look.hair;
  if (Math.abs(px - 320 - sway / 2) < 26 && py > 200 && py < 262) return look.skin;
  if (within({ x: 320 + sway / 3, y: 380, width: 150, height: 140 }, px, py)) return look.clothes;
  const [y, u, v] = look.wall;
  return [y - Math.round((py / HEIGHT) * 40) + Math.round((px / WIDTH) * 24), u, v];
}

function frame(look: Look, sway: number): Buffer {
  const luma = WIDTH * HEIGHT;
  const data = Buffer.alloc(luma * 1.5);
  for (let py = 0; py < HEIGHT; py++) {
    for (let px = 0; px < WIDTH; px++) {
      const [y, u, v] = colourAt(look, sway, px, py);
      data[py * WIDTH + px] = y;
      if (py % 2 === 0 && px % 2 === 0) {
        const at = (py / 2) * (WIDTH / 2) + px / 2;
        data[luma + at] = u;
        data[luma * 1.25 + at] = v;
      }
    }
  }
  return data;
}

/** Writes the clip, about 7 MB. @param rate pictures a second */
export async function writePortrait(path: string, look: Look, rate = 15): Promise<void> {
  const parts: Uint8Array[] = [Buffer.from(`YUV4MPEG2 W${WIDTH} H${HEIGHT} F${rate}:1 Ip A1:1 C420jpeg\n`)];
  for (let i = 0; i < FRAMES; i++) {
    parts.push(Buffer.from('FRAME\n'), frame(look, 9 * Math.sin((2 * Math.PI * i) / FRAMES)));
  }
  await writeFile(path, Buffer.concat(parts));
}
