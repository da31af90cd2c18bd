import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { Calls } from '#client/calls/calls.ts';
import type { MessageId } from '#client/content/message-id.ts';
import type { IncomingFiles } from '#client/files/incoming-files.ts';
import type { ConversationMessages } from '#client/messages/conversation.ts';
import type { MessageItem } from '#client/messages/view.ts';
import type { People } from './people.ts';

/** What every part of a conversation on the screen needs: who is there, and what can be done to its messages. */
export interface Talk {
  readonly messages: ConversationMessages;
  readonly people: People;
  readonly incoming: IncomingFiles;
  readonly calls: Calls;
  readonly react: (item: MessageItem, emoji: string) => void;
  readonly reply: (item: MessageItem) => void;
  readonly edit: (item: MessageItem) => void;
  readonly remove: (item: MessageItem) => void;
  readonly again: (item: MessageItem) => void;
  readonly discard: (item: MessageItem) => void;
  readonly jump: (id: MessageId) => void;
  /** Asks before a link opens whose text says something else. */
  readonly ask: (href: string) => void;
}

const TalkContext = createContext<Talk | undefined>(undefined);
export const TalkProvider = TalkContext.Provider;

export function useTalk(): Talk {
  const talk = useContext(TalkContext);
  if (!talk) throw new Error('this belongs inside a conversation');
  return talk;
}

/** Whether the message around it is the one that the keyboard is at: only there the Tab key stops. */
const StopContext = createContext(true);
export const StopProvider = StopContext.Provider;

/** For `tabIndex`. */
export function useTabStop(): 0 | -1 {
  return useContext(StopContext) ? 0 : -1;
}
