import { useEffect } from 'preact/hooks';
import type { Conversation } from '#signalling/client-home.ts';
import { announce } from '../lib/announce.ts';
import type { Chat } from '../lib/chat.ts';
import { useStore } from '../lib/use-store.ts';
import { Icon } from '../parts/icon.tsx';
import { awayWords, bannerWords, foreignDomains } from './foreign-words.ts';

/** That others read here, in the words of the administrator, and which of them cannot be reached. */
export function ForeignBanner({ chat, conversation }: { chat: Chat; conversation: Conversation }) {
  const { organisations, foreignBanner } = useStore(chat.home.store);
  const domains = foreignDomains(conversation, chat.me.domain);
  const banner = bannerWords(domains, foreignBanner);
  const away = awayWords(conversation, domains, organisations, Date.now());
  const said = away.join(' ');
  useEffect(() => {
    if (said !== '') announce(said);
  }, [said]);
  if (banner === undefined) return null;
  return (
    <section class="foreign-banner" aria-label="Other organisations">
      <p class="foreign-line">
        <Icon name="building" size={16} />
        <span dir="auto">{banner}</span>
      </p>
      {away.map((sentence) => (
        <p key={sentence} class="foreign-line foreign-away">
          <Icon name="clock" size={16} />
          <span>{sentence}</span>
        </p>
      ))}
    </section>
  );
}
