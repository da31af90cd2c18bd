import { expect, it } from 'vitest';
import { COMFORT_EVERY, SpeakingMicrophone } from './speaking-microphone.ts';
import { loadSpeech } from './speech.ts';

it('sends real speech with its real levels from the moment it is told to, and comfort packets before and after', async () => {
  const { clips, comfort } = await loadSpeech();
  const clip = clips[0];
  if (!clip) throw new Error('no clip');
  const microphone = new SpeakingMicrophone(comfort, () => 0);
  const play = (frames: number) => Array.from({ length: frames }, () => microphone.next());
  const before = play(5 * COMFORT_EVERY).flat();
  expect(before.map(({ payload, audioLevel }) => [payload, audioLevel])).toEqual(Array(5).fill([comfort, 127]));
  microphone.speak(clip, 50);
  expect(microphone.isSpeaking).toBe(true);
  const spoken = play(50);
  expect(microphone.isSpeaking).toBe(false);
  expect(spoken.map(([packet]) => packet?.payload)).toEqual(clip.frames.slice(0, 50).map(({ packet }) => packet));
  expect(spoken.map(([packet]) => packet?.audioLevel)).toEqual(clip.frames.slice(0, 50).map(({ level }) => level));
  expect(play(2 * COMFORT_EVERY).flat()).toHaveLength(2);
});

it('counts time on while nothing is sent, and marks the first packet after it', async () => {
  const { clips, comfort } = await loadSpeech();
  const clip = clips[0];
  if (!clip) throw new Error('no clip');
  const microphone = new SpeakingMicrophone(comfort, () => 0.5);
  const packets = Array.from({ length: 100 }, (_, index) => {
    if (index === 55) microphone.speak(clip, 10);
    return microphone.next().map((packet) => ({ ...packet, index }));
  }).flat();
  const [first] = packets;
  if (!first) throw new Error('nothing was sent');
  for (const { timestamp, index } of packets) {
    expect((timestamp - first.timestamp + 2 ** 32) % 2 ** 32).toBe((index - first.index) * 960);
  }
  expect(packets.filter(({ marker, index }) => marker && index >= 50 && index < 65).map(({ index }) => index)).toEqual([
    55,
  ]);
});

it.each([0, 1, 2])('clip %i is speech of a usual loudness that begins with a word and has pauses', async (index) => {
  const frames = (await loadSpeech()).clips[index]?.frames ?? [];
  const spoken = frames.filter(({ level }) => level < 50);
  const power = spoken.reduce((sum, { level }) => sum + 10 ** (-level / 10), 0) / spoken.length;
  expect(-10 * Math.log10(power)).toBeGreaterThan(22);
  expect(-10 * Math.log10(power)).toBeLessThan(30);
  // Whoever speaks is seen by his first ten packets.
  expect(frames.slice(0, 10).every(({ packet, level }) => packet && level < 50)).toBe(true);
  expect(frames.length - spoken.length).toBeGreaterThan(10);
});
