import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Connection, ConnectionOperation } from '#signalling/connections.ts';
import { addressOf, domainOf, parseAddress } from '#signalling/ids.ts';
import { announce } from '../lib/announce.ts';
import type { Chat } from '../lib/chat.ts';
import { plain } from '../lib/plain.ts';
import { useAttempt } from '../lib/use-attempt.ts';
import { useStore } from '../lib/use-store.ts';
import { AddressInput } from '../parts/address-input.tsx';
import { Avatar } from '../parts/avatar.tsx';
import { Message } from '../parts/message.tsx';
import { Organisation } from '../parts/organisation.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { BlockDialog } from './block-dialog.tsx';
import { sections, type Verb, whoToAsk } from './sections.ts';

/** Whom this person knows, who asks to be known, and who is blocked. */
export function PeoplePage({ chat, onBack }: { chat: Chat; onBack: () => void }) {
  const { connections, me } = chat;
  const list = useStore(connections.store);
  const { failure, run, dismiss } = useAttempt();
  const [blocking, setBlocking] = useState<Connection>();
  useEffect(() => {
    void run(() => connections.refresh());
  }, [connections]);
  const act = (connection: Connection, operation: ConnectionOperation, done: string) =>
    void run(async () => {
      await connections.act(connection.user, operation);
      announce(`${plain(connection.name)}: ${done}`);
    });
  const shown = sections(list);
  return (
    <section class="devices-page" aria-label="People">
      <PageHead title="People" onBack={onBack}>
        Who asks to reach you, whom you are connected with, and whom you have blocked.
      </PageHead>
      {failure && <Message failure={failure} onDismiss={dismiss} />}
      <Ask chat={chat} />
      {shown.map(({ title, words, people, verbs }) => (
        <section key={title} class="people known" aria-label={title}>
          <h3>{title}</h3>
          <p class="quiet-text">{words}</p>
          <ul>
            {people.map((each) => (
              <Known key={each.user} connection={each} isForeign={each.domain !== me.domain}>
                {verbs.map((verb) => (
                  <VerbButton
                    key={verb.operation}
                    verb={verb}
                    name={plain(each.name)}
                    onPress={() =>
                      verb.operation === 'block' ? setBlocking(each) : act(each, verb.operation, verb.done)
                    }
                  />
                ))}
              </Known>
            ))}
          </ul>
        </section>
      ))}
      {shown.length === 0 && (
        <p class="quiet-text known-none">
          Nobody asks for anything, and nobody is blocked. People of your organisation may reach you without a request
          where its administrator allows that.
        </p>
      )}
      {blocking && (
        <BlockDialog
          connections={connections}
          user={blocking.user}
          name={plain(blocking.name)}
          onClose={() => setBlocking(undefined)}
        />
      )}
    </section>
  );
}

function Known(props: { connection: Connection; isForeign: boolean; children: ComponentChildren }) {
  const { user, name, domain } = props.connection;
  return (
    <li class="person">
      <Avatar name={name} size={40} />
      <span class="person-words">
        <strong>
          <bdi>{name}</bdi>
        </strong>
        <span class="quiet-text">{addressOf(user)}</span>
      </span>
      {props.isForeign && <Organisation domain={domain} foreign />}
      <span class="person-verbs">{props.children}</span>
    </li>
  );
}

function VerbButton({ verb, name, onPress }: { verb: Verb; name: string; onPress: () => void }) {
  const classes = verb.operation === 'accept' ? 'primary small' : verb.operation === 'block' ? 'quiet small' : 'small';
  return (
    <button type="button" class={classes} onClick={onPress}>
      {verb.label}
      <span class="sr-only"> {name}</span>
    </button>
  );
}

/** Asks somebody for a connection, by address. */
function Ask({ chat: { connections, home, me } }: { chat: Chat }) {
  const [address, setAddress] = useState('');
  const { busy, failure, submit, dismiss } = useAttempt();
  const ask = async () => {
    const user = whoToAsk(parseAddress(address), me);
    const { name, state } = await connections.act(user, 'request');
    announce(state === 'connected' ? `You are connected with ${name}` : `${name} is asked`);
    setAddress('');
  };
  return (
    <form class="add-member" onSubmit={submit(ask)}>
      {failure && <Message failure={failure} onDismiss={dismiss} />}
      <label for="ask-address">
        <span>Ask somebody to connect, by address</span>
      </label>
      <span class="with-button">
        <AddressInput
          id="ask-address"
          home={home}
          value={address}
          onInput={setAddress}
          placeholder={`@bob@${domainOf(me.user)}`}
          required
        />
        <button type="submit" disabled={busy}>
          {busy ? 'Asking…' : 'Ask'}
        </button>
      </span>
    </form>
  );
}
