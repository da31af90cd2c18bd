import { useState } from 'preact/hooks';
import { type Failure, failureOf } from '#client/failure.ts';
import type { Messenger } from '#client/messenger.ts';
import type { User } from '#signalling/client-home.ts';
import { addressOf, type ConversationId, parseAddress } from '#signalling/ids.ts';
import { plain } from '../lib/plain.ts';
import { Dialog } from './dialog.tsx';
import { Icon } from './icon.tsx';
import { Message } from './message.tsx';
import { Organisation } from './organisation.tsx';

interface Props {
  readonly messenger: Messenger;
  readonly me: User | undefined;
  readonly onClose: () => void;
  readonly onCreated: (conversation: ConversationId) => void;
}

export function NewConversation({ messenger, me, onClose, onCreated }: Props) {
  const [title, setTitle] = useState('');
  const [address, setAddress] = useState('');
  const [people, setPeople] = useState<readonly User[]>([]);
  const [failure, setFailure] = useState<Failure>();
  const [busy, setBusy] = useState(false);

  /** Looks the typed address up; undefined where it is wrong, with the reason shown. */
  const find = async (): Promise<readonly User[] | undefined> => {
    if (address.trim() === '') return people;
    const id = parseAddress(address);
    if (!id) {
      const sentence = 'An address looks like @bob@beta.example. Check how it is written.';
      setFailure({ code: 'ADDRESS', sentence, retry: true });
      return undefined;
    }
    const found = await messenger.home.findUser(addressOf(id));
    const next = [...people.filter(({ user }) => user !== found.user), found];
    setPeople(next);
    setAddress('');
    return next;
  };

  const guarded = async (work: () => Promise<void>) => {
    setBusy(true);
    setFailure(undefined);
    try {
      await work();
    } catch (error) {
      setFailure(failureOf(error));
    } finally {
      setBusy(false);
    }
  };
  const create = () =>
    guarded(async () => {
      const members = await find();
      if (!members) return;
      const name =
        title.trim() ||
        members
          .map((each) => each.name)
          .join(', ')
          .slice(0, 120) ||
        'Notes';
      const made = await messenger.create(
        name,
        members.map(({ user }) => user),
      );
      onCreated(made.conversation);
    });

  return (
    <Dialog title="New conversation" onClose={onClose}>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void create();
        }}
      >
        {failure && <Message failure={failure} />}
        <label>
          <span>With whom? Their address</span>
          <span class="with-button">
            <input
              value={address}
              onInput={(event) => setAddress(event.currentTarget.value)}
              placeholder="@bob@beta.example"
              autocapitalize="none"
              spellcheck={false}
            />
            <button
              type="button"
              disabled={busy || address.trim() === ''}
              onClick={() => void guarded(async () => void (await find()))}
            >
              Add
            </button>
          </span>
        </label>
        {people.length > 0 && (
          <ul class="chosen">
            {people.map((person) => (
              <li key={person.user}>
                <strong>
                  <bdi>{person.name}</bdi>
                </strong>
                <Organisation domain={person.domain} foreign={person.domain !== me?.domain} />
                <button
                  type="button"
                  class="quiet icon-only"
                  aria-label={`Take ${plain(person.name)} out`}
                  onClick={() => setPeople(people.filter(({ user }) => user !== person.user))}
                >
                  <Icon name="close" size={16} />
                </button>
              </li>
            ))}
          </ul>
        )}
        <label>
          <span>Name of the conversation (optional)</span>
          <input value={title} maxLength={120} onInput={(event) => setTitle(event.currentTarget.value)} />
        </label>
        <footer class="dialog-foot">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="primary" disabled={busy || (people.length === 0 && address.trim() === '')}>
            {busy ? 'One moment…' : 'Create'}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
