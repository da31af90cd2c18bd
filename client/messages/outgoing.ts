/** What was shown at once on the device that wrote it, and is taken back where the hub refused it. */
import type { Draft } from './draft.ts';
import { type Reader, withoutDeletion, withoutReaction, withoutVersion } from './message.ts';
import { keys, type MessageRecord, type Said } from './records.ts';

/** Leaves the message that it was about as if it had never been said. */
export function undone(draft: Draft, said: Said, reader: Reader): void {
  const { id, content } = said;
  switch (content.kind) {
    case 'edit':
      draft.drop(keys.ref(id));
      return change(draft, said, content.target, (message) => withoutVersion(message, id, reader));
    case 'reaction':
      draft.drop(keys.ref(id));
      return change(draft, said, content.target, (message) => withoutReaction(message, id));
    case 'unreact':
      return change(draft, said, content.reaction, (message) => withoutReaction(message, id));
    case 'delete':
      return change(draft, said, content.target, (message) => withoutReaction(withoutDeletion(message, id), id));
    default:
      return;
  }
}

function change(draft: Draft, { id }: Said, target: Said['id'], step: (message: MessageRecord) => MessageRecord): void {
  draft.drop(keys.waiting(target, id));
  const message = draft.message(target) ?? draft.message(draft.ref(target)?.message ?? target);
  if (message !== undefined) draft.put(step(message));
}
