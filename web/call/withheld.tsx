import type { BrowserCall } from '#client/call.ts';
import type { Participant } from '#client/conference/participants.ts';
import type { Member } from '#signalling/client-home.ts';
import { domainOf, handleOf, userOfDevice } from '#signalling/ids.ts';
import { plain } from '../lib/plain.ts';
import { useStore } from '../lib/use-store.ts';
import { Icon } from '../parts/icon.tsx';
import { Message } from '../parts/message.tsx';
import { participantInWords } from './moderation-words.ts';

/** Somebody is in the call with a device that was not compared, though others of his were: nothing is sent before this person has decided. */
export function Withheld({ call, members }: { call: BrowserCall; members: readonly Member[] }) {
  const { withheldFrom = [] } = useStore(call.encryption);
  if (withheldFrom.length === 0) return null;
  const users = [...new Set(withheldFrom.map(({ device }) => userOfDevice(device)))];
  const names = users.map((user) => {
    const name = plain(members.find((member) => member.user === user)?.name ?? handleOf(user));
    return domainOf(user) === domainOf(call.self) ? name : `${name} of ${domainOf(user)}`;
  });
  return (
    <section class="message withheld" role="alert">
      <Icon name="warning" size={20} />
      <p>
        {names.join(', ')} {names.length === 1 ? 'has' : 'have'} a device in this call that you have not compared,
        though you have compared others. It may be a new one, or somebody else’s. Nothing of you is sent until you
        decide: ask over another way, then compare it, or send all the same.
      </p>
      <button type="button" onClick={() => call.allow(withheldFrom)}>
        Send all the same
      </button>
    </section>
  );
}

/** Somebody sends what cannot be decrypted here, and not for a moment. */
export function Apart({ call, people }: { call: BrowserCall; people: readonly Participant<MediaStreamTrack>[] }) {
  const { unreadable } = useStore(call.encryption);
  const names = people.flatMap((each) =>
    unreadable?.has(each.participant) ? [participantInWords(each, each.person?.name ?? 'Somebody')] : [],
  );
  if (names.length === 0) return null;
  return (
    <Message
      failure={{
        sentence: `What ${names.join(' and ')} ${names.length === 1 ? 'sends' : 'send'} cannot be decrypted here: you do not have the same keys. Compare the code of the call behind the lock. Where it differs, a server has made two calls of one: leave, and tell the administrators of both organisations.`,
      }}
    />
  );
}
