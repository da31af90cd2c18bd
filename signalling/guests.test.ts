import { expect, test } from 'vitest';
import { guestNameOf } from './guests.ts';

test('a name is what names are made of', () => {
  for (const name of ['Nina', 'Nina 2', "Conor O'Shea", 'J. R. Núñez-Ortiz', 'Ольга', '山田 太郎', 'नीना']) {
    expect(guestNameOf(name)).toBe(name);
  }
  expect(guestNameOf('  Nina \t of\nAlpha ')).toBe('Nina of Alpha');
  expect(guestNameOf('Jose\u0301')).toBe('José');
});

test('nothing in it can be taken for a mark of the page, or another address', () => {
  const bad = ['', ' ', 'Alice ✓', '🔒 Alice', 'Alice, guest of beta.example', '@alice', 'alice@alpha.example'];
  const hidden = ['Ali\u202ece', 'Ali\u200bce', 'Ali\u0007ce', '\u0301Alice', 'Alice (host)', 'Alice\ud800'];
  for (const name of [...bad, ...hidden]) expect(guestNameOf(name), name).toBeUndefined();
});

test('it is as long as it may be, and not longer', () => {
  expect(guestNameOf('N'.repeat(40))).toBeDefined();
  expect(guestNameOf('N'.repeat(41))).toBeUndefined();
});
