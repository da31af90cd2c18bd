import { expect, test } from 'vitest';
import { applyHunks, parseDiff } from './unified-diff.ts';

const patch = `Why it is there, for people.

--- a/src/a.js
+++ b/src/a.js
@@ -1,3 +1,4 @@
 one
-two
+2
+2.5
 three
@@ -6,2 +7,2 @@
 six
-seven
+7
--- a/package.json
+++ b/package.json
@@ -1 +1 @@
-{}
+{"patched":true}
`;

test('reads the files and hunks of a patch, and applies them', () => {
  const [first, second] = parseDiff(patch);
  expect([first?.path, second?.path]).toEqual(['src/a.js', 'package.json']);
  expect(applyHunks('one\ntwo\nthree\nfour\nfive\nsix\nseven\n', first?.hunks ?? [])).toBe(
    'one\n2\n2.5\nthree\nfour\nfive\nsix\n7\n',
  );
  expect(applyHunks('{}\n', second?.hunks ?? [])).toBe('{"patched":true}\n');
});

test('refuses a text that is not the one of the patch, also one that is patched already', () => {
  const hunks = parseDiff(patch)[0]?.hunks ?? [];
  expect(() => applyHunks('one\ntwo\ntree\n', hunks)).toThrow('does not fit');
  expect(() => applyHunks('one\n2\n2.5\nthree\nfour\nfive\nsix\n7\n', hunks)).toThrow('does not fit');
});

test('refuses what is no patch, ends early or leads out of the package', () => {
  expect(() => parseDiff('nothing')).toThrow('changes nothing');
  expect(() => parseDiff(patch.slice(0, 90))).toThrow();
  expect(() => parseDiff(patch.replaceAll('src/a.js', '../a.js'))).toThrow('leads out');
});
