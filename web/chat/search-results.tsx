import { useEffect, useState } from 'preact/hooks';
import { wordsOf } from '#client/content/summary.ts';
import type { Found } from '#client/following.ts';
import { currentBody } from '#client/messages/message.ts';
import type { MessageRecord } from '#client/messages/records.ts';
import { announce } from '../lib/announce.ts';
import type { Chat } from '../lib/chat.ts';
import { useStore } from '../lib/use-store.ts';
import { shortWhen } from '../lib/when.ts';
import { around } from './excerpt.ts';
import { calledOf, peopleOf } from './people.ts';

const PAUSE_MS = 150;
const LIMIT = 50;

/** The newest messages on this device that have the words. The server knows nothing of what is looked for. */
export function SearchResults({ chat, query, onOpen }: { chat: Chat; query: string; onOpen: (found: Found) => void }) {
  const { conversations } = useStore(chat.home.store);
  const [found, setFound] = useState<readonly Found[]>();
  useEffect(() => {
    const timer = setTimeout(() => {
      const results = chat.following.search(query, LIMIT);
      setFound(results);
      announce(results.length === 0 ? 'Nothing found' : `${results.length} messages found`);
    }, PAUSE_MS);
    return () => clearTimeout(timer);
  }, [chat, query]);

  if (!found) return <p class="side-note">Searching…</p>;
  const results = found.flatMap((each) => {
    const conversation = conversations.find(({ conversation: id }) => id === each.conversation);
    const message = chat.following.messages(each.conversation)?.timeline.message(each.message);
    return conversation && message ? [{ each, conversation, message }] : [];
  });
  if (results.length === 0) {
    return (
      <p class="side-note">
        Nothing was found. The search knows what is on this device, and whole words and their beginnings.
      </p>
    );
  }
  return (
    <ul class="conversations" aria-label="Messages found">
      {results.map(({ each, conversation, message }) => (
        <li key={each.message}>
          <button type="button" class="conversation found-message" onClick={() => onOpen(each)}>
            <span class="conversation-words">
              <span class="conversation-top">
                <strong>
                  <bdi>{conversation.title}</bdi>
                </strong>
                <time class="quiet-text">{shortWhen(message.at, Date.now())}</time>
              </span>
              <bdi class="found-words" dir="auto">
                {calledOf(peopleOf(conversation, chat.me.user), message.sender)}:{' '}
                <Excerpt message={message} query={query} />
              </bdi>
            </span>
          </button>
        </li>
      ))}
      {results.length === LIMIT && (
        <li class="side-note">These are the {LIMIT} newest. Add a word to find older ones.</li>
      )}
    </ul>
  );
}

function Excerpt({ message, query }: { message: MessageRecord; query: string }) {
  const body = currentBody(message);
  const { before, match, after } = around(body ? wordsOf(body) : '', query);
  return (
    <>
      {before}
      {match && <mark>{match}</mark>}
      {after}
    </>
  );
}
