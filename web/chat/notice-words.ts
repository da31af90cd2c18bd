/** What became another one in a conversation, as a sentence. Pure. */
import { type DomainName, domainOf, type UserId } from '#signalling/ids.ts';
import type { NoticeChange } from '#signalling/notice.ts';
import { plain } from '../lib/plain.ts';
import { strangerName } from './mentions.ts';
import { type People, withOrganisation } from './people.ts';

interface Named {
  readonly user: UserId;
  readonly name: string;
}

export function noticeWords(change: NoticeChange, people: Pick<People, 'self'>): string {
  const isMe = ({ user }: Named) => user === people.self;
  const nameIn = (who: Named) => withOrganisation(shownName(who), who.user, people.self);
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
    case 'parted':
      if (change.over) {
        return `This conversation is over for you: it is kept by ${change.domain}, and your organisation does not work with it any more.`;
      }
      return `Everybody of ${change.domain} was taken out: the organisation that keeps this conversation does not work with theirs any more.`;
    case 'undelivered':
      return undeliveredWords(change.domain, change.count, people);
    case 'title':
      return `${change.by ? subject(change.by) : 'Somebody'} renamed the conversation to “${plain(change.title)}”.`;
  }
}

function undeliveredWords(domain: DomainName, count: number, { self }: Pick<People, 'self'>): string {
  const messages = count === 1 ? 'One message' : `${count} messages`;
  const them = count === 1 ? 'it' : 'them';
  if (domainOf(self) === domain) {
    return `${messages} did not reach your organisation, which was away for too long. Ask for ${them} to be sent again.`;
  }
  return `${messages} did not reach ${domain}, which was away for too long. Send ${them} again if its people need ${them}.`;
}

function shownName({ user, name }: Named): string {
  const shown = plain(name).trim();
  return shown === '' ? strangerName(user) : shown;
}
