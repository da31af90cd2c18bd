/** From a container to what it says. */
import { HawserError } from '#signalling/errors.ts';
import { attachmentOf, type FilePart } from './attachment.ts';
import { callOf } from './call-signal.ts';
import { comparedOf } from './compared.ts';
import { type Container, DISPOSITION, type Part, type SinglePart, type WireExpiry } from './container.ts';
import type { Attachment, Body, Content, EditableBody, Expiry, Text } from './content.ts';
import { isEmoji } from './emoji.ts';
import { CALL, COMPARED, checkExtensions, type Origin, PICTURES, PING, SETTINGS, TYPING } from './extensions.ts';
import { MAX_ATTACHMENTS, MAX_EMOJI_BYTES, MAX_EMOJIS, MAX_EXPIRY, MAX_TEXT_BYTES } from './limits.ts';
import { STATUS, textFormat } from './media-type.ts';
import { type Sizes, sizesOf } from './picture.ts';
import { decodeReports } from './report.ts';
import { sessionOf } from './session.ts';
import { settingsOf } from './settings.ts';
import { textOf } from './text.ts';

/**
 * What the container says.
 * @param at ms since 1970: when the hub accepted it
 * @throws {HawserError} CONTENT_FOREIGN, CONTENT_UNSUPPORTED, CONTENT_MALFORMED, CONTENT_TEXT, CONTENT_TOO_LARGE,
 *   CONTENT_DUPLICATE_KEY
 */
export function interpret(container: Container, origin: Origin, at: number): Content {
  const { extensions, body, replaces: target, inReplyTo } = container;
  checkExtensions(extensions, origin);
  const typing = extensions.get(TYPING);
  if (typing !== undefined) return typingOf(typing);
  const settings = extensions.get(SETTINGS);
  if (settings !== undefined) return { kind: 'settings', ...settingsOf(settings) };
  const compared = extensions.get(COMPARED);
  if (compared !== undefined) return { kind: 'compared', ...comparedOf(compared) };
  const call = extensions.get(CALL);
  if (call !== undefined) {
    const answer = callOf(call);
    return answer ? { kind: 'call', ...answer } : { kind: 'nothing' };
  }
  if (body.kind === 'null') return emptyOf(container);
  if (body.disposition === DISPOSITION.reaction) return reactionOf(container);
  if (body.kind === 'single' && body.contentType === STATUS) {
    return { kind: 'report', reports: decodeReports(body.content) };
  }
  const sizes = sizesOf(extensions.get(PICTURES));
  if (target !== undefined) return { kind: 'edit', target, body: editable(bodyOf(body, origin, sizes)) };
  const expires = container.expires === undefined ? undefined : expiryOf(container.expires, at);
  return {
    kind: 'message',
    body: extensions.get(PING) === true ? { kind: 'ping' } : bodyOf(body, origin, sizes),
    ...(inReplyTo !== undefined && { replyTo: inReplyTo }),
    ...(expires !== undefined && { expires }),
  };
}

function typingOf(item: unknown): Content {
  if (typeof item !== 'boolean') throw new HawserError('CONTENT_MALFORMED', 'typing');
  return { kind: 'typing', active: item };
}

/** A message without a part takes something back, or is a signal that is not known yet. */
function emptyOf({ body, replaces, inReplyTo }: Container): Content {
  if (replaces === undefined) return { kind: 'nothing' };
  if (body.disposition !== DISPOSITION.reaction) return { kind: 'delete', target: replaces };
  return { kind: 'unreact', reaction: replaces, ...(inReplyTo !== undefined && { target: inReplyTo }) };
}

function reactionOf({ body, replaces, inReplyTo: target }: Container): Content {
  if (target === undefined) throw new HawserError('CONTENT_MALFORMED', 'a reaction to nothing');
  // One is taken back and another made instead: two messages, of which each can be taken back by itself.
  if (replaces !== undefined) throw new HawserError('CONTENT_UNSUPPORTED', 'a reaction in the place of another');
  const parts = (leavesOf(body) ?? []).filter((leaf) => leaf.kind === 'single');
  const emojis = [...new Set(parts.map(({ content }) => textOf(content, MAX_EMOJI_BYTES)))];
  if (emojis.length === 0) throw new HawserError('CONTENT_UNSUPPORTED', 'a reaction');
  if (emojis.length > MAX_EMOJIS) throw new HawserError('CONTENT_TOO_LARGE', 'reactions');
  if (!emojis.every(isEmoji)) throw new HawserError('CONTENT_MALFORMED', 'a reaction of more than one sign');
  return { kind: 'reaction', target, emojis };
}

/** Section 9.1: an expiry of more than a year from now, or a year ago, is nobody's intention. */
function expiryOf({ relative, time }: WireExpiry, at: number): Expiry {
  const distance = relative ? time : Math.abs(time - at / 1000);
  if (distance > MAX_EXPIRY) throw new HawserError('CONTENT_MALFORMED', 'the expiry');
  return relative ? { after: time } : { at: time };
}

type Leaf = SinglePart | FilePart;

/** Hints that stand beside what they belong to, and are not the message. */
const ASIDE: ReadonlySet<number> = new Set([DISPOSITION.profile, DISPOSITION.icon, DISPOSITION.preview]);

/**
 * The parts to show, in order; undefined where this version understands nothing, or too little, of it. Of alternatives the
 * sender's first one that is understood.
 */
function leavesOf(part: Part): readonly Leaf[] | undefined {
  if (ASIDE.has(part.disposition)) return [];
  switch (part.kind) {
    case 'null':
      return [];
    case 'single':
      return textFormat(part.contentType) === undefined ? undefined : [part];
    case 'external':
      return part.disposition === DISPOSITION.session || attachmentOf(part) !== undefined ? [part] : undefined;
    case 'multi': {
      const each = part.parts.map(leavesOf);
      if (part.semantics === 'chooseOne') return each.find((leaves) => leaves !== undefined && leaves.length > 0);
      if (part.semantics === 'singleUnit' && each.includes(undefined)) return undefined;
      const understood = each.filter((leaves) => leaves !== undefined);
      return understood.length === 0 ? undefined : withPreview(understood.flat(), part.parts);
    }
  }
}

/** A small picture belongs to the one file beside which it stands. */
function withPreview(leaves: readonly Leaf[], parts: readonly Part[]): readonly Leaf[] {
  const [file, more] = leaves;
  const preview = parts.find(({ disposition }) => disposition === DISPOSITION.preview);
  if (file?.kind !== 'external' || more !== undefined || preview?.kind !== 'external') return leaves;
  return [{ ...file, preview }];
}

function bodyOf(part: Part, { room }: Origin, sizes: Sizes): Body {
  const leaves = leavesOf(part) ?? [];
  const attachments: Attachment[] = [];
  const texts: Text[] = [];
  for (const leaf of leaves) {
    if (leaf.kind === 'single') {
      const format = textFormat(leaf.contentType);
      if (format !== undefined) texts.push({ format, text: textOf(leaf.content, MAX_TEXT_BYTES) });
    } else if (leaf.disposition === DISPOSITION.session) {
      const session = sessionOf(leaf, room);
      if (session !== undefined) return session;
    } else {
      const attachment = attachmentOf(leaf, sizes);
      if (attachment !== undefined) attachments.push(attachment);
    }
  }
  if (attachments.length > MAX_ATTACHMENTS) throw new HawserError('CONTENT_TOO_LARGE', 'attachments');
  const text = joined(texts);
  if (attachments.length > 0) return { kind: 'attachments', attachments, ...(text !== undefined && { caption: text }) };
  return text === undefined ? otherOf(part) : { kind: 'text', text };
}

const NOTHING: Body = { kind: 'other', contentType: '', description: '' };

/** Several texts are paragraphs of one. It is plain where one of them is, because plain text is not written in Markdown. */
function joined(texts: readonly Text[]): Text | undefined {
  const [first] = texts;
  if (first === undefined) return undefined;
  const format = texts.every((each) => each.format === 'markdown') ? 'markdown' : 'plain';
  return { format, text: texts.map(({ text }) => text).join('\n\n') };
}

function otherOf(part: Part): Body {
  switch (part.kind) {
    case 'single':
      return { kind: 'other', contentType: part.contentType, description: '' };
    case 'external':
      return { kind: 'other', contentType: part.contentType, description: part.description };
    case 'multi':
      return part.parts.map(otherOf)[0] ?? NOTHING;
    case 'null':
      return NOTHING;
  }
}

function editable(body: Body): EditableBody {
  if (body.kind === 'text' || body.kind === 'attachments') return body;
  throw new HawserError('CONTENT_UNSUPPORTED', 'the new version of a message');
}
