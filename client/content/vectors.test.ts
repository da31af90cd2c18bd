import { expect, it } from 'vitest';
import { parseAssetId } from '#signalling/ids.ts';
import { fromBase64url } from './base64url.ts';
import { decodeContent } from './codec.ts';
import { decodeContainer, encodeContainer } from './container.ts';
import { messageIdFrom, messageIdOf } from './message-id.ts';
import { decodeReports, encodeReports } from './report.ts';
import { ALICE, BOB, CATHY, IDS, ROOM, STATUS_VECTOR, VECTORS } from './testing/vectors.ts';

const toHex = (bytes: Uint8Array) => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
const id = (hex: string) => messageIdFrom(Uint8Array.from(hex.match(/../g) ?? [], (each) => Number.parseInt(each, 16)));
const at = 1_644_387_225_019;

it.each(VECTORS)('reads, writes and names the draft’s example: $name', async ({ sender, bytes, id: expected }) => {
  const container = decodeContainer(bytes);
  expect(toHex(encodeContainer(container))).toBe(toHex(bytes));
  expect(toHex(fromBase64url(await messageIdOf(sender, ROOM, bytes, container.salt)))).toBe(expected);
});

it('understands what the examples say', async () => {
  const said = new Map<string, unknown>();
  for (const { name, sender, bytes } of VECTORS) {
    if (name === 'multipart2') continue;
    said.set(name, (await decodeContent(bytes, { sender, room: ROOM }, at)).content);
  }
  const text = (words: string) => ({ kind: 'text', text: { format: 'markdown', text: words } });
  const replyTo = id(IDS.original);
  expect(Object.fromEntries(said)).toEqual({
    original: { kind: 'message', body: text('Hi everyone, we just shipped release 2.0. __Good  work__!') },
    reply: { kind: 'message', body: text("Right on! _Congratulations_ 'all!"), replyTo },
    reaction: { kind: 'reaction', target: replyTo, emojis: ['❤'] },
    mention: {
      kind: 'message',
      body: text(`Kudos to [@Alice Smith](${ALICE}) for making the release happen!`),
      replyTo,
    },
    edit: { kind: 'edit', target: id(IDS.reply), body: text("Right on! _Congratulations_ y'all!") },
    delete: { kind: 'delete', target: id(IDS.reply) },
    unlike: { kind: 'unreact', reaction: id(IDS.reaction), target: replyTo },
    expiring: {
      kind: 'message',
      body: text("__*VPN GOING DOWN*__ I'm rebooting the VPN in ten minutes unless anyone objects."),
      expires: { at: 1_644_390_004 },
    },
    // It lies on the web, where fetching it would show who reads.
    attachment: {
      kind: 'message',
      body: { kind: 'other', contentType: 'video/mp4', description: '2 hours of key signing video' },
    },
    conferencing: {
      kind: 'message',
      body: { kind: 'session', url: 'https://example.com/join/12345', description: 'Join the Foo 118 conference' },
    },
    multipart1: { kind: 'message', body: text('# Welcome!') },
    // Pages of the web are not shown; neither are pictures that are not encrypted files.
    multipart3: { kind: 'message', body: { kind: 'other', contentType: 'text/html;charset=utf-8', description: '' } },
  });
  expect(parseAssetId('https://example.com/storage/8ksB4bSrrRE.mp4')).toBeUndefined();
});

it('refuses the example that reacts to nothing', async () => {
  const vector = VECTORS.find(({ name }) => name === 'multipart2');
  const decoded = decodeContent(vector?.bytes ?? new Uint8Array(), { sender: ALICE, room: ROOM }, at);
  await expect(decoded).rejects.toMatchObject({ code: 'CONTENT_MALFORMED' });
});

it('refuses an example from somebody else, or for another conversation', async () => {
  const [original] = VECTORS;
  for (const origin of [
    { sender: BOB, room: ROOM },
    { sender: ALICE, room: `${ROOM}s` as typeof ROOM },
  ]) {
    const decoded = decodeContent(original?.bytes ?? new Uint8Array(), origin, at);
    await expect(decoded).rejects.toMatchObject({ code: 'CONTENT_FOREIGN' });
  }
  expect(CATHY).not.toBe(BOB);
});

it('reads and writes the example of a report', () => {
  const reports = decodeReports(STATUS_VECTOR);
  expect(reports).toEqual([
    { message: id(IDS.original), status: 'read' },
    { message: id(IDS.reply), status: 'read' },
    { message: id(IDS.mention), status: 'unread' },
    { message: id(IDS.expiring), status: 'expired' },
  ]);
  expect(encodeReports(reports)).toEqual(STATUS_VECTOR);
});
