import { useState } from 'preact/hooks';
import { DeviceError } from '#client/failure.ts';
import type { Messenger } from '#client/messenger.ts';
import type { User } from '#signalling/client-home.ts';
import { addressOf, type ConversationId, parseAddress } from '#signalling/ids.ts';
import { plain } from '../lib/plain.ts';
import { useAttempt } from '../lib/use-attempt.ts';
import { AddressInput } from './address-input.tsx';
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
  const { busy, failure, run, submit } = useAttempt();

  /** Everybody who was chosen, with who is typed at the moment. */
  const find = async (): Promise<readonly User[]> => {
    if (address.trim() === '') return people;
    const id = parseAddress(address);
    if (!id) throw new DeviceError('ADDRESS_FORM');
    const found = await messenger.home.findUser(addressOf(id));
    const next = [...people.filter(({ user }) => user !== found.user), found];
    setPeople(next);
    setAddress('');
    return next;
  };

  const create = async () => {
    const members = await find();
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
  };

  return (
    <Dialog title="New conversation" onClose={onClose}>
      <form class="stack" onSubmit={submit(create)}>
        {failure && <Message failure={failure} />}
        <label>
          <span>With whom? Their address</span>
          <span class="with-button">
            <AddressInput home={messenger.home} value={address} onInput={setAddress} placeholder="@bob@beta.example" />
            <button type="button" disabled={busy || address.trim() === ''} onClick={() => void run(find)}>
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
