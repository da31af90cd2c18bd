import type { DomainName } from '#signalling/ids.ts';
import { Icon } from './icon.tsx';

/** Which organisation somebody belongs to. Another one than one's own is marked by the word and by the colour. */
export function Organisation({ domain, foreign }: { domain: DomainName; foreign: boolean }) {
  return (
    <span class={foreign ? 'organisation foreign' : 'organisation'}>
      {foreign && <Icon name="building" size={14} />}
      <span>{domain}</span>
      {foreign && <span class="organisation-word">external</span>}
    </span>
  );
}
