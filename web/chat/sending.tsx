import type { OutgoingFiles, Sending } from '#client/files/outgoing-files.ts';
import type { ConversationId } from '#signalling/ids.ts';
import { announce } from '../lib/announce.ts';
import { plain } from '../lib/plain.ts';
import { percentOf, sizeOf } from '../lib/sizes.ts';
import { useStore } from '../lib/use-store.ts';
import { Icon } from '../parts/icon.tsx';

/** Files that are on their way into this conversation. */
export function SendingList({ outgoing, conversation }: { outgoing: OutgoingFiles; conversation: ConversationId }) {
  const sendings = useStore(outgoing.store).filter((each) => each.conversation === conversation);
  if (sendings.length === 0) return null;
  return (
    <ul class="sendings" aria-label="Files being sent">
      {sendings.map((each) => (
        <SendingRow
          key={each.id}
          sending={each}
          onAgain={() => outgoing.again(each.id)}
          onCancel={() => {
            void outgoing.cancel(each.id);
            announce('Not sent');
          }}
        />
      ))}
    </ul>
  );
}

function SendingRow(props: { sending: Sending; onAgain: () => void; onCancel: () => void }) {
  const { names, done, total, failure } = props.sending;
  const percent = percentOf(done, total);
  const [first = ''] = names;
  const what = names.length === 1 ? plain(first) : `${names.length} files`;
  return (
    <li class={failure ? 'sending failed-sending' : 'sending'}>
      <Icon name={failure ? 'warning' : 'file'} size={22} />
      <div class="sending-words">
        <p class="sending-head">
          <bdi class="file-name">{what}</bdi>
          <span class="quiet-text">{done === 0 ? 'Encrypting…' : `${sizeOf(done)} of ${sizeOf(total)}`}</span>
        </p>
        {failure ? (
          <p role="alert">{failure.sentence} Nothing that has arrived is sent again.</p>
        ) : (
          <progress value={percent} max={100} aria-label={`Sending ${what}`}>
            {percent} %
          </progress>
        )}
      </div>
      {failure && (
        <button type="button" class="small" onClick={props.onAgain}>
          Try again
        </button>
      )}
      <button type="button" class="quiet icon-only" aria-label={`Do not send ${what}`} onClick={props.onCancel}>
        <Icon name="close" size={18} />
      </button>
    </li>
  );
}
