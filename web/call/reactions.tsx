import type { BrowserCall } from '#client/call.ts';
import type { Reaction } from '#client/conference/reactions.ts';
import { SIGNS, type Sign } from '#client/conference/signals.ts';
import { announce } from '../lib/announce.ts';
import { Popup } from '../parts/popup.tsx';

const NAMES: Readonly<Record<Sign, string>> = {
  '👍': 'Thumbs up',
  '👏': 'Applause',
  '❤️': 'Heart',
  '😂': 'Laughter',
  '😮': 'Surprise',
  '🎉': 'Celebration',
};

/** The six signs, beside the button that opened them. */
export function ReactPopup({ call, anchor, onClose }: { call: BrowserCall; anchor: HTMLElement; onClose: () => void }) {
  const react = async (sign: Sign) => {
    const isSaid = await call.reactions.react(sign).catch(() => false);
    announce(
      isSaid ? `You react with ${sign}` : 'Nothing of you is sent now, so that nobody sees it. Try again in a moment.',
    );
  };
  return (
    <Popup anchor={anchor} label="React" class="emoji-grid" onClose={onClose}>
      {SIGNS.map((sign) => (
        <button
          key={sign}
          type="button"
          class="quiet icon-only emoji"
          aria-label={NAMES[sign]}
          title={NAMES[sign]}
          onClick={() => {
            onClose();
            void react(sign);
          }}
        >
          {sign}
        </button>
      ))}
    </Popup>
  );
}

/** Over a tile; its label says it in words. */
export function TileReactions({ reactions }: { reactions: readonly Reaction[] }) {
  if (reactions.length === 0) return null;
  return (
    <span class="tile-reactions" aria-hidden="true">
      {reactions.map(({ id, sign }) => (
        <span key={id} class="emoji">
          {sign}
        </span>
      ))}
    </span>
  );
}
