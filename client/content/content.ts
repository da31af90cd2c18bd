/** What a message says, as one of a few kinds. Everything in the SDK and the page speaks of these, never of the container. */
import type { AssetId, ConferenceId, ConversationId, DeviceId, UserId } from '#signalling/ids.ts';
import type { CallAnswer } from './call-signal.ts';
import type { MessageId } from './message-id.ts';

/** Mentions are links in Markdown (`[@Alice](mimi://alpha.example/u/alice)`), so that they cannot disagree with the text. */
export interface Text {
  readonly format: 'plain' | 'markdown';
  readonly text: string;
}

/** A file in the store of a homeserver, encrypted before it was uploaded; what opens it is here only. */
export interface StoredFile {
  readonly asset: AssetId;
  /** `AES-256-GCM-STREAM` is what this software sends (`docs/reference/encrypted-files.md`). */
  readonly algorithm: 'AES-128-GCM' | 'AES-256-GCM' | 'AES-256-GCM-STREAM';
  /** 16 or 32 bytes, as the algorithm says. */
  readonly key: Uint8Array;
  /** 12 bytes; none where the file begins with it, as in `AES-256-GCM-STREAM`. */
  readonly nonce: Uint8Array;
  /** SHA-256 of the file as it is stored, that is, encrypted: it can be checked before anything is opened. */
  readonly hash: Uint8Array;
  /** Bytes of the file as it is stored. */
  readonly size: number;
  readonly contentType: string;
}

/** What is known of a picture before it is fetched. */
export interface Picture {
  /** Pixels, 1 to `MAX_PICTURE_SIDE`, as it is seen when its orientation was heeded. */
  readonly width: number;
  readonly height: number;
  /** The same picture, small. */
  readonly preview?: StoredFile;
}

export interface Attachment extends StoredFile {
  /** Safe to be shown and to be saved under; see `fileName`. */
  readonly name: string;
  readonly description: string;
  /** Whether the sender would have it shown in the conversation: a picture, a voice message. */
  readonly inline: boolean;
  readonly picture?: Picture;
}

export type Expiry = { readonly after: number } | { readonly at: number };

/** What is shown of a message. */
export type Body =
  | { readonly kind: 'text'; readonly text: Text }
  | { readonly kind: 'attachments'; readonly attachments: readonly Attachment[]; readonly caption?: Text }
  | { readonly kind: 'ping' }
  /** A call. `conference` where it is one of this conversation; else somewhere on the web. */
  | { readonly kind: 'session'; readonly conference?: ConferenceId; readonly url: string; readonly description: string }
  /** What this version cannot show. */
  | { readonly kind: 'other'; readonly contentType: string; readonly description: string };

/** What can be put in the place of what was said before. */
export type EditableBody = Extract<Body, { readonly kind: 'text' | 'attachments' }>;

/** How a message fares with somebody (draft-mahy-mimi-message-status-01, section 3). */
export const STATUSES = ['unread', 'delivered', 'read', 'expired', 'deleted', 'hidden', 'error'] as const;
export type Status = (typeof STATUSES)[number];

export interface Report {
  readonly message: MessageId;
  readonly status: Status;
}

/** What a person set on one device and wants on all; only his own devices are told. */
export interface Settings {
  readonly archived?: boolean;
  readonly muted?: 'nothing' | 'all-but-mentions' | 'all';
  /** Everything up to this message was read. */
  readonly readUpTo?: MessageId;
}

/** A device, and the fingerprint of the key with which it was compared: SHA-256, base64url. */
export interface ComparedDevice {
  readonly device: DeviceId;
  readonly fingerprint: string;
}

export interface Comparison {
  readonly devices: readonly ComparedDevice[];
  /** What was compared of this person before counts no longer. */
  readonly withdrawn?: UserId;
}

export type Content =
  | {
      readonly kind: 'message';
      readonly body: Body;
      readonly replyTo?: MessageId;
      /** Seconds: `after` it was read, or `at` a time since 1970. */
      readonly expires?: Expiry;
    }
  /** The new body of a message of the same sender. `target` is its first version. */
  | { readonly kind: 'edit'; readonly target: MessageId; readonly body: EditableBody }
  /** Takes a message back, for everybody. */
  | { readonly kind: 'delete'; readonly target: MessageId }
  | { readonly kind: 'reaction'; readonly target: MessageId; readonly emojis: readonly string[] }
  /** Takes a reaction back; `reaction` is the message that made it, `target` the one that it was about. */
  | { readonly kind: 'unreact'; readonly reaction: MessageId; readonly target?: MessageId }
  | { readonly kind: 'report'; readonly reports: readonly Report[] }
  | { readonly kind: 'typing'; readonly active: boolean }
  /** About a call that rings. */
  | ({ readonly kind: 'call' } & CallAnswer)
  | { readonly kind: 'settings'; readonly conversation: ConversationId; readonly settings: Settings }
  /** Whose devices this person compared, or does not trust any more; only his own devices are told. */
  | ({ readonly kind: 'compared' } & Comparison)
  /** A signal of a later version that may be passed over. */
  | { readonly kind: 'nothing' };

export type ContentKind = Content['kind'];
