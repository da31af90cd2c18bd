/** What the border did to the packets on purpose, in a sentence. Pure. */
import type { Impairment } from '../border/line.ts';

export function impairmentLine({ lossPercent, rateLimitMbit, seed }: Impairment): string {
  const loss = lossPercent > 0 ? [`loses ${lossPercent} % of the packets at random (seed ${seed})`] : [];
  const limit = rateLimitMbit === undefined ? [] : [`lets ${rateLimitMbit} Mbit/s through, after a queue of 100 ms`];
  return `In each direction the border ${[...loss, ...limit].join(' and ')}.`;
}
