/** Reactions that are offered, with the name that is read out. The first ones stand in the bar. */
export const EMOJIS: readonly (readonly [emoji: string, name: string])[] = [
  ['👍', 'thumbs up'],
  ['❤️', 'heart'],
  ['😂', 'laughing'],
  ['🎉', 'party'],
  ['😮', 'astonished'],
  ['😢', 'sad'],
  ['🙏', 'thank you'],
  ['👀', 'looking'],
  ['✅', 'done'],
  ['❌', 'no'],
  ['➕', 'plus one'],
  ['❓', 'question'],
  ['🔥', 'fire'],
  ['🚀', 'rocket'],
  ['💯', 'a hundred'],
  ['👏', 'applause'],
  ['🤔', 'thinking'],
  ['😄', 'smiling'],
  ['😉', 'winking'],
  ['😅', 'relieved'],
  ['😭', 'crying'],
  ['😡', 'angry'],
  ['👎', 'thumbs down'],
  ['⚓', 'anchor'],
];

export function emojiName(emoji: string): string {
  return EMOJIS.find(([each]) => each === emoji)?.[1] ?? emoji;
}
