import type { Connections } from '#client/connections.ts';
import type { UserId } from '#signalling/ids.ts';
import { Confirm } from '../chat/confirm.tsx';
import { announce } from '../lib/announce.ts';

interface Props {
  readonly connections: Connections;
  readonly user: UserId;
  /** Made plain. */
  readonly name: string;
  readonly onClose: () => void;
}

/** Asks before somebody is blocked, and says what that does and what it does not. */
export function BlockDialog({ connections, user, name, onClose }: Props) {
  return (
    <Confirm
      title={`Block ${name}?`}
      act="Block"
      onClose={onClose}
      onAct={async () => {
        await connections.act(user, 'block');
        announce(`${name} is blocked`);
      }}
    >
      <p>
        {name} can add you to no conversation any more, and no call that {name} starts rings here. Nobody tells {name}.
      </p>
      <p>
        Conversations in which both of you are stay as they are, and you go on reading what is said there. You can take
        it back under <em>People</em>.
      </p>
    </Confirm>
  );
}
