/** The files of a message: pictures are shown, everything else is stored when somebody wants it. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { kindOf, shownType } from '#client/assets/kind.ts';
import type { Attachment, Picture, StoredFile } from '#client/content/content.ts';
import type { Fetched } from '#client/files/incoming-files.ts';
import { SMALL_BYTES } from '#client/files/preview.ts';
import { obstacleTo, sizeOfFile } from '#client/files/stored-file.ts';
import { announce } from '../lib/announce.ts';
import { plain } from '../lib/plain.ts';
import { save } from '../lib/save.ts';
import { percentOf, roomOf, sizeOf, typeOf } from '../lib/sizes.ts';
import { useStore } from '../lib/use-store.ts';
import { useUrl } from '../lib/use-url.ts';
import { Icon } from '../parts/icon.tsx';
import { useTabStop, useTalk } from './context.ts';
import { Viewer } from './viewer.tsx';

/** Of a picture without a small one beside it: more is fetched only when somebody asks for it. Bytes. */
const UNASKED = 4 * SMALL_BYTES;

export function Files({ attachments }: { attachments: readonly Attachment[] }) {
  const pictures = attachments.filter(isPicture);
  const others = attachments.filter((each) => !isPicture(each));
  return (
    <>
      {pictures.length > 0 && (
        <ul class={pictures.length > 1 ? 'pictures several' : 'pictures'}>
          {pictures.map((each) => (
            <li key={each.asset}>
              <PictureView attachment={each} picture={each.picture} />
            </li>
          ))}
        </ul>
      )}
      {others.length > 0 && (
        <ul class="files">
          {others.map((each) => (
            <FileView key={each.asset} attachment={each} />
          ))}
        </ul>
      )}
    </>
  );
}

type Shown = Attachment & { readonly picture: Picture };

/** Only of the kinds that hold nothing but a picture: a drawing (SVG) or a page is a file, whatever its sender calls it. */
function isPicture(attachment: Attachment): attachment is Shown {
  const { contentType, name, picture } = attachment;
  return picture !== undefined && shownType(contentType).startsWith('image/') && kindOf(contentType, name) === 'image';
}

/** Where a file comes from, and how far it is. */
function useFetched(file: StoredFile, name: string): [fetched: Fetched, fetch: () => Promise<Fetched>] {
  const { incoming } = useTalk();
  const fetched = useStore(incoming.of(file));
  return [fetched, () => incoming.fetch(file, name)];
}

function PictureView({ attachment, picture }: { attachment: Attachment; picture: Picture }) {
  const tabIndex = useTabStop();
  const small = picture.preview ?? attachment;
  const [fetched, fetch] = useFetched(small, attachment.name);
  const url = useUrl(fetched.state === 'here' ? fetched.blob : undefined);
  const button = useRef<HTMLButtonElement>(null);
  const [open, setOpen] = useState(false);
  const [isBroken, setBroken] = useState(false);
  const [asked, setAsked] = useState(false);
  const isObstructed = obstacleTo(small) !== undefined;
  const comesBySelf = !isObstructed && sizeOfFile(small) <= UNASKED;
  useEffect(() => {
    const element = button.current;
    if (!element || fetched.state !== 'away' || !(comesBySelf || asked)) return;
    const sight = new IntersectionObserver(
      ([entry]) => {
        if (entry?.isIntersecting) void fetch();
      },
      { rootMargin: '400px' },
    );
    sight.observe(element);
    return () => sight.disconnect();
  }, [fetched.state, comesBySelf, asked]);

  const { width, height } = roomOf(picture);
  const name = plain(attachment.name);
  const what = attachment.description === '' ? name : plain(attachment.description);
  const press = () => {
    if (url !== undefined) setOpen(true);
    else if (fetched.state === 'failed') void fetch();
    else setAsked(true);
  };
  if (isBroken || isObstructed) return <FileView attachment={attachment} />;
  return (
    <>
      <button
        ref={button}
        type="button"
        class="picture"
        tabIndex={tabIndex}
        style={{ '--room-width': `${width}px`, '--room-ratio': `${width} / ${height}` }}
        aria-label={url === undefined ? `Show the picture ${what}` : `Picture: ${what}. Open it large`}
        aria-busy={fetched.state === 'coming'}
        onClick={press}
      >
        {url === undefined ? (
          <PictureWait fetched={fetched} bytes={comesBySelf ? undefined : sizeOfFile(small)} />
        ) : (
          <img src={url} alt="" draggable={false} onError={() => setBroken(true)} />
        )}
      </button>
      {open && <Viewer attachment={attachment} small={url} onClose={() => setOpen(false)} />}
    </>
  );
}

/** In the place of a picture that is not here. @param bytes where somebody has to ask for it */
function PictureWait({ fetched, bytes }: { fetched: Fetched; bytes: number | undefined }) {
  if (fetched.state === 'failed') {
    return (
      <span class="picture-wait">
        <Icon name="warning" size={22} />
        <span>{fetched.failure.sentence}</span>
        {fetched.failure.retry && <strong>Try again</strong>}
      </span>
    );
  }
  if (fetched.state === 'coming' || bytes === undefined) {
    return (
      <span class="picture-wait">
        <Icon name="image" size={26} />
      </span>
    );
  }
  return (
    <span class="picture-wait">
      <Icon name="image" size={26} />
      <span>Show, {sizeOf(bytes)}</span>
    </span>
  );
}

function FileView({ attachment }: { attachment: Attachment }) {
  const { incoming } = useTalk();
  const tabIndex = useTabStop();
  const { name, contentType, description } = attachment;
  const [fetched, fetch] = useFetched(attachment, name);
  const obstacle = obstacleTo(attachment);
  const shown = plain(name);
  const isProgram = kindOf(contentType, name) === 'program';
  const store = async () => {
    const done = await fetch();
    if (done.state === 'here') {
      save(done.blob, name);
      announce(`${shown} is downloaded`);
    } else if (done.state === 'failed') announce(done.failure.sentence);
  };
  const [wantsPlay, setWantsPlay] = useState(false);
  const medium = mediumOf(attachment);
  const play = async () => {
    setWantsPlay(true);
    const done = await fetch();
    if (done.state === 'failed') announce(done.failure.sentence);
  };
  const played = useUrl(wantsPlay && medium && fetched.state === 'here' ? fetched.blob : undefined);
  const percent = fetched.state === 'coming' ? percentOf(fetched.progress.done, fetched.progress.total) : 0;
  return (
    <li class="file">
      <Icon name={isProgram ? 'warning' : 'file'} />
      <span class="file-words">
        <bdi class="file-name">{shown}</bdi>
        <span class="quiet-text">
          {sizeOf(sizeOfFile(attachment))} · {typeOf(contentType, name)}
          {description !== '' && <bdi> · {description}</bdi>}
        </span>
        {isProgram && <span class="file-warning">Open it only if you expected it: a program can do harm.</span>}
        {fetched.state === 'coming' && (
          <progress value={percent} max={100} aria-label={`Fetching ${shown}`}>
            {percent} %
          </progress>
        )}
        {obstacle && <span class="file-warning">{obstacle.message}</span>}
        {fetched.state === 'failed' && <span class="file-warning">{fetched.failure.sentence}</span>}
      </span>
      {medium && !obstacle && !wantsPlay && fetched.state !== 'coming' && (
        <button
          type="button"
          class="quiet icon-only"
          tabIndex={tabIndex}
          aria-label={`Play ${shown}`}
          title="Play"
          onClick={() => void play()}
        >
          <Icon name="play" size={20} />
        </button>
      )}
      {!obstacle &&
        (fetched.state === 'coming' ? (
          <button
            type="button"
            class="quiet icon-only"
            tabIndex={tabIndex}
            aria-label={`Stop fetching ${shown}`}
            onClick={() => incoming.cancel(attachment)}
          >
            <Icon name="close" size={20} />
          </button>
        ) : (
          <button
            type="button"
            class="quiet icon-only"
            tabIndex={tabIndex}
            aria-label={fetched.state === 'failed' ? `Try again to download ${shown}` : `Download ${shown}`}
            title="Download"
            onClick={() => void store()}
          >
            <Icon name="download" size={20} />
          </button>
        ))}
      {played !== undefined && medium && <Player medium={medium} url={played} name={shown} />}
    </li>
  );
}

type Medium = 'audio' | 'video';

/** What a page may play; undefined for everything else. */
function mediumOf({ contentType, name }: Attachment): Medium | undefined {
  const kind = kindOf(contentType, name);
  const isShown = shownType(contentType).startsWith(`${kind}/`);
  return isShown && (kind === 'audio' || kind === 'video') ? kind : undefined;
}

/** Begins by itself, because somebody has just pressed for it. */
function Player({ medium, url, name }: { medium: Medium; url: string; name: string }) {
  const [isBroken, setBroken] = useState(false);
  if (isBroken) return <p class="file-warning player">This browser cannot play it. Download it and open it there.</p>;
  const common = { class: 'player', src: url, controls: true, autoplay: true, 'aria-label': name } as const;
  return medium === 'audio' ? (
    <audio {...common} onError={() => setBroken(true)} />
  ) : (
    <video {...common} playsInline onError={() => setBroken(true)} />
  );
}
