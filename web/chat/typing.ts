import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { ConversationMessages } from '#client/messages/conversation.ts';
import { MAX_REPORTING } from '#client/messages/reports.ts';
import { TYPING_EVERY, typingAt } from '#client/messages/typing.ts';
import type { UserId } from '#signalling/ids.ts';
import { useStore } from '../lib/use-store.ts';

/** Tells the others that this person writes: again while it goes on, and when it ends. Not in large conversations, nor offline. */
export function useTypingTold(messages: ConversationMessages, others: number, connected: boolean) {
  const last = useRef<number | undefined>(undefined);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const may = connected && others > 0 && others < MAX_REPORTING;
  const told = useMemo(() => {
    const tell = (active: boolean) => {
      last.current = active ? Date.now() : undefined;
      messages.tellTyping(active);
    };
    const stopped = () => {
      clearTimeout(timer.current);
      if (last.current !== undefined) tell(false);
    };
    return {
      stopped,
      wrote: () => {
        if (!may) return;
        clearTimeout(timer.current);
        timer.current = setTimeout(stopped, TYPING_EVERY);
        if (last.current === undefined || Date.now() - last.current >= TYPING_EVERY) tell(true);
      },
    };
  }, [messages, may]);
  useEffect(() => told.stopped, [told]);
  return told;
}

/** Who is writing now. */
export function useTyping(messages: ConversationMessages): readonly UserId[] {
  const typing = useStore(messages.typing);
  const [, setTurn] = useState(0);
  const { users, next } = typingAt(typing, Date.now());
  useEffect(() => {
    if (next === undefined) return;
    const timer = setTimeout(() => setTurn((turn) => turn + 1), Math.max(50, next - Date.now()));
    return () => clearTimeout(timer);
  }, [next]);
  return users;
}
