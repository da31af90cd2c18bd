/**
 * A clip for Chromium's fake camera in which every picture says which one it is: the same bytes whenever it is made. It is Y4M
 * (YUV 4:2:0, plain pictures behind a line of text), and its end goes on in its begin, since it is played round and round.
 */
import { open } from 'node:fs/promises';
import { drawMark } from './frame-mark.ts';

export const CLIP = { width: 1280, height: 720, framesPerSecond: 30, frames: 90 } as const;

const { width: WIDTH, height: HEIGHT } = CLIP;
const LUMA = WIDTH * HEIGHT;
/** Of what moves before the wall, pixels. */
const RADIUS = 130;

/** Writes the clip, about 125 MB. */
export async function writeMarkedClip(path: string): Promise<void> {
  await using file = await open(path, 'w');
  await file.write(`YUV4MPEG2 W${WIDTH} H${HEIGHT} F${CLIP.framesPerSecond}:1 Ip A1:1 C420jpeg\n`);
  const still = wall();
  const picture = Buffer.alloc(still.length);
  for (let number = 0; number < CLIP.frames; number++) {
    still.copy(picture);
    drawDisc(picture, (2 * Math.PI * number) / CLIP.frames);
    drawMark(picture.subarray(0, LUMA), WIDTH, number);
    await file.write('FRAME\n');
    await file.write(picture);
  }
}

/** Brighter to one side, with a grain that an encoder has to describe once. */
function wall(): Buffer {
  const picture = Buffer.alloc(LUMA * 1.5, 128);
  let grain = 1;
  for (let line = 0; line < HEIGHT; line++) {
    for (let column = 0; column < WIDTH; column++) {
      grain = (Math.imul(grain, 1_664_525) + 1_013_904_223) >>> 0; // the generator of Numerical Recipes
      picture[line * WIDTH + column] = 100 + Math.floor((60 * column) / WIDTH) + (grain >>> 29);
    }
  }
  return picture;
}

/** A striped disc that goes round once in a clip. @param angle where it is, radians */
function drawDisc(picture: Buffer, angle: number): void {
  const [x, y] = [WIDTH / 2 + 320 * Math.cos(angle), HEIGHT / 2 + 40 + 150 * Math.sin(2 * angle)].map(Math.round);
  if (x === undefined || y === undefined) return;
  for (let line = -RADIUS; line < RADIUS; line++) {
    const half = Math.floor(Math.sqrt(RADIUS ** 2 - line ** 2));
    const from = (y + line) * WIDTH + x;
    picture.fill((line >> 4) % 2 === 0 ? 190 : 70, from - half, from + half);
    if (((y + line) & 1) !== 0) continue;
    const colours = ((y + line) >> 1) * (WIDTH / 2) + (x >> 1);
    picture.fill(100, LUMA + colours - (half >> 1), LUMA + colours + (half >> 1));
    picture.fill(170, LUMA * 1.25 + colours - (half >> 1), LUMA * 1.25 + colours + (half >> 1));
  }
}
