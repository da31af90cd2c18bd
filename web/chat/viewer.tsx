import { useEffect, useId, useState } from 'preact/hooks';
import type { Attachment } from '#client/content/content.ts';
import { announce } from '../lib/announce.ts';
import { plain } from '../lib/plain.ts';
import { save } from '../lib/save.ts';
import { percentOf } from '../lib/sizes.ts';
import { useModal } from '../lib/use-modal.ts';
import { useStore } from '../lib/use-store.ts';
import { useUrl } from '../lib/use-url.ts';
import { Icon } from '../parts/icon.tsx';
import { useTalk } from './context.ts';

interface Props {
  readonly attachment: Attachment;
  /** Address of the small picture, shown until the whole one is here. */
  readonly small: string | undefined;
  readonly onClose: () => void;
}

/** A picture as large as the screen lets it be. Escape closes it, as does a click beside it. */
export function Viewer({ attachment, small, onClose }: Props) {
  const { incoming } = useTalk();
  const { name, description, picture } = attachment;
  const fetched = useStore(incoming.of(attachment));
  const url = useUrl(fetched.state === 'here' ? fetched.blob : undefined);
  const modal = useModal(onClose);
  const title = useId();
  const [isBroken, setBroken] = useState(false);
  useEffect(() => void incoming.fetch(attachment, name), []);
  const shown = plain(name);
  const source = isBroken ? small : (url ?? small);
  const store = async () => {
    const done = await incoming.fetch(attachment, name);
    if (done.state !== 'here') return;
    save(done.blob, name);
    announce(`${shown} is downloaded`);
  };
  return (
    <dialog {...modal} class="viewer" aria-labelledby={title}>
      <header class="viewer-head">
        <h2 id={title}>
          <bdi>{shown}</bdi>
        </h2>
        <button type="button" class="quiet" onClick={() => void store()}>
          <Icon name="download" size={20} />
          Download
        </button>
        <button type="button" class="quiet icon-only" aria-label="Close" onClick={onClose}>
          <Icon name="close" />
        </button>
      </header>
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: Escape does the same */}
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the button above does the same */}
      <div class="viewer-stage" onClick={(event) => event.target === event.currentTarget && onClose()}>
        {source !== undefined && (
          <img
            src={source}
            width={picture?.width}
            height={picture?.height}
            alt={description === '' ? shown : plain(description)}
            onError={() => setBroken(true)}
          />
        )}
      </div>
      {fetched.state === 'coming' && (
        <progress
          class="viewer-progress"
          value={percentOf(fetched.progress.done, fetched.progress.total)}
          max={100}
          aria-label={`Fetching ${shown}`}
        />
      )}
      {fetched.state === 'failed' && (
        <p class="viewer-failure" role="alert">
          {fetched.failure.sentence}
          {fetched.failure.retry && (
            <button type="button" class="small" onClick={() => void incoming.fetch(attachment, name)}>
              Try again
            </button>
          )}
        </p>
      )}
    </dialog>
  );
}
