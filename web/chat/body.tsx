import type { Attachment, Body } from '#client/content/content.ts';
import { Icon } from '../parts/icon.tsx';
import { useTabStop, useTalk } from './context.ts';
import { Said } from './text.tsx';

/** What a message says, by its kind. */
export function BodyView({ body }: { body: Body }) {
  switch (body.kind) {
    case 'text':
      return <Said text={body.text} />;
    case 'attachments':
      return (
        <>
          {body.caption && <Said text={body.caption} />}
          <ul class="files">
            {body.attachments.map((each) => (
              <File key={each.asset} attachment={each} />
            ))}
          </ul>
        </>
      );
    case 'ping':
      return <p>Knock, knock</p>;
    case 'session':
      return <Session url={body.url} description={body.description} isHere={body.conference !== undefined} />;
    case 'other':
      return (
        <p class="quiet-text">
          This version of Hawser cannot show this message. Reload the page to get the newest version.
          {body.description !== '' && <bdi> “{body.description}”</bdi>}
        </p>
      );
  }
}

function File({ attachment: { name, size, description } }: { attachment: Attachment }) {
  return (
    <li class="file">
      <Icon name="file" />
      <span class="file-words">
        <bdi class="file-name">{name}</bdi>
        <span class="quiet-text">
          {sizeOf(size)}
          {description !== '' && <bdi> · {description}</bdi>}
        </span>
      </span>
    </li>
  );
}

/** A call of this conversation has its button at the top; one elsewhere on the web always asks, since nobody here knows it. */
function Session({ url, description, isHere }: { url: string; description: string; isHere: boolean }) {
  const { ask } = useTalk();
  const tabIndex = useTabStop();
  return (
    <p class="with-icon">
      <Icon name="phone" size={18} />
      <bdi>{description === '' ? 'A call' : description}</bdi>
      {!isHere && (
        <button type="button" class="small" tabIndex={tabIndex} onClick={() => ask(url)}>
          Open
        </button>
      )}
    </p>
  );
}

/** @param bytes 0 or more */
export function sizeOf(bytes: number): string {
  if (bytes < 1_000) return `${bytes} bytes`;
  const [value, unit] =
    bytes < 999_500 ? [bytes / 1e3, 'kB'] : bytes < 999_500_000 ? [bytes / 1e6, 'MB'] : [bytes / 1e9, 'GB'];
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${unit}`;
}
