import { expect, it } from 'vitest';
import { loadClips } from './clips.ts';
import { isSpeech, Microphone } from './microphone.ts';

const { microphone: clip } = await loadClips();

it('sends a frame each 20 ms to who speaks, loud, and a comfort frame each 400 ms in silence', () => {
  const microphone = new Microphone(clip, () => 0.4);
  const frames = (count: number, isSpeaking: boolean) =>
    Array.from({ length: count }, () => microphone.next(isSpeaking)).flat();
  const silence = frames(100, false);
  expect(silence).toHaveLength(5);
  expect(silence.every(({ payload, audioLevel }) => payload.length <= 3 && audioLevel === 127)).toBe(true);
  const speech = frames(200, true);
  expect(speech).toHaveLength(200);
  expect(speech.map(({ marker }) => marker)).toEqual(speech.map((_, index) => index === 0));
  for (const { audioLevel } of speech) expect(audioLevel).toBeLessThan(40);
  expect(new Set(speech.map(({ audioLevel }) => audioLevel)).size).toBeGreaterThan(1);
  expect(frames(20, false)).toHaveLength(1);
});

it('counts time on through silence, so that the listener knows how long it was', () => {
  const microphone = new Microphone(clip, () => 0);
  const stamps = [true, false, false, true].flatMap((speaks) =>
    microphone.next(speaks).map(({ timestamp }) => timestamp),
  );
  expect(stamps).toEqual([0, 960, 2_880]);
});

it('tells speech from comfort noise by size', () => {
  for (const { data } of clip.frames) expect(isSpeech(data)).toBe(true);
  for (const { payload } of new Microphone(clip, () => 0).next(false)) expect(isSpeech(payload)).toBe(false);
});
