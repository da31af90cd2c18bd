import { useState } from 'preact/hooks';
import type { Settings } from '#client/content/content.ts';
import type { SeenDevice } from '#client/device/verification.ts';
import { type Failure, failureOf } from '#client/failure.ts';
import type { Conversation, Member } from '#signalling/client-home.ts';
import { addressOf, parseAddress } from '#signalling/ids.ts';
import { VerifyDialog } from '../device/verify-dialog.tsx';
import { announce } from '../lib/announce.ts';
import type { Chat } from '../lib/chat.ts';
import { plain } from '../lib/plain.ts';
import { useStore } from '../lib/use-store.ts';
import { Avatar } from '../parts/avatar.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { Icon } from '../parts/icon.tsx';
import { Message } from '../parts/message.tsx';
import { Organisation } from '../parts/organisation.tsx';
import { BlockDialog } from '../people/block-dialog.tsx';
import { TrustSign, useTrust } from './trust.tsx';

interface Props {
  readonly chat: Chat;
  readonly conversation: Conversation;
  readonly settings: Pick<Settings, 'archived' | 'muted'>;
  readonly devices: readonly SeenDevice[];
  readonly onClose: () => void;
}

const MUTED = [
  ['nothing', 'Count everything'],
  ['all-but-mentions', 'Count only messages that mention me'],
  ['all', 'Count nothing'],
] as const;

/** Who is in the conversation, and how this person wants to hear of it. */
export function AboutDialog({ chat, conversation, settings, devices, onClose }: Props) {
  const [failure, setFailure] = useState<Failure>();
  /** Chosen, and not taken yet: shown at once. */
  const [wished, setWished] = useState<Settings>({});
  const set = (change: Settings) => {
    setFailure(undefined);
    setWished((before) => ({ ...before, ...change }));
    chat.messenger
      .set(conversation.conversation, change)
      .catch((error: unknown) => setFailure(failureOf(error)))
      .finally(() => setWished({}));
  };
  const { muted = 'nothing', archived = false } = { ...settings, ...wished };
  return (
    <Dialog title="About this conversation" onClose={onClose}>
      <div class="stack">
        {failure && <Message failure={failure} onDismiss={() => setFailure(undefined)} />}
        <section class="people">
          <h3>People</h3>
          <ul>
            {conversation.members.map((member) => (
              <Person key={member.user} chat={chat} member={member} devices={devices} />
            ))}
          </ul>
          <AddMember chat={chat} conversation={conversation} />
        </section>
        <fieldset class="choices">
          <legend>New messages here</legend>
          {MUTED.map(([value, words]) => (
            <label key={value} class="choice">
              <input type="radio" name="muted" checked={muted === value} onChange={() => set({ muted: value })} />
              <span>{words}</span>
            </label>
          ))}
        </fieldset>
        <label class="choice">
          <input
            type="checkbox"
            checked={archived}
            onChange={(event) => set({ archived: event.currentTarget.checked })}
          />
          <span>Archive: show this conversation below the others</span>
        </label>
        <p class="quiet-text">These choices are the same on all your devices. Nobody else learns of them.</p>
      </div>
    </Dialog>
  );
}

function Person({ chat, member, devices }: { chat: Chat; member: Member; devices: readonly SeenDevice[] }) {
  const [comparing, setComparing] = useState(false);
  const [blocking, setBlocking] = useState(false);
  const isBlocked = useStore(chat.connections.store).some(
    ({ user, state }) => user === member.user && state === 'blocked',
  );
  const unblock = () => {
    chat.connections.act(member.user, 'unblock').then(
      () => announce(`${plain(member.name)} is not blocked any more`),
      (error: unknown) => announce(failureOf(error).sentence),
    );
  };
  const trust = useTrust(chat.verification, devices, member.user);
  const isMe = member.user === chat.me.user;
  return (
    <li class="person">
      <Avatar name={member.name} size={40} />
      <span class="person-words">
        <strong>
          <bdi>{member.name}</bdi>
          {isMe && <span class="quiet-text"> (you)</span>}
        </strong>
        <span class="quiet-text">{addressOf(member.user)}</span>
        {!isMe && <TrustSign trust={trust} />}
        {isBlocked && (
          <span class="with-icon blocked">
            <Icon name="block" size={15} />
            You have blocked this person
          </span>
        )}
      </span>
      <Organisation domain={member.domain} foreign={member.domain !== chat.me.domain} />
      {!isMe && (
        <button type="button" class="small" onClick={() => setComparing(true)}>
          Compare numbers
          <span class="sr-only"> with {plain(member.name)}</span>
        </button>
      )}
      {!isMe && (
        <button type="button" class="small quiet" onClick={isBlocked ? unblock : () => setBlocking(true)}>
          {isBlocked ? 'Unblock' : 'Block…'}
          <span class="sr-only"> {plain(member.name)}</span>
        </button>
      )}
      {blocking && (
        <BlockDialog
          connections={chat.connections}
          user={member.user}
          name={plain(member.name)}
          onClose={() => setBlocking(false)}
        />
      )}
      {comparing && (
        <VerifyDialog
          verification={chat.verification}
          self={chat.messenger.device.id}
          member={member}
          devices={devices}
          onClose={() => setComparing(false)}
        />
      )}
    </li>
  );
}

function AddMember({ chat, conversation }: { chat: Chat; conversation: Conversation }) {
  const [address, setAddress] = useState('');
  const [failure, setFailure] = useState<Failure>();
  const [busy, setBusy] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    const user = parseAddress(address);
    if (!user) {
      return setFailure({
        code: 'ADDRESS',
        sentence: 'An address looks like @bob@beta.example. Check how it is written.',
        retry: true,
      });
    }
    setBusy(true);
    setFailure(undefined);
    try {
      await chat.messenger.addMember(conversation.conversation, user);
      setAddress('');
    } catch (error) {
      setFailure(failureOf(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <form class="add-member" onSubmit={submit}>
      {failure && <Message failure={failure} onDismiss={() => setFailure(undefined)} />}
      <label>
        <span>Add somebody by address</span>
        <span class="with-button">
          <input
            value={address}
            onInput={(event) => setAddress(event.currentTarget.value)}
            placeholder="@bob@beta.example"
            autocapitalize="none"
            spellcheck={false}
            required
          />
          <button type="submit" disabled={busy}>
            {busy ? 'Adding…' : 'Add'}
          </button>
        </span>
      </label>
      <p class="quiet-text">Whoever is added reads what is said from then on, and nothing from before.</p>
    </form>
  );
}
