/** Contents of every kind, at random, for property tests. */
import fc from 'fast-check';
import { toBase64Url } from '#signalling/base64.ts';
import {
  assetIdOf,
  type ConferenceId,
  type ConversationId,
  type DeviceId,
  type DomainName,
  type UserId,
  userIdOf,
} from '#signalling/ids.ts';
import { CALL_SIGNALS } from '../call-signal.ts';
import type { Attachment, Body, Content, EditableBody, StoredFile, Text } from '../content.ts';
import { STATUSES } from '../content.ts';
import { fileName } from '../file-name.ts';
import { MAX_DESCRIPTION_BYTES, MAX_EXPIRY, MAX_PICTURE_SIDE, MAX_TEXT_BYTES } from '../limits.ts';
import { type MessageId, messageIdFrom } from '../message-id.ts';
import { callUrl } from '../session.ts';

const DOMAIN = 'alpha.example' as DomainName;
export const ROOM = 'mimi://alpha.example/r/AAECAwQFBgcICQoLDA0ODw' as ConversationId;
export const user = (handle: string): UserId => userIdOf(DOMAIN, handle);

const binary = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const utf8 = new TextEncoder();

/** Well-formed, without NUL, in so many bytes. */
export const words = (maxBytes: number): fc.Arbitrary<string> =>
  fc
    .string({ unit: 'binary', maxLength: Math.floor(maxBytes / 4) })
    .map((text) => text.replaceAll('\0', ''))
    .filter((text) => utf8.encode(text).length <= maxBytes);

export const messageId: fc.Arbitrary<MessageId> = binary(31).map((rest) => {
  const id = messageIdFrom(Uint8Array.of(1, ...rest));
  if (id === undefined) throw new Error('32 bytes that begin with 1 are an id');
  return id;
});

export const text: fc.Arbitrary<Text> = fc.record({
  format: fc.constantFrom('plain', 'markdown'),
  text: fc.oneof(words(200), words(MAX_TEXT_BYTES)),
});

const token = fc.string({ unit: fc.constantFrom(...'AZaz09-_'), minLength: 22, maxLength: 22 });

const stored: fc.Arbitrary<StoredFile> = fc
  .record({
    asset: token.map((each) => assetIdOf(DOMAIN, each)),
    algorithm: fc.constantFrom('AES-128-GCM', 'AES-256-GCM', 'AES-256-GCM-STREAM'),
    nonce: binary(12),
    hash: binary(32),
    size: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    contentType: fc.constantFrom('image/png', 'video/mp4', 'application/octet-stream', 'text/plain;charset=utf-8'),
    key: binary(32),
  })
  .map(({ algorithm, key, nonce, ...rest }) => ({
    ...rest,
    algorithm,
    key: algorithm === 'AES-128-GCM' ? key.slice(0, 16) : key,
    nonce: algorithm === 'AES-256-GCM-STREAM' ? new Uint8Array() : nonce,
  }));

const side = fc.integer({ min: 1, max: MAX_PICTURE_SIDE });

export const attachment: fc.Arbitrary<Attachment> = fc
  .tuple(
    stored,
    fc.record(
      {
        name: words(400).map(fileName),
        description: words(MAX_DESCRIPTION_BYTES),
        inline: fc.boolean(),
        picture: fc.record({ width: side, height: side, preview: stored }, { requiredKeys: ['width', 'height'] }),
      },
      { requiredKeys: ['name', 'description', 'inline'] },
    ),
  )
  .map(([file, about]) => ({ ...file, ...about }));

const files: fc.Arbitrary<EditableBody> = fc.record(
  {
    kind: fc.constant('attachments' as const),
    attachments: fc.array(attachment, { minLength: 1, maxLength: 10 }),
    caption: text,
  },
  { requiredKeys: ['kind', 'attachments'] },
);

export const editable: fc.Arbitrary<EditableBody> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('text' as const), text }) },
  { weight: 1, arbitrary: files },
);

const session: fc.Arbitrary<Body> = fc
  .record({ call: token, description: words(200) })
  .map(({ call, description }) => ({
    kind: 'session',
    conference: call as ConferenceId,
    url: callUrl(ROOM, call as ConferenceId),
    description,
  }));

export const body: fc.Arbitrary<Body> = fc.oneof(
  { weight: 4, arbitrary: editable },
  { weight: 1, arbitrary: fc.constant<Body>({ kind: 'ping' }) },
  { weight: 1, arbitrary: session },
  {
    weight: 1,
    arbitrary: words(50).map((description): Body => ({ kind: 'session', url: 'https://call.example/1', description })),
  },
);

export const emojis = fc.uniqueArray(fc.constantFrom('❤️', '👍', '👍🏽', '🥳', '🏴󠁧󠁢󠁥󠁮󠁧󠁿', '👩🏽‍⚕️', 'é', '1️⃣', '🫩'), {
  minLength: 1,
  maxLength: 8,
});

/** ms since 1970: when the hub accepted all of them. */
export const AT = 1_800_000_000_000;

const expires = fc.oneof(
  fc.record({ after: fc.integer({ min: 0, max: MAX_EXPIRY }) }),
  fc.record({ at: fc.integer({ min: AT / 1000 - MAX_EXPIRY, max: AT / 1000 + MAX_EXPIRY }) }),
);

const settings = fc.record(
  { archived: fc.boolean(), muted: fc.constantFrom('nothing', 'all-but-mentions', 'all'), readUpTo: messageId },
  { requiredKeys: [] },
);

const PERSON = 'mimi://beta.example/u/bob' as UserId;
const compared = fc
  .record({ name: token, key: fc.uint8Array({ minLength: 32, maxLength: 32 }) })
  .map(({ name, key }) => ({ device: `${PERSON}/d/${name}` as DeviceId, fingerprint: toBase64Url(key) }));

export const content: fc.Arbitrary<Content> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record(
      { kind: fc.constant('message' as const), body, replyTo: messageId, expires },
      { requiredKeys: ['kind', 'body'] },
    ),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('edit' as const), target: messageId, body: editable }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('delete' as const), target: messageId }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reaction' as const), target: messageId, emojis }) },
  {
    weight: 1,
    arbitrary: fc.record(
      { kind: fc.constant('unreact' as const), reaction: messageId, target: messageId },
      { requiredKeys: ['kind', 'reaction'] },
    ),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('report' as const),
      reports: fc.uniqueArray(fc.record({ message: messageId, status: fc.constantFrom(...STATUSES) }), {
        selector: ({ message }) => message,
        maxLength: 20,
      }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('typing' as const), active: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('call' as const),
      conference: token as fc.Arbitrary<ConferenceId>,
      signal: fc.constantFrom(...CALL_SIGNALS),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('settings' as const), conversation: fc.constant(ROOM), settings }),
  },
  {
    weight: 1,
    arbitrary: fc.record(
      {
        kind: fc.constant('compared' as const),
        devices: fc.array(compared, { maxLength: 5 }),
        withdrawn: fc.constant(PERSON),
      },
      { requiredKeys: ['kind', 'devices'] },
    ),
  },
);
