import type { Body } from '#client/content/content.ts';
import { Icon } from '../parts/icon.tsx';
import { useTabStop, useTalk } from './context.ts';
import { Files } from './files.tsx';
import { Said } from './text.tsx';

/** What a message says, by its kind. */
export function BodyView({ body }: { body: Body }) {
  switch (body.kind) {
    case 'text':
      return <Said text={body.text} />;
    case 'attachments':
      return (
        <>
          <Files attachments={body.attachments} />
          {body.caption && <Said text={body.caption} />}
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
