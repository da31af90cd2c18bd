import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Entrance } from '#client/call.ts';
import type { Attachment, StoredFile } from '#client/content/content.ts';
import type { MessageId } from '#client/content/message-id.ts';
import { type Failure, failureOf } from '#client/failure.ts';
import type { ConversationMessages } from '#client/messages/conversation.ts';
import type { Unsent } from '#client/messages/unsent.ts';
import type { MessageItem } from '#client/messages/view.ts';
import { may } from '#signalling/capabilities.ts';
import type { Conversation } from '#signalling/client-home.ts';
import { announce } from '../lib/announce.ts';
import type { Chat } from '../lib/chat.ts';
import { plain } from '../lib/plain.ts';
import { useStore } from '../lib/use-store.ts';
import { listOf } from '../lib/words.ts';
import { Avatar } from '../parts/avatar.tsx';
import { Icon } from '../parts/icon.tsx';
import { Message } from '../parts/message.tsx';
import { AboutDialog } from './about-dialog.tsx';
import { useChosenFiles } from './chosen.tsx';
import { type About, Composer } from './composer.tsx';
import { Confirm, LinkDialog } from './confirm.tsx';
import { type Talk, TalkProvider } from './context.ts';
import { DropHint, useDrop } from './drop.tsx';
import { ForeignBanner } from './foreign-banner.tsx';
import { mentionables } from './mentions.ts';
import { fullNameOf, inCallOf, type People, peopleOf } from './people.ts';
import { SendingList } from './sending.tsx';
import { type Jump, TimelineView } from './timeline.tsx';
import { TrustSign, useDevicesIn, useTrust } from './trust.tsx';
import { useTyping } from './typing.ts';

interface Props {
  readonly chat: Chat;
  readonly conversation: Conversation;
  /** The message to go to, where one comes from a search. */
  readonly message: MessageId | undefined;
  readonly onBack: () => void;
  readonly onCall: (entrance: Entrance) => void;
}

export function ConversationPage(props: Props) {
  const { chat, conversation } = props;
  const [open, setOpen] = useState<{ messages: ConversationMessages; unsent: Unsent }>();
  const [failure, setFailure] = useState<Failure>();
  useEffect(() => {
    let isCurrent = true;
    const { conversation: id } = conversation;
    Promise.all([chat.messenger.messages(id), chat.unsent.get(id)]).then(
      ([messages, unsent]) => {
        if (isCurrent) setOpen({ messages, unsent });
      },
      (error: unknown) => {
        if (isCurrent) setFailure(failureOf(error));
      },
    );
    return () => {
      isCurrent = false;
    };
  }, [chat, conversation.conversation]);

  return (
    <section class="conversation-page" aria-label={plain(conversation.title)}>
      <Head {...props} messages={open?.messages} />
      <CallBanner {...props} />
      <ForeignBanner chat={chat} conversation={conversation} />
      {failure && <Message failure={failure} />}
      {open ? <Conversing {...props} {...open} /> : <div class="timeline" aria-busy="true" />}
    </section>
  );
}

function Head({
  chat,
  conversation,
  messages,
  onBack,
  onCall,
}: Props & { messages: ConversationMessages | undefined }) {
  const { call, title } = conversation;
  const [about, setAbout] = useState(false);
  const own = conversation.members.find(({ user }) => user === chat.me.user)?.role;
  const settings = useStore(chat.following.store).get(conversation.conversation)?.settings ?? {};
  return (
    <header class="page-head">
      <button type="button" class="quiet icon-only only-narrow" aria-label="Back to the list" onClick={onBack}>
        <Icon name="back" />
      </button>
      <Avatar name={title} size={44} />
      <div class="page-title">
        <h2>
          <bdi>{title}</bdi>
        </h2>
        <p class="quiet-text">
          <Icon name="lock" size={14} />
          {messages ? (
            <HeadLine chat={chat} conversation={conversation} messages={messages} />
          ) : (
            <span>{peopleWords(conversation, chat)}</span>
          )}
        </p>
      </div>
      <button
        type="button"
        class="quiet icon-only"
        aria-label="About this conversation"
        title="People and settings"
        onClick={() => setAbout(true)}
      >
        <Icon name="people" />
      </button>
      {!call && may(own, 'startCall') && (
        <button type="button" class="primary" onClick={() => onCall('start')}>
          <Icon name="phone" size={20} />
          <span class="wide-only">Start call</span>
        </button>
      )}
      {about && messages && (
        <AboutWith
          chat={chat}
          conversation={conversation}
          settings={settings}
          messages={messages}
          onClose={() => setAbout(false)}
        />
      )}
    </header>
  );
}

function AboutWith({
  messages,
  ...rest
}: Omit<Parameters<typeof AboutDialog>[0], 'devices'> & { messages: ConversationMessages }) {
  return <AboutDialog {...rest} devices={useDevicesIn(messages)} />;
}

/** Who is here; whether this device can read yet; and of a conversation of two, how far the other one is verified. */
function HeadLine({
  chat,
  conversation,
  messages,
}: Pick<Props, 'chat' | 'conversation'> & { messages: ConversationMessages }) {
  const devices = useDevicesIn(messages);
  const [other, more] = conversation.members.filter(({ user }) => user !== chat.me.user);
  const trust = useTrust(chat.verification, devices, other?.user ?? chat.me.user);
  if (devices.length === 0 && conversation.group !== undefined) {
    return <span>This device is being let in, and reads what is said from then on…</span>;
  }
  return (
    <>
      <span>{peopleWords(conversation, chat)}</span>
      {other && !more && <TrustSign trust={trust} />}
    </>
  );
}

function peopleWords({ members }: Conversation, { me }: Chat): string {
  const foreign = new Set(members.map(({ domain }) => domain).filter((domain) => domain !== me.domain)).size;
  const organisations = foreign > 0 ? `, ${foreign + 1} organisations` : '';
  const encrypted = foreign > 0 ? '' : ', encrypted';
  return `${members.length} ${members.length === 1 ? 'person' : 'people'}${organisations}${encrypted}`;
}

function CallBanner({ chat, conversation, onCall }: Props) {
  const { call } = conversation;
  const rings = useStore(chat.home.store).ringing.includes(conversation.conversation);
  if (!call) return null;
  const people = peopleOf(conversation, chat.me.user);
  const isElsewhere = call.members.some(({ user }) => user === chat.me.user);
  const inCall = inCallOf(call, chat.me.user);
  return (
    <section class="call-banner" aria-label="Call that goes on">
      <span class="pulse" aria-hidden="true" />
      <p>
        <strong>{rings ? `${fullNameOf(people, call.startedBy)} is calling.` : 'A call goes on.'}</strong>{' '}
        {inCall.length > 0 ? `${listOf(inCall)} ${inCall.length === 1 ? 'is' : 'are'} there.` : ''}
      </p>
      {rings && (
        <button
          type="button"
          onClick={() => {
            chat.messenger.answerCall(conversation.conversation, 'declined').catch(() => undefined);
          }}
        >
          Decline
        </button>
      )}
      {isElsewhere && (
        <button type="button" onClick={() => onCall('move')}>
          Move it here
        </button>
      )}
      <button type="button" class="primary" onClick={() => onCall('join')}>
        <Icon name="phone" size={20} />
        Join call
      </button>
    </section>
  );
}

function Conversing({
  chat,
  conversation,
  message,
  messages,
  unsent,
}: Props & { messages: ConversationMessages; unsent: Unsent }) {
  const { connected } = useStore(chat.home.store);
  const self = chat.me.user;
  const people = useMemo(() => peopleOf(conversation, self), [conversation, self]);
  const mentionable = useMemo(
    () => mentionables(conversation.conversation, conversation.members, self),
    [conversation, self],
  );
  const [about, setAbout] = useState<About>();
  const [removing, setRemoving] = useState<MessageItem>();
  const [link, setLink] = useState<string>();
  const [failure, setFailure] = useState<Failure>();
  const [jump, setJump] = useState<Jump | undefined>(message && { to: message, number: 0 });
  const field = useRef<HTMLTextAreaElement>(null);
  const place = useRef<HTMLDivElement>(null);
  const { outgoing, incoming } = chat;
  const chosen = useChosenFiles(outgoing, conversation.conversation);
  const isOver = useDrop(place, ({ files, failure: refused }) => {
    if (files.length > 0) chosen.add(files);
    if (refused) chosen.fail(refused);
    field.current?.focus();
  });
  useEffect(() => {
    if (message) setJump((before) => ({ to: message, number: (before?.number ?? 0) + 1 }));
  }, [message]);
  // On a telephone the keyboard would cover half of what one wants to read.
  useLayoutEffect(() => {
    if (!message && matchMedia('(hover: hover)').matches) field.current?.focus();
  }, []);

  const talk = useMemo((): Talk => {
    const failed = (error: unknown) => setFailure(failureOf(error));
    return {
      messages,
      people,
      incoming,
      calls: chat.messenger.calls,
      react: (item, emoji) => {
        const mine = item.reactions.find((each) => each.emoji === emoji)?.mine ?? [];
        const work =
          mine.length > 0
            ? mine.map((reaction) => messages.say({ kind: 'unreact', reaction, target: item.id }))
            : [messages.say({ kind: 'reaction', target: item.id, emojis: [emoji] })];
        Promise.all(work).catch(failed);
      },
      reply: (item) => setAbout({ kind: 'reply', item }),
      edit: (item) => setAbout({ kind: 'edit', item }),
      remove: setRemoving,
      again: (item) => void messages.again(item.id).catch(failed),
      discard: (item) => void messages.discard(item.id).catch(failed),
      jump: (id) => setJump((before) => ({ to: id, number: (before?.number ?? 0) + 1 })),
      ask: setLink,
    };
  }, [messages, people, incoming]);
  const editLast = () => {
    const mine = messages.timeline
      .items({ limit: 50 })
      .findLast((item) => item.kind === 'message' && item.sender === self && item.body?.kind === 'text');
    if (mine?.kind !== 'message' || mine.order === undefined) return false;
    setAbout({ kind: 'edit', item: mine });
    return true;
  };
  return (
    <TalkProvider value={talk}>
      <div ref={place} class="conversing">
        <TimelineView jump={jump} onFocusComposer={() => field.current?.focus()} />
        {failure && <Message failure={failure} onDismiss={() => setFailure(undefined)} />}
        <TypingLine messages={messages} people={people} connected={connected} />
        <SendingList outgoing={outgoing} conversation={conversation.conversation} />
        <Composer
          unsent={chat.unsent}
          begun={unsent}
          mentionable={mentionable}
          about={about}
          onAbout={setAbout}
          onSent={() => setFailure(undefined)}
          onEditLast={editLast}
          field={field}
          connected={connected}
          name={plain(conversation.title)}
          chosen={chosen}
          onFiles={(beside) => {
            try {
              outgoing.send(
                conversation.conversation,
                chosen.list.map(({ file }) => file),
                beside,
              );
              chosen.clear();
            } catch (error) {
              chosen.fail(failureOf(error));
            }
          }}
        />
        {isOver && <DropHint name={conversation.title} />}
      </div>
      {removing && (
        <Confirm
          title="Delete this message for everyone?"
          act="Delete for everyone"
          onClose={() => setRemoving(undefined)}
          onAct={async () => {
            await messages.say({ kind: 'delete', target: removing.id });
            // Of a message that is gone nobody needs the files.
            if (removing.body?.kind === 'attachments') void outgoing.remove(filesIn(removing.body.attachments));
            announce('Message deleted');
          }}
        >
          <p>
            It goes from the devices of everybody in this conversation, and cannot be brought back. Somebody may have
            read it already; that it was deleted stays visible.
          </p>
        </Confirm>
      )}
      {link !== undefined && <LinkDialog href={link} onClose={() => setLink(undefined)} />}
    </TalkProvider>
  );
}

function filesIn(attachments: readonly Attachment[]): readonly StoredFile[] {
  return attachments.flatMap((each) => [each, ...(each.picture?.preview ? [each.picture.preview] : [])]);
}

function TypingLine({
  messages,
  people,
  connected,
}: {
  messages: ConversationMessages;
  people: People;
  connected: boolean;
}) {
  const names = useTyping(messages).map((user) => fullNameOf(people, user));
  const offline = 'Not connected. What you write is kept on this device and sent when the connection is back.';
  return (
    <p class={connected ? 'typing-line' : 'typing-line typing-offline'}>
      {!connected && <Icon name="clock" size={16} />}
      {names.length > 0 && connected && <span class="typing-dots" aria-hidden="true" />}
      <span>
        {connected
          ? names.length > 0
            ? `${listOf(names)} ${names.length === 1 ? 'is' : 'are'} writing…`
            : ''
          : offline}
      </span>
    </p>
  );
}
