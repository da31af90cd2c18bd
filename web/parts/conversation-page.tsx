import { useState } from 'preact/hooks';
import { type Failure, failureOf } from '#client/failure.ts';
import type { Home } from '#client/home.ts';
import type { Conversation, User } from '#signalling/client-home.ts';
import { addressOf, parseAddress, type UserId } from '#signalling/ids.ts';
import { useStore } from '../lib/use-store.ts';
import { listOf } from '../lib/words.ts';
import { Avatar } from './avatar.tsx';
import { Icon } from './icon.tsx';
import { Message } from './message.tsx';
import { Organisation } from './organisation.tsx';

interface Props {
  readonly home: Home;
  readonly conversation: Conversation;
  readonly me: User | undefined;
  readonly onBack: () => void;
  readonly onCall: (start: boolean) => void;
}

export function ConversationPage({ home, conversation, me, onBack, onCall }: Props) {
  const { call, members, title } = conversation;
  const rings = useStore(home.store).ringing.includes(conversation.conversation);
  const inCall = call?.members.map(({ name }) => name) ?? [];
  return (
    <article class="conversation-page">
      <header class="page-head">
        <button type="button" class="quiet icon-only only-narrow" aria-label="Back to the list" onClick={onBack}>
          <Icon name="back" />
        </button>
        <Avatar name={title} size={56} />
        <div class="page-title">
          <h2>{title}</h2>
          <p class="quiet-text">
            {members.length} {members.length === 1 ? 'person' : 'people'}
          </p>
        </div>
        {!call && (
          <button type="button" class="primary" onClick={() => onCall(true)}>
            <Icon name="phone" size={20} />
            Start call
          </button>
        )}
      </header>
      {call && (
        <section class="call-banner" aria-label="Call that goes on">
          <span class="pulse" aria-hidden="true" />
          <p>
            <strong>{rings ? `${nameOf(conversation, call.startedBy)} is calling.` : 'A call goes on.'}</strong>{' '}
            {inCall.length > 0 ? `${listOf(inCall)} ${inCall.length === 1 ? 'is' : 'are'} there.` : ''}
          </p>
          <button type="button" class="primary" onClick={() => onCall(false)}>
            <Icon name="phone" size={20} />
            Join call
          </button>
        </section>
      )}
      <section class="people">
        <h3>People</h3>
        <ul>
          {members.map((member) => (
            <li key={member.user} class="person">
              <Avatar name={member.name} size={40} />
              <span class="person-words">
                <strong>
                  {member.name}
                  {member.user === me?.user && <span class="quiet-text"> (you)</span>}
                </strong>
                <span class="quiet-text">{addressOf(member.user)}</span>
              </span>
              <Organisation domain={member.domain} foreign={member.domain !== me?.domain} />
            </li>
          ))}
        </ul>
        <AddMember home={home} conversation={conversation} />
      </section>
    </article>
  );
}

function nameOf({ members }: Conversation, user: UserId): string {
  return members.find((each) => each.user === user)?.name ?? 'Somebody';
}

function AddMember({ home, conversation }: { home: Home; conversation: Conversation }) {
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
      await home.addMember(conversation.conversation, user);
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
    </form>
  );
}
