/**
 * Files that people send: what a client and its own homeserver say to each other about them. The homeserver stores
 * ciphertext of a known size and one of a few kinds; the name, the exact type and the key travel in the encrypted message.
 */
import Type, { type Static } from 'typebox';
import { Closed, Word } from './contract.ts';
import { type ErrorCode, HawserError } from './errors.ts';
import { AssetId } from './ids.ts';

/** No integer of JSON is exact beyond; it is 9 PB. */
const Bytes = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
/** ms since 1970 */
const Time = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

/** SHA-256 of the ciphertext, base64url. The last of 43 digits has four bits only. */
export const Sha256 = Type.String({ pattern: '^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$' });

/** What a file is, as coarsely as a policy needs it. The device says so; nobody can check it. */
export const ASSET_KINDS = ['image', 'audio', 'video', 'text', 'document', 'archive', 'program', 'other'] as const;
export const AssetKind = Word(...ASSET_KINDS);
export type AssetKind = (typeof ASSET_KINDS)[number];

/** The largest body of one `PATCH`, bytes: more in one request wins nothing, and is lost time where the connection is. */
export const MAX_PART = 16 * 1024 * 1024;

/** `GET assets/policy`: what the organisation accepts, told before anything is sent or fetched. */
export const AssetPolicy = Closed({
  /** Of one file before it is encrypted. */
  maxBytes: Bytes,
  kinds: Type.Array(AssetKind, { maxItems: ASSET_KINDS.length, uniqueItems: true }),
  /** Of all files of the caller, encrypted. */
  quotaBytes: Bytes,
  usedBytes: Bytes,
  maxPartBytes: Type.Integer({ minimum: 1, maximum: MAX_PART }),
  /** How long a file is kept; absent where it is kept until its sender deletes it. */
  keepDays: Type.Optional(Type.Integer({ minimum: 1 })),
});
export type AssetPolicy = Static<typeof AssetPolicy>;

/** `POST assets`: makes room for a file. */
export const NewAsset = Closed({
  /** Chosen by the device, 16 random bytes: the same one again finds the same upload, so that a lost answer costs nothing. */
  request: Type.String({ pattern: '^[A-Za-z0-9_-]{22}$' }),
  /** Of the ciphertext. */
  size: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
  kind: AssetKind,
});
export type NewAsset = Static<typeof NewAsset>;

/** Answer of `POST assets`, `GET assets/:asset/upload`, `PATCH assets/:asset?offset=` and `POST assets/:asset/complete`. */
export const AssetUpload = Closed({
  asset: AssetId,
  size: Bytes,
  /** How many bytes are on disk; the next part begins here. */
  received: Bytes,
  /** When an unfinished upload is thrown away unless something comes, or a finished one at the end of its time. */
  expires: Type.Optional(Time),
  /** Where it is complete. */
  sha256: Type.Optional(Sha256),
});
export type AssetUpload = Static<typeof AssetUpload>;

/** `PATCH assets/:asset?offset=1024`, with a body of `application/octet-stream` and its length. */
export const PartQuery = Closed({ offset: Type.String({ pattern: '^(?:0|[1-9][0-9]{0,14})$' }) });

/** `POST assets/:asset/complete` */
export const CompleteAsset = Closed({ sha256: Sha256 });
export type CompleteAsset = Static<typeof CompleteAsset>;

/** The fixed figures of the encrypted form; `docs/reference/encrypted-files.md` has all of it. */
export const SEALED = { header: 16, chunk: 256 * 1024, tag: 16 } as const;

/** Bytes of a file of `size` bytes once it is encrypted. An empty file has one chunk too. */
export function sealedSize(size: number): number {
  return SEALED.header + size + SEALED.tag * Math.max(1, Math.ceil(size / SEALED.chunk));
}

/** The reverse: bytes of the file before it was encrypted; undefined where no file has this size once it is. */
export function plainSize(sealed: number): number | undefined {
  const inside = sealed - SEALED.header;
  const size = inside - SEALED.tag * Math.ceil(inside / (SEALED.chunk + SEALED.tag));
  return size >= 0 && sealedSize(size) === sealed ? size : undefined;
}

/** Refusals whose sentence names the limit. */
export type LimitedCode = Extract<ErrorCode, 'HOME_ASSET_TOO_LARGE' | 'HOME_ASSET_QUOTA' | 'HOME_ASSET_UPLOADS'>;

const WITH_LIMIT: Readonly<Record<LimitedCode, (limit: number) => string>> = {
  HOME_ASSET_TOO_LARGE: (limit) => `Your organisation does not accept files over ${inWords(limit)}.`,
  HOME_ASSET_QUOTA: (limit) =>
    `Your organisation gives you ${inWords(limit)} for files, which is used up. Delete some of yours, then try again.`,
  HOME_ASSET_UPLOADS: (limit) =>
    `You have ${limit} unfinished uploads, which is the limit. Finish or delete some, then try again.`,
};

/** A refusal by a limit of the caller's own organisation. */
export class LimitRefusal extends HawserError {
  /** Bytes, or a count. */
  readonly limit: number;

  constructor(code: LimitedCode, limit: number) {
    super(code);
    this.limit = limit;
    this.message = WITH_LIMIT[code](limit);
  }
}

export function isLimited(code: ErrorCode): code is LimitedCode {
  return Object.hasOwn(WITH_LIMIT, code);
}

/** HOME_ASSET_OFFSET, with the byte at which the upload goes on. */
export class WrongOffset extends HawserError {
  readonly received: number;

  constructor(received: number) {
    super('HOME_ASSET_OFFSET', `at byte ${received}`);
    this.received = received;
  }
}

/** Why a file is not accepted by a policy, or undefined. @param size before it is encrypted, bytes */
export function refusalBy(
  policy: Pick<AssetPolicy, 'maxBytes' | 'kinds'>,
  { size, kind }: { size: number; kind: AssetKind },
): HawserError | undefined {
  if (size > policy.maxBytes) return new LimitRefusal('HOME_ASSET_TOO_LARGE', policy.maxBytes);
  return policy.kinds.includes(kind) ? undefined : new HawserError('HOME_ASSET_KIND', kind);
}

const UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB', 'PB'] as const;

/** `25 MB`, `1.5 GB`: in units of a thousand, as files are shown to people, rounded down so that no limit is overstated. */
export function inWords(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${Math.floor(value * 10) / 10} ${UNITS[unit]}`;
}
