import { useEffect, useState } from 'preact/hooks';
import { guestUrl } from '#client/calls/guests.ts';
import type { Home } from '#client/home.ts';
import type { GuestLinks as Links, MadeGuestLink } from '#signalling/guests.ts';
import type { ConversationId } from '#signalling/ids.ts';
import { announce } from '../lib/announce.ts';
import { useAttempt } from '../lib/use-attempt.ts';
import { fullWhen } from '../lib/when.ts';
import { Icon } from '../parts/icon.tsx';
import { Message } from '../parts/message.tsx';

/** Links by which people without an account come to the call; what is in one is seen once, when it is made. */
export function GuestLinks({ home: { moderating }, conversation }: { home: Home; conversation: ConversationId }) {
  const { busy, failure, run } = useAttempt();
  const [links, setLinks] = useState<Links['links']>([]);
  const [made, setMade] = useState<MadeGuestLink>();
  const list = async () => setLinks(await moderating.guestLinks(conversation));
  useEffect(() => void run(list), [conversation]);
  const make = () =>
    run(async () => {
      setMade(await moderating.makeGuestLink(conversation));
      await list();
    });
  const takeBack = (id: string) =>
    run(async () => {
      await moderating.takeBackGuestLink(conversation, id);
      if (made?.id === id) setMade(undefined);
      announce('Link taken back');
      await list();
    });
  return (
    <section>
      <h3>Guests</h3>
      <p class="quiet-text">
        Whoever has a link may ask to be let in, without an account. A link ends with the call, at the latest after a
        day.
      </p>
      {failure && <Message failure={failure} />}
      {made && <MadeLink url={guestUrl(location.origin, made.token)} />}
      <button type="button" disabled={busy} onClick={() => void make()}>
        Invite by link
      </button>
      {links.length > 0 && (
        <ul class="moderation-people">
          {links.map(({ id, createdAt }) => (
            <li key={id}>
              <span>Link made {fullWhen(createdAt, Date.now())}</span>
              <button type="button" onClick={() => void takeBack(id)}>
                Take back
              </button>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function MadeLink({ url }: { url: string }) {
  const [words, setWords] = useState('Copy');
  useEffect(() => setWords('Copy'), [url]);
  const copy = () =>
    navigator.clipboard.writeText(url).then(
      () => {
        setWords('Copied');
        announce('Copied');
      },
      () => announce('Copying is not allowed here. Select it and copy it by hand.'),
    );
  return (
    <p class="with-button">
      <output class="invitation-code" aria-label="Link for guests" dir="ltr">
        {url}
      </output>
      <button type="button" class="small" onClick={() => void copy()}>
        <Icon name="copy" size={16} />
        {words}
        <span class="sr-only"> the link</span>
      </button>
    </p>
  );
}
