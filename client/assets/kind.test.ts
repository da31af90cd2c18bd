import { expect, it } from 'vitest';
import { fileNameOf, parseAttachment } from './attachment.ts';
import { fromBase64url, toBase64url } from './base64url.ts';
import { kindOf, shownType } from './kind.ts';

it.each([
  ['image/png', 'a.png', 'image'],
  ['IMAGE/PNG; q=1', 'a', 'image'],
  ['audio/ogg', 'a', 'audio'],
  ['video/mp4', 'a', 'video'],
  ['text/plain', 'a.txt', 'text'],
  ['application/pdf', 'a.pdf', 'document'],
  ['application/vnd.openxmlformats-officedocument.wordprocessingml.document', 'a.docx', 'document'],
  ['application/zip', 'a.zip', 'archive'],
  ['application/x-msdownload', 'a', 'program'],
  ['image/png', 'a.png.exe ', 'program'],
  ['', '', 'other'],
  ['application/octet-stream', 'a.bin', 'other'],
])('%j named %j is of the kind %s', (type, name, kind) => expect(kindOf(type, name)).toBe(kind));

it('shows no type that could run something', () => {
  expect(shownType('image/png')).toBe('image/png');
  expect(shownType('video/mp4; codecs=avc1')).toBe('video/mp4');
  for (const type of ['text/html', 'image/svg+xml', 'application/xhtml+xml', 'application/pdf', 'text/xml', '']) {
    expect(shownType(type)).toBe('application/octet-stream');
  }
});

it.each([
  ['../../etc/passwd', 'passwd'],
  ['C:\\Windows\\a.txt', 'a.txt'],
  ['photo_\u202egpj.exe', 'photo_gpj.exe'],
  ['.bashrc', 'bashrc'],
  ['a\u0000b\n.txt', 'ab.txt'],
  ['..', 'file'],
  ['', 'file'],
  ['Übersicht 1 (neu).pdf', 'Übersicht 1 (neu).pdf'],
])('saves %j as %j', (name, saved) => expect(fileNameOf({ name })).toBe(saved));

it('parses what came with a message, or refuses it', () => {
  const right = {
    asset: 'mimi://alpha.example/a/AAECAwQFBgcICQoLDA0ODw',
    key: toBase64url(new Uint8Array(32).fill(7)),
    size: 5,
    hash: toBase64url(new Uint8Array(32)),
    name: 'a',
    contentType: 'text/plain',
  };
  expect(parseAttachment(right).keyBytes).toEqual(new Uint8Array(32).fill(7));
  const wrongs = [
    undefined,
    'a',
    { ...right, more: 1 },
    { ...right, asset: 'https://evil.example/a' },
    { ...right, key: `${right.key}A` },
    { ...right, key: `${right.key.slice(0, -1)}d` },
    { ...right, size: -1 },
    { ...right, size: 0.5 },
    { ...right, hash: 'x' },
    { ...right, name: 'x'.repeat(256) },
  ];
  for (const wrong of wrongs) expect(() => parseAttachment(wrong)).toThrow('not the file');
});

it('reads base64url in its one spelling', () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
  expect(fromBase64url(toBase64url(bytes), 256)).toEqual(bytes);
  expect(toBase64url(bytes)).toBe(Buffer.from(bytes).toString('base64url'));
  for (const wrong of ['', 'AB', 'A+==', 'AA==', 'A A', 'é']) expect(fromBase64url(wrong, 1)).toBeUndefined();
});
