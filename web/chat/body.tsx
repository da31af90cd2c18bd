import type { Outcome } from '#client/calls/log.ts';
import type { Body } from '#client/content/content.ts';
import { useStore } from '../lib/use-store.ts';
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
      return <Session {...body} />;
    case 'other':
      return (
        <p class="quiet-text">
          This version of Hawser cannot show this message. Reload the page to get the newest version.
          {body.description !== '' && <bdi> “{body.description}”</bdi>}
        </p>
      );
  }
}

/** What came of a call, for whoever looks at it here. */
const CAME_OF_IT: Readonly<Record<Outcome, string>> = {
  open: 'A call',
  answered: 'A call',
  declined: 'A call that you declined',
  missed: 'A call that you missed',
  unanswered: 'A call that nobody answered',
};

/** A call of this conversation has its button at the top; one elsewhere on the web always asks, since nobody here knows it. */
function Session({ url, description, conference }: Extract<Body, { readonly kind: 'session' }>) {
  const { ask, calls } = useTalk();
  const logged = useStore(calls.log.store);
  const outcome = conference && logged.get(conference)?.outcome;
  const tabIndex = useTabStop();
  return (
    <p class="with-icon">
      <Icon name="phone" size={18} />
      <bdi>{description === '' ? CAME_OF_IT[outcome ?? 'open'] : description}</bdi>
      {conference === undefined && (
        <button type="button" class="small" tabIndex={tabIndex} onClick={() => ask(url)}>
          Open
        </button>
      )}
    </p>
  );
}
