/** What became another one in a conversation, as a sentence. Pure. */
import type { UserId } from '#signalling/ids.ts';
import type { NoticeChange } from '#signalling/notice.ts';
import { plain } from '../lib/plain.ts';
import { strangerName } from './mentions.ts';
import type { People } from './people.ts';

interface Named {
  readonly user: UserId;
  readonly name: string;
}

export function noticeWords(change: NoticeChange, people: Pick<People, 'self'>): string {
  const isMe = ({ user }: Named) => user === people.self;
  const subject = (who: Named) => (isMe(who) ? 'You' : nameIn(who));
  const object = (who: Named) => (isMe(who) ? 'you' : nameIn(who));
  switch (change.type) {
    case 'added':
      return change.by ? `${subject(change.by)} added ${object(change.who)}.` : `${subject(change.who)} came in.`;
    case 'removed':
      if (change.by) return `${subject(change.by)} removed ${object(change.who)}.`;
      return `The conversation is over for ${object(change.who)}: nobody is left who can decide in it.`;
    case 'left':
      return `${subject(change.who)} left.`;
    case 'role': {
      const { who, by, role } = change;
      const is = isMe(who) ? 'You are' : `${nameIn(who)} is`;
      if (!by) return `${is} an administrator now, as nobody else was left to be one.`;
      if (by.user === who.user) return `${is} no longer an administrator.`;
      if (role === 'admin') return `${subject(by)} made ${object(who)} an administrator.`;
      return `${subject(by)} took the role of an administrator from ${object(who)}.`;
    }
    case 'title':
      return `${change.by ? subject(change.by) : 'Somebody'} renamed the conversation to “${plain(change.title)}”.`;
  }
}

function nameIn({ user, name }: Named): string {
  const shown = plain(name).trim();
  return shown === '' ? strangerName(user) : shown;
}
