/**
 * Files on their way into a conversation. Nothing leaves before a person has said so; then they are encrypted and uploaded one
 * after the other, and when all are on the homeserver's disk, one message says where they are. Until then they live in this object:
 * whoever closes the page gives them up.
 */
import { AssetPolicy, sealedSize } from '#signalling/assets.ts';
import type { AssetId, ConversationId } from '#signalling/ids.ts';
import type { Account } from '../account.ts';
import { fileNameOf } from '../assets/attachment.ts';
import { kindOf, shownType } from '../assets/kind.ts';
import { type Plan, planUpload } from '../assets/plan.ts';
import { upload } from '../assets/upload.ts';
import type { Attachment, Expiry, StoredFile, Text } from '../content/content.ts';
import { MAX_ATTACHMENTS } from '../content/limits.ts';
import type { MessageId } from '../content/message-id.ts';
import { DeviceError, type Failure, failureOf } from '../failure.ts';
import type { Messenger } from '../messenger.ts';
import { Store } from '../store.ts';
import { barePicture } from './picture/bare-picture.ts';
import { BYTES, storedFile } from './stored-file.ts';

/** A picture as it is shown before it is fetched. */
export interface Preview {
  readonly width: number;
  readonly height: number;
  /** Absent where the picture itself is small. */
  readonly image?: Blob;
}

export interface OutgoingFilesOptions {
  readonly account: Pick<Account, 'call' | 'callRaw'>;
  readonly messenger: Pick<Messenger, 'say' | 'home'>;
  /** Undefined where the file is no picture that this device can decode. */
  readonly preview: (file: Blob) => Promise<Preview | undefined>;
}

/** What is said with the files. */
export interface Beside {
  readonly caption?: Text;
  readonly replyTo?: MessageId;
  readonly expires?: Expiry;
}

/** Files of one message. */
export interface Sending {
  readonly id: number;
  readonly conversation: ConversationId;
  readonly names: readonly string[];
  /** Bytes of the encrypted files. */
  readonly done: number;
  readonly total: number;
  /** It stopped; what arrived is not sent again. */
  readonly failure?: Failure;
}

interface Batch {
  readonly id: number;
  readonly conversation: ConversationId;
  readonly beside: Beside;
  readonly files: Item[];
  readonly stop: AbortController;
}

interface Item {
  readonly file: File;
  /** What is sent of it: a picture without what its pixels do not need. */
  source?: Blob;
  /** Made once, and kept for going on: it holds the key. */
  plan?: Plan;
  preview?: Preview | undefined;
  previewFile?: StoredFile;
  attachment?: Attachment;
  /** Bytes of its ciphertext that are over. */
  done: number;
}

export class OutgoingFiles {
  readonly store = new Store<readonly Sending[]>([]);
  readonly #options: OutgoingFilesOptions;
  readonly #batches = new Map<number, Batch>();
  readonly #stopFollowing: () => void;
  #count = 0;

  constructor(options: OutgoingFilesOptions) {
    this.#options = options;
    const { store } = options.messenger.home;
    let { connected } = store.state;
    this.#stopFollowing = store.subscribe((state) => {
      if (state.connected && !connected) this.#goOn();
      connected = state.connected;
    });
  }

  /** What the organisation accepts. @throws HawserError where it cannot be asked */
  policy(): Promise<AssetPolicy> {
    return this.#options.account.call({ method: 'GET', path: 'assets/policy', answer: AssetPolicy });
  }

  /** Begins; how it goes is in the store. @throws DeviceError FILE_TOO_MANY */
  send(conversation: ConversationId, files: readonly File[], beside: Beside = {}): void {
    if (files.length > MAX_ATTACHMENTS) throw new DeviceError('FILE_TOO_MANY');
    const id = ++this.#count;
    const items = files.map((file): Item => ({ file, done: 0 }));
    const batch = { id, conversation, beside, files: items, stop: new AbortController() };
    this.#batches.set(id, batch);
    const total = files.reduce((sum, { size }) => sum + sealedSize(size), 0);
    const names = files.map((file) => fileNameOf(file));
    this.store.set([...this.store.state, { id, conversation, names, done: 0, total }]);
    void this.#run(batch);
  }

  /** Goes on with what failed, from where it stopped. */
  again(id: number): void {
    const batch = this.#batches.get(id);
    if (!batch || this.#shown(id)?.failure === undefined) return;
    this.#change(id, ({ failure: _over, ...rest }) => rest);
    void this.#run(batch);
  }

  /** Gives them up; what the homeserver has of them is deleted there. */
  async cancel(id: number): Promise<void> {
    const batch = this.#batches.get(id);
    if (!batch) return;
    this.#forget(id);
    batch.stop.abort(new DOMException('given up', 'AbortError'));
    const uploaded = batch.files.flatMap(({ attachment, previewFile }) => [attachment, previewFile]);
    await this.remove(uploaded.filter((each) => each !== undefined));
  }

  /** Deletes own files from the homeserver, as far as they are there. */
  async remove(files: readonly { readonly asset: AssetId }[]): Promise<void> {
    const { account } = this.#options;
    const path = (asset: AssetId) => `assets/${encodeURIComponent(asset)}`;
    await Promise.allSettled(files.map(({ asset }) => account.call({ method: 'DELETE', path: path(asset) })));
  }

  close(): void {
    this.#stopFollowing();
    for (const { id, stop } of [...this.#batches.values()]) {
      this.#forget(id);
      stop.abort(new DOMException('closed', 'AbortError'));
    }
  }

  async #run(batch: Batch): Promise<void> {
    const { id, conversation, beside, stop } = batch;
    try {
      const attachments: Attachment[] = [];
      for (const item of batch.files) attachments.push(await this.#upload(batch, item));
      stop.signal.throwIfAborted();
      const { caption, ...rest } = beside;
      const body = { kind: 'attachments', attachments, ...(caption && { caption }) } as const;
      await this.#options.messenger.say(conversation, { kind: 'message', body, ...rest });
      this.#forget(id);
    } catch (error) {
      if (stop.signal.aborted) return;
      const failure = failureOf(error);
      this.#change(id, (sending) => ({ ...sending, failure }));
    }
  }

  async #upload(batch: Batch, item: Item): Promise<Attachment> {
    if (item.attachment) return item.attachment;
    const { file } = item;
    const { account, preview } = this.#options;
    const { signal } = batch.stop;
    const contentType = file.type === '' ? BYTES : file.type;
    const name = fileNameOf(file);
    if (!item.source) {
      const bare = isPicture(file) ? await barePicture(file) : undefined;
      // A picture that cannot be taken apart, or decoded, is sent as a file all the same.
      item.preview = bare && (await preview(bare).catch(() => undefined));
      item.source = bare ?? file;
      this.#tell(batch);
    }
    const { image, ...size } = item.preview ?? {};
    if (image && !item.previewFile) {
      const small = await planUpload(image, { name: 'preview', contentType: image.type });
      item.previewFile = storedFile(await upload(small, { account, signal }));
    }
    try {
      item.plan ??= await planUpload(item.source, { name, contentType });
      const onProgress = ({ done }: { done: number }) => {
        item.done = done;
        this.#tell(batch);
      };
      const sealed = await upload(item.plan, { account, signal, onProgress });
      const picture = 'width' in size && { ...size, ...(item.previewFile && { preview: item.previewFile }) };
      item.attachment = {
        ...storedFile(sealed),
        name,
        description: '',
        inline: item.preview !== undefined,
        ...(picture && { picture }),
      };
      return item.attachment;
    } catch (error) {
      // Of a file that has changed the old key must seal nothing any more.
      if (error instanceof DeviceError && error.code === 'FILE_CHANGED') delete item.plan;
      throw error;
    }
  }

  #tell({ id, files }: Batch): void {
    const done = files.reduce((sum, each) => sum + each.done, 0);
    const total = files.reduce((sum, { source, file }) => sum + sealedSize((source ?? file).size), 0);
    this.#change(id, (sending) => ({ ...sending, done, total }));
  }

  /** The connection is back. */
  #goOn(): void {
    for (const { id, failure } of this.store.state) if (failure?.retry) this.again(id);
  }

  #shown(id: number): Sending | undefined {
    return this.store.state.find((each) => each.id === id);
  }

  #change(id: number, change: (sending: Sending) => Sending): void {
    this.store.set(this.store.state.map((each) => (each.id === id ? change(each) : each)));
  }

  #forget(id: number): void {
    this.#batches.delete(id);
    this.store.set(this.store.state.filter((each) => each.id !== id));
  }
}

/** What this page would show as one; a drawing that is a program (SVG) is a file. */
function isPicture({ type, name }: File): boolean {
  return kindOf(type, name) === 'image' && shownType(type).startsWith('image/');
}
