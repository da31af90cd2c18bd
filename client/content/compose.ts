/** From what is to be said to the parts that say it. */
import { HawserError } from '#signalling/errors.ts';
import { attachmentPart } from './attachment.ts';
import { callItem } from './call-signal.ts';
import type { Cbor, CborKey } from './cbor.ts';
import { comparedItem } from './compared.ts';
import { type Container, DISPOSITION, type NullPart, type Part, type SinglePart } from './container.ts';
import type { Body, Content, Expiry, Text } from './content.ts';
import { isEmoji } from './emoji.ts';
import { CALL, COMPARED, type Origin, originExtensions, PICTURES, PING, SETTINGS, TYPING } from './extensions.ts';
import { MAX_ATTACHMENTS, MAX_EMOJI_BYTES, MAX_EMOJIS, MAX_EXPIRY, MAX_TEXT_BYTES } from './limits.ts';
import { MARKDOWN, PLAIN, STATUS } from './media-type.ts';
import { picturesItem } from './picture.ts';
import { encodeReports } from './report.ts';
import { sessionPart } from './session.ts';
import { settingsItem } from './settings.ts';
import { utf8Of } from './text.ts';

/**
 * @param salt 16 bytes that nobody can foresee
 * @param now ms since 1970
 * @throws {HawserError} CONTENT_TEXT, CONTENT_TOO_LARGE; CONTENT_MALFORMED for what every reader would refuse; CONTENT_UNSUPPORTED
 *   for what can be read only
 */
export function compose(content: Content, origin: Origin, salt: Uint8Array, now: number): Container {
  const extensions = new Map<CborKey, Cbor>(originExtensions(origin));
  const empty = { salt, topic: new Uint8Array(), extensions };
  switch (content.kind) {
    case 'message': {
      if (content.body.kind === 'ping') extensions.set(PING, true);
      addPictures(extensions, content.body);
      const { replyTo, expires } = content;
      return {
        ...empty,
        body: bodyPart(content.body),
        ...(expires !== undefined && { expires: wireExpiry(expires, now) }),
        ...(replyTo !== undefined && { inReplyTo: replyTo }),
      };
    }
    case 'edit':
      addPictures(extensions, content.body);
      return { ...empty, replaces: content.target, body: bodyPart(content.body) };
    case 'delete':
      return { ...empty, replaces: content.target, body: nullPart(DISPOSITION.render) };
    case 'reaction':
      return { ...empty, inReplyTo: content.target, body: reactionPart(content.emojis) };
    case 'unreact': {
      const { reaction, target } = content;
      const body = nullPart(DISPOSITION.reaction);
      return { ...empty, replaces: reaction, ...(target !== undefined && { inReplyTo: target }), body };
    }
    case 'report': {
      const bytes = encodeReports(content.reports);
      return { ...empty, body: singlePart(DISPOSITION.unspecified, STATUS, bytes) };
    }
    case 'typing':
      extensions.set(TYPING, content.active);
      return { ...empty, body: nullPart(DISPOSITION.unspecified) };
    case 'call':
      extensions.set(CALL, callItem(content));
      return { ...empty, body: nullPart(DISPOSITION.unspecified) };
    case 'settings':
      extensions.set(SETTINGS, settingsItem(content.conversation, content.settings));
      return { ...empty, body: nullPart(DISPOSITION.unspecified) };
    case 'compared':
      extensions.set(COMPARED, comparedItem(content));
      return { ...empty, body: nullPart(DISPOSITION.unspecified) };
    case 'nothing':
      throw new HawserError('CONTENT_UNSUPPORTED');
  }
}

function addPictures(extensions: Map<CborKey, Cbor>, body: Body): void {
  const item = body.kind === 'attachments' ? picturesItem(body.attachments) : undefined;
  if (item !== undefined) extensions.set(PICTURES, item);
}

function nullPart(disposition: number): NullPart {
  return { kind: 'null', disposition, language: '' };
}

function singlePart(disposition: number, contentType: string, content: Uint8Array): SinglePart {
  return { kind: 'single', disposition, language: '', contentType, content };
}

function severalParts(disposition: number, parts: readonly Part[]): Part {
  const [first] = parts;
  if (first !== undefined && parts.length === 1) return first;
  return { kind: 'multi', disposition, language: '', semantics: 'processAll', parts };
}

function textPart({ format, text }: Text): SinglePart {
  const type = format === 'plain' ? PLAIN : MARKDOWN;
  return singlePart(DISPOSITION.render, type, utf8Of(text, MAX_TEXT_BYTES));
}

function bodyPart(body: Body): Part {
  switch (body.kind) {
    case 'text':
      return textPart(body.text);
    case 'attachments': {
      const { attachments, caption } = body;
      if (attachments.length === 0) throw new HawserError('CONTENT_MALFORMED', 'attachments');
      if (attachments.length > MAX_ATTACHMENTS) throw new HawserError('CONTENT_TOO_LARGE', 'attachments');
      const files = attachments.map(attachmentPart);
      return severalParts(DISPOSITION.render, caption === undefined ? files : [textPart(caption), ...files]);
    }
    // Who does not know pings sees a word.
    case 'ping':
      return textPart({ format: 'plain', text: 'Ping' });
    case 'session':
      return sessionPart(body);
    case 'other':
      throw new HawserError('CONTENT_UNSUPPORTED');
  }
}

function reactionPart(emojis: readonly string[]): Part {
  if (emojis.length > MAX_EMOJIS) throw new HawserError('CONTENT_TOO_LARGE', 'reactions');
  if (emojis.length === 0 || new Set(emojis).size < emojis.length || !emojis.every(isEmoji)) {
    throw new HawserError('CONTENT_MALFORMED', 'a reaction');
  }
  const parts = emojis.map((emoji) => singlePart(DISPOSITION.reaction, PLAIN, utf8Of(emoji, MAX_EMOJI_BYTES)));
  return severalParts(DISPOSITION.reaction, parts);
}

function wireExpiry(expires: Expiry, now: number): { relative: boolean; time: number } {
  const [relative, time] = 'after' in expires ? [true, expires.after] : [false, expires.at];
  const distance = relative ? time : Math.abs(time - now / 1000);
  if (!Number.isInteger(time) || time < 0 || distance > MAX_EXPIRY) {
    throw new HawserError('CONTENT_MALFORMED', 'the expiry');
  }
  return { relative, time };
}
