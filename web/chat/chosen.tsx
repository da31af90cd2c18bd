/** Files that somebody has chosen and not sent yet. */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { shownType } from '#client/assets/kind.ts';
import { MAX_ATTACHMENTS } from '#client/content/limits.ts';
import { DeviceError, type Failure, failureOf } from '#client/failure.ts';
import type { OutgoingFiles } from '#client/files/outgoing-files.ts';
import { refusals } from '#client/files/refusal.ts';
import type { AssetPolicy } from '#signalling/assets.ts';
import type { ConversationId } from '#signalling/ids.ts';
import { announce } from '../lib/announce.ts';
import { plain } from '../lib/plain.ts';
import { sizeOf, typeOf } from '../lib/sizes.ts';
import { useUrl } from '../lib/use-url.ts';
import { Icon } from '../parts/icon.tsx';
import { Message } from '../parts/message.tsx';

interface One {
  readonly key: number;
  readonly file: File;
  readonly refusal?: Failure;
}

export interface ChosenFiles {
  readonly list: readonly One[];
  /** Why nothing more was taken. */
  readonly failure: Failure | undefined;
  readonly isRefused: boolean;
  add(files: Iterable<File>): void;
  fail(failure: Failure | undefined): void;
  remove(key: number): void;
  clear(): void;
}

interface Held {
  readonly key: number;
  readonly file: File;
}

let count = 0;
/** What was chosen in conversations that are not on the screen now. It ends with the page. */
const held = new WeakMap<OutgoingFiles, Map<ConversationId, readonly Held[]>>();

export function useChosenFiles(outgoing: OutgoingFiles, conversation: ConversationId): ChosenFiles {
  const [files, setFiles] = useState<readonly Held[]>(() => held.get(outgoing)?.get(conversation) ?? []);
  const [policy, setPolicy] = useState<AssetPolicy>();
  const [failure, setFailure] = useState<Failure>();
  // Two drops can come before the page is drawn again.
  const latest = useRef(files);
  const change = (next: readonly Held[]) => {
    latest.current = next;
    setFiles(next);
  };
  const isEmpty = files.length === 0;
  useEffect(() => {
    const all = held.get(outgoing) ?? new Map();
    held.set(outgoing, all.set(conversation, files));
  }, [outgoing, conversation, files]);
  // Asked anew each time: what is left of one's room changes.
  useEffect(() => {
    if (isEmpty) return;
    let isCurrent = true;
    outgoing.policy().then(
      (told) => {
        if (isCurrent) setPolicy(told);
      },
      // Whoever has no connection is told when the files are sent.
      () => undefined,
    );
    return () => {
      isCurrent = false;
    };
  }, [outgoing, isEmpty]);
  const list = useMemo(() => {
    const told = refusals(
      files.map(({ file }) => file),
      policy,
    );
    return files.map((each, index): One => {
      const refusal = told[index];
      return { ...each, ...(refusal && { refusal }) };
    });
  }, [files, policy]);
  return {
    list,
    failure,
    isRefused: list.some(({ refusal }) => refusal !== undefined),
    add: (more) => {
      const taken = [...more].slice(0, MAX_ATTACHMENTS - latest.current.length);
      const isTooMany = [...more].length > taken.length;
      setFailure(isTooMany ? failureOf(new DeviceError('FILE_TOO_MANY')) : undefined);
      if (taken.length === 0) return;
      change([...latest.current, ...taken.map((file) => ({ key: ++count, file }))]);
      announce(`${taken.length} ${taken.length === 1 ? 'file' : 'files'} chosen`);
    },
    fail: setFailure,
    remove: (key) => {
      setFailure(undefined);
      change(latest.current.filter((each) => each.key !== key));
    },
    clear: () => {
      setFailure(undefined);
      change([]);
    },
  };
}

/** What will be sent with the next message. */
export function ChosenList({ chosen }: { chosen: ChosenFiles }) {
  const { list, failure } = chosen;
  return (
    <>
      {failure && <Message failure={failure} onDismiss={() => chosen.fail(undefined)} />}
      {list.length > 0 && (
        <ul class="chosen-files" aria-label="Files to be sent">
          {list.map(({ key, file, refusal }) => (
            <ChosenFile key={key} file={file} refusal={refusal} onRemove={() => chosen.remove(key)} />
          ))}
        </ul>
      )}
    </>
  );
}

interface ChosenFileProps {
  readonly file: File;
  readonly refusal: Failure | undefined;
  readonly onRemove: () => void;
}

function ChosenFile({ file, refusal, onRemove }: ChosenFileProps) {
  const isPicture = shownType(file.type).startsWith('image/');
  const url = useUrl(isPicture ? file : undefined);
  const name = plain(file.name);
  useEffect(() => {
    if (refusal) announce(`${name}: ${refusal.sentence}`);
  }, [refusal?.sentence]);
  return (
    <li class={refusal ? 'chosen-file refused' : 'chosen-file'}>
      {url === undefined ? (
        <span class="chosen-face">
          <Icon name="file" size={24} />
        </span>
      ) : (
        <img class="chosen-face" src={url} alt="" />
      )}
      <span class="file-words">
        <bdi class="file-name">{name}</bdi>
        <span class="quiet-text">
          {sizeOf(file.size)} · {typeOf(file.type, file.name)}
        </span>
        {refusal && <span class="chosen-why">{refusal.sentence}</span>}
      </span>
      <button type="button" class="quiet icon-only" aria-label={`Do not send ${name}`} onClick={onRemove}>
        <Icon name="close" size={18} />
      </button>
    </li>
  );
}
