import { useEffect, useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { Content, Text } from '#client/content/content.ts';
import { excerptOf } from '#client/content/summary.ts';
import { type Failure, failureOf } from '#client/failure.ts';
import type { Beside } from '#client/files/outgoing-files.ts';
import type { Unsent, UnsentTexts } from '#client/messages/unsent.ts';
import type { MessageItem } from '#client/messages/view.ts';
import { announce } from '../lib/announce.ts';
import { durationOf } from '../lib/when.ts';
import { Icon } from '../parts/icon.tsx';
import { Message } from '../parts/message.tsx';
import { type ChosenFiles, ChosenList } from './chosen.tsx';
import { useTalk } from './context.ts';
import { filesOf } from './drop.tsx';
import { roomFor } from './limit.ts';
import { asSent, asTyped, completionAt, type Mentionable } from './mentions.ts';
import { calledOf } from './people.ts';
import { useTypingTold } from './typing.ts';

/** What the next message is about. */
export type About =
  | { readonly kind: 'reply'; readonly item: MessageItem }
  | { readonly kind: 'edit'; readonly item: MessageItem };

interface Props {
  readonly unsent: UnsentTexts;
  /** What was begun here before. */
  readonly begun: Unsent;
  readonly mentionable: readonly Mentionable[];
  readonly about: About | undefined;
  readonly onAbout: (about: About | undefined) => void;
  readonly onSent: () => void;
  /** Edits the last own message; false where there is none. */
  readonly onEditLast: () => boolean;
  readonly field: { current: HTMLTextAreaElement | null };
  readonly connected: boolean;
  readonly name: string;
  readonly chosen: ChosenFiles;
  /** Encrypts and uploads what was chosen, and says it then. */
  readonly onFiles: (beside: Beside) => void;
}

/** Seconds; 0 is off. */
const TIMERS = [0, 10, 300, 3_600, 86_400, 604_800] as const;
const KEEP_MS = 400;
const MAX_HEIGHT = 220;

export function Composer(props: Props) {
  const {
    unsent,
    begun,
    mentionable,
    about,
    onAbout,
    onSent,
    onEditLast,
    field,
    connected,
    chosen: files,
    onFiles,
  } = props;
  const { messages, people } = useTalk();
  const [text, setText] = useState(begun.text);
  const [vanishAfter, setVanishAfter] = useState(begun.vanishAfter ?? 0);
  const [failure, setFailure] = useState<Failure>();
  const [caret, setCaret] = useState(0);
  const [chosen, setChosen] = useState(0);
  const [closedAt, setClosedAt] = useState<number>();
  const ids = useId();
  const told = useTypingTold(messages, people.others.length, connected);
  /** What was written before an edit began, to come back after it. */
  const aside = useRef('');
  const picker = useRef<HTMLInputElement>(null);

  const isEdit = about?.kind === 'edit';
  useLayoutEffect(() => {
    if (about?.kind === 'edit') {
      aside.current = text;
      setText(about.item.body?.kind === 'text' ? asTyped(about.item.body.text.text) : '');
    }
    if (about) field.current?.focus();
  }, [about]);
  useLayoutEffect(() => {
    const area = field.current;
    if (!area) return;
    area.style.height = 'auto';
    area.style.height = `${Math.min(MAX_HEIGHT, area.scrollHeight + 2)}px`;
  }, [text]);

  const kept = useRef<Unsent>(begun);
  kept.current = { text: isEdit ? aside.current : text, ...(vanishAfter > 0 && { vanishAfter }) };
  // Another tab may have taken over meanwhile: then the last letters are lost, as they are when the browser ends.
  const keep = () => void unsent.set(messages.id, kept.current).catch(() => undefined);
  useEffect(() => {
    const timer = setTimeout(keep, KEEP_MS);
    return () => clearTimeout(timer);
  }, [text, vanishAfter, isEdit]);
  useEffect(() => () => keep(), [unsent, messages]);

  const sent = asSent(text.trim(), mentionable);
  const room = roomFor(sent);
  const completion = closedAt === caret ? undefined : completionAt(text, caret, mentionable);
  const offered = completion?.offered ?? [];
  const at = Math.min(chosen, offered.length - 1);

  const finish = () => {
    onAbout(undefined);
    setText(isEdit ? aside.current : '');
    aside.current = '';
    setFailure(undefined);
  };
  const say = (content: Content) => {
    messages.say(content).then(onSent, (error: unknown) => {
      setFailure(failureOf(error));
      // It comes back, unless something else was begun meanwhile.
      if (content.kind === 'message' && content.body.kind === 'text') setText((now) => (now === '' ? text : now));
    });
  };
  const hasFiles = files.list.length > 0 && !isEdit;
  const mayNotSend = (sent === '' && !hasFiles) || !room.fits || (hasFiles && files.isRefused);
  const send = () => {
    if (mayNotSend) return;
    const body = { kind: 'text', text: textOf(sent) } as const;
    told.stopped();
    if (hasFiles) onFiles({ ...(sent !== '' && { caption: body.text }), ...replyOf(about), ...expiryOf(vanishAfter) });
    else if (about?.kind === 'edit') say({ kind: 'edit', target: about.item.id, body });
    else say({ kind: 'message', body, ...replyOf(about), ...expiryOf(vanishAfter) });
    finish();
    field.current?.focus();
  };
  const knock = () => {
    say({ kind: 'message', body: { kind: 'ping' }, ...expiryOf(vanishAfter) });
    announce('You knocked');
  };
  const complete = (mention: Mentionable | undefined) => {
    const area = field.current;
    if (!mention || !completion || !area) return;
    const next = `${text.slice(0, completion.from)}${mention.typed} `;
    setText(`${next}${text.slice(caret).replace(/^ /, '')}`);
    setCaret(next.length);
    queueMicrotask(() => {
      area.focus();
      requestAnimationFrame(() => area.setSelectionRange(next.length, next.length));
    });
  };
  const key = (event: KeyboardEvent) => {
    // While a sign is being composed, Enter chooses it.
    if (event.isComposing) return;
    if (offered.length > 0) {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step !== undefined) {
        event.preventDefault();
        setChosen((at + step + offered.length) % offered.length);
        return;
      }
      if (event.key === 'Enter' || event.key === 'Tab') {
        event.preventDefault();
        complete(offered[at]);
        return;
      }
      if (event.key === 'Escape') {
        event.preventDefault();
        setClosedAt(caret);
        return;
      }
    }
    if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault();
      send();
    } else if (event.key === 'Escape' && about) finish();
    else if (event.key === 'ArrowUp' && text === '' && !about && onEditLast()) event.preventDefault();
  };

  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      {failure && <Message failure={failure} onDismiss={() => setFailure(undefined)} />}
      {about && <AboutLine about={about} name={calledOf(people, about.item.sender)} onCancel={finish} />}
      {!isEdit && <ChosenList chosen={files} />}
      {room.words && (
        <p class={room.fits ? 'composer-room' : 'composer-room too-long'} role="status">
          {room.words}
        </p>
      )}
      {offered.length > 0 && (
        <div id={`${ids}-list`} class="mention-list" role="listbox" aria-label="People to mention" tabIndex={-1}>
          {offered.map((each, index) => (
            <div
              key={each.target}
              id={`${ids}-${index}`}
              role="option"
              tabIndex={-1}
              aria-selected={index === at}
              onMouseDown={(event) => {
                event.preventDefault();
                complete(each);
              }}
            >
              <bdi>{each.name}</bdi>
              <span class="quiet-text">{each.typed}</span>
            </div>
          ))}
        </div>
      )}
      <div class="composer-line">
        <input
          ref={picker}
          class="sr-only"
          type="file"
          multiple
          tabIndex={-1}
          aria-hidden="true"
          aria-label="Files to attach"
          onChange={(event) => {
            files.add(event.currentTarget.files ?? []);
            // The same file can be chosen once more.
            event.currentTarget.value = '';
            field.current?.focus();
          }}
        />
        <button
          type="button"
          class="quiet icon-only attach"
          aria-label="Attach files"
          title="Attach files"
          disabled={isEdit}
          onClick={() => picker.current?.click()}
        >
          <Icon name="clip" />
        </button>
        <textarea
          ref={field}
          rows={1}
          dir="auto"
          value={text}
          aria-label={isEdit ? 'Edit the message' : `Message to ${props.name}`}
          aria-autocomplete="list"
          aria-controls={offered.length > 0 ? `${ids}-list` : undefined}
          aria-activedescendant={offered.length > 0 ? `${ids}-${at}` : undefined}
          placeholder={hasFiles ? 'Say something about it' : 'Write a message'}
          enterkeyhint="send"
          onInput={(event) => {
            const { value, selectionStart } = event.currentTarget;
            setText(value);
            setCaret(selectionStart);
            setChosen(0);
            setClosedAt(undefined);
            if (!isEdit && value.trim() !== '') told.wrote();
          }}
          onSelect={(event) => setCaret(event.currentTarget.selectionStart)}
          onKeyDown={key}
          onBlur={() => told.stopped()}
          onPaste={(event) => {
            const pasted = event.clipboardData && filesOf(event.clipboardData);
            if (isEdit || !pasted || (pasted.files.length === 0 && !pasted.failure)) return;
            event.preventDefault();
            files.add(pasted.files);
            if (pasted.failure) files.fail(pasted.failure);
          }}
        />
        <button
          type="submit"
          class="primary icon-only send"
          aria-label={isEdit ? 'Save' : 'Send'}
          disabled={mayNotSend}
        >
          <Icon name={isEdit ? 'check' : 'send'} />
        </button>
      </div>
      <div class="composer-foot">
        <label class="vanish">
          <Icon name="clock" size={16} />
          <span class="sr-only">Messages that you send here vanish</span>
          <select value={vanishAfter} onChange={(event) => setVanishAfter(Number(event.currentTarget.value))}>
            {TIMERS.map((seconds) => (
              <option key={seconds} value={seconds}>
                {seconds === 0 ? 'Messages stay' : `Vanish ${durationOf(seconds)} after they are read`}
              </option>
            ))}
          </select>
        </label>
        <button type="button" class="quiet small" onClick={knock} title="Asks everybody here to look">
          <Icon name="knock" size={18} />
          Knock
        </button>
        <span class="composer-keys quiet-text">Enter sends, Shift + Enter breaks the line</span>
      </div>
    </form>
  );
}

function AboutLine({ about, name, onCancel }: { about: About; name: string; onCancel: () => void }) {
  const { kind, item } = about;
  const words = item.body ? excerptOf(item.body, 90) : '';
  return (
    <div class="about">
      <Icon name={kind === 'reply' ? 'reply' : 'edit'} size={18} />
      <p>
        <strong>{kind === 'reply' ? <>Answer to {name}</> : 'Edit your message'}</strong>
        <bdi class="about-words">{words}</bdi>
      </p>
      <button
        type="button"
        class="quiet icon-only"
        aria-label={kind === 'reply' ? 'Do not answer' : 'Do not edit'}
        onClick={onCancel}
      >
        <Icon name="close" size={18} />
      </button>
    </div>
  );
}

function textOf(text: string): Text {
  return { format: 'markdown', text };
}

function replyOf(about: About | undefined) {
  return about?.kind === 'reply' ? { replyTo: about.item.versions.at(-1)?.id ?? about.item.id } : {};
}

function expiryOf(seconds: number) {
  return seconds > 0 ? { expires: { after: seconds } } : {};
}
