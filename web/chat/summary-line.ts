/** The last message of a conversation as one line of its list. Pure. */
import { excerptOf } from '#client/content/summary.ts';
import type { Item } from '#client/messages/view.ts';
import { noticeWords } from './notice-words.ts';
import { calledOf, type People } from './people.ts';

/** @param item the last one @param isPair whether only one other person could have said it */
export function summaryLine(item: Item, people: People): string {
  if (item.kind === 'gap') return 'A message that cannot be read here';
  if (item.kind === 'notice') return noticeWords(item.change, people);
  const who = item.sender !== people.self && people.others.length === 1 ? '' : `${calledOf(people, item.sender)}: `;
  if (item.state === 'deleted') return `${who}message deleted`;
  if (item.state === 'expired') return `${who}message vanished`;
  switch (item.body?.kind) {
    case 'ping':
      return `${who}knocked`;
    case 'attachments': {
      const count = item.body.attachments.length;
      const words = item.body.caption ? excerptOf(item.body, 100) : item.body.attachments[0]?.name;
      return `${who}${count === 1 ? 'File' : `${count} files`}: ${words}`;
    }
    case 'session':
      return `${who}a call`;
    case undefined:
    case 'other':
      return `${who}a message`;
    case 'text':
      return `${who}${excerptOf(item.body, 100)}`;
  }
}
