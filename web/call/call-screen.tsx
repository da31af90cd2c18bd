import { useRef, useState } from 'preact/hooks';
import type { Account } from '#client/account.ts';
import type { BrowserCall } from '#client/call.ts';
import { peopleIn } from '#client/calls/guests.ts';
import type { Home } from '#client/home.ts';
import { may } from '#signalling/capabilities.ts';
import type { SourceKind } from '#signalling/media-profile.ts';
import { moderates, permissionsIn } from '#signalling/moderation.ts';
import type { Permission } from '#signalling/ticket.ts';
import { announce } from '../lib/announce.ts';
import { changeSettings, readSettings } from '../lib/settings.ts';
import { useStore } from '../lib/use-store.ts';
import { Logo } from '../parts/logo.tsx';
import { Message } from '../parts/message.tsx';
import { Controls, isOn, type Panel } from './controls.tsx';
import { DevicesDialog } from './devices-dialog.tsx';
import { HelpDialog } from './help-dialog.tsx';
import { LeaveDialog } from './leave-dialog.tsx';
import { CallLock } from './lock.tsx';
import { Sound } from './media.tsx';
import { Moderated } from './moderated.tsx';
import { ModerationDialog } from './moderation-dialog.tsx';
import { QualityPanel } from './quality-panel.tsx';
import { ReactPopup } from './reactions.tsx';
import { Rejoining } from './rejoining.tsx';
import { useShortcuts } from './shortcuts.ts';
import { Stage } from './stage.tsx';
import type { LayoutMode } from './tiles.ts';
import { useSpokenChanges, useSpokenReactions } from './use-changes.ts';
import { Meanwhile, Waiting } from './waiting.tsx';
import { Apart, Withheld } from './withheld.tsx';

/** Before the server has said who this is. */
const PERMISSIONS: readonly Permission[] = ['audio', 'video', 'screen'];
const KINDS: readonly SourceKind[] = ['microphone', 'camera', 'screen'];

interface Props {
  readonly session: { readonly account: Account };
  readonly home: Home;
  readonly call: BrowserCall;
}

export function CallScreen({ session, home, call }: Props) {
  const { conference } = call;
  const state = useStore(conference.store);
  const account = useStore(session.account.store);
  const isWaiting = useStore(call.lobby);
  const { conversations } = useStore(home.store);
  const [mode, setMode] = useState<LayoutMode>('grid');
  const [chosen, setChosen] = useState<string>();
  const [panel, setPanel] = useState<Panel>();
  const [speaker, setSpeaker] = useState(readSettings().speakerId);
  const [dismissed, setDismissed] = useState<readonly string[]>([]);
  const joined = state.phase === 'joined' ? state : undefined;
  useSpokenChanges(joined);
  const reactions = useStore(call.reactions.store);
  useSpokenReactions(joined, reactions);
  const reactButton = useRef<HTMLButtonElement>(null);

  const { local } = state;
  const conversation = conversations.find((each) => each.conversation === call.conversation);
  const me = account.phase === 'signedIn' ? account.user.user : undefined;
  const self = conversation?.members.find(({ user }) => user === me);
  const isModerating = conversation?.call !== undefined && self !== undefined && moderates(conversation.call, self);
  const permitted = new Set(conversation?.call && self ? permissionsIn(conversation.call, self) : PERMISSIONS);
  const toggleDevice = (kind: 'microphone' | 'camera') => () => {
    const willBeOn = !isOn(local[kind]);
    if (willBeOn && !permitted.has(kind === 'microphone' ? 'audio' : 'video'))
      return announce('Only those who moderate this call may do this');
    changeSettings(kind === 'microphone' ? { microphone: willBeOn } : { camera: willBeOn });
    setDismissed([]);
    announce(`${kind === 'microphone' ? 'Microphone' : 'Camera'} ${willBeOn ? 'on' : 'off'}`);
    void call.toggle(kind).catch(() => undefined); // the state of the source says what went wrong
  };
  const actions = {
    toggleMicrophone: toggleDevice('microphone'),
    toggleCamera: toggleDevice('camera'),
    toggleHand: () => {
      if (!joined) return;
      conference.raiseHand(!joined.hand);
      announce(joined.hand ? 'Hand lowered' : 'Hand raised');
    },
    toggleScreen: () => {
      if (local.screen.phase !== 'on' && !permitted.has('screen'))
        return announce('Only those who moderate this call may do this');
      void call.toggleScreen().catch(() => undefined);
    },
    toggleLayout: () => setMode(mode === 'grid' ? 'focus' : 'grid'),
    toggle: (which: Panel) => setPanel(panel === which ? undefined : which),
  };
  useShortcuts({
    M: actions.toggleMicrophone,
    V: actions.toggleCamera,
    S: actions.toggleScreen,
    H: actions.toggleHand,
    R: () => joined && actions.toggle('react'),
    L: actions.toggleLayout,
    I: () => actions.toggle('quality'),
    D: () => actions.toggle('devices'),
    O: () => isModerating && actions.toggle('moderation'),
    '?': () => actions.toggle('help'),
  });
  const choose = (tile: string) => {
    const again = mode === 'focus' && chosen === tile;
    setChosen(again ? undefined : tile);
    setMode(again ? 'grid' : 'focus');
    announce(again ? 'Unpinned' : 'Pinned');
  };

  // Guests are told what it is called when they are let in.
  const title = conversation?.title || 'Call';
  const people = conversation ? peopleIn(conversation) : [];
  const mayEnd = conversation?.call?.startedBy === me || may(self?.role, 'endCall');
  const count = (joined?.participants.length ?? 0) + 1;
  const ownName = account.phase === 'signedIn' ? account.user.name : 'You';
  const failures = KINDS.flatMap((kind) => {
    const source = local[kind];
    return source.phase === 'failed' && !dismissed.includes(kind) ? [{ kind, failure: source.failure }] : [];
  });
  return (
    <div class="call">
      <header class="call-head">
        <Logo size={28} />
        <h1>{title}</h1>
        <CallLock call={call} members={people} />
        <span class="quiet-text">
          {joined ? `${count} ${count === 1 ? 'person' : 'people'}` : isWaiting ? 'Waiting…' : 'Joining…'}
        </span>
      </header>
      <div class="call-messages">
        <Rejoining call={call} isOn={joined?.rejoining === true} />
        <Withheld call={call} members={people} />
        <Apart call={call} people={joined?.participants ?? []} />
        <Meanwhile call={call} home={home} />
        {joined && conversation?.call && self && (
          <Moderated {...{ home, conversation, call: conversation.call, self: self.user, moderates: isModerating }} />
        )}
        {joined && joined.participants.length === 0 && (
          <Waiting call={call} conference={joined.conference} members={people} />
        )}
        {joined?.notices.map((notice) => (
          <Message key={notice.sentence} failure={notice} onDismiss={() => conference.dismissNotice(notice)} />
        ))}
        {failures.map(({ kind, failure }) => (
          <Message key={kind} failure={failure} onDismiss={() => setDismissed([...dismissed, kind])} />
        ))}
      </div>
      <div class="call-body">
        <main class="call-stage">
          {joined ? (
            <Stage
              conference={conference}
              joined={joined}
              own={{
                name: ownName,
                camera: local.camera.phase === 'on' && !local.camera.muted ? local.camera.media : undefined,
                silent: !isOn(local.microphone),
              }}
              reactions={reactions}
              mode={mode}
              chosen={chosen}
              onChoose={choose}
            />
          ) : (
            <div class="joining" aria-busy="true">
              <span class="pulse" aria-hidden="true" />
              <p>
                {isWaiting
                  ? 'Waiting to be let in. Somebody who moderates the call sees that you are here.'
                  : 'Joining the call…'}
              </p>
            </div>
          )}
        </main>
        {joined && panel === 'quality' && (
          <QualityPanel conference={conference} joined={joined} onClose={() => setPanel(undefined)} />
        )}
      </div>
      <Controls
        {...{ call, local, permitted, mode, panel, actions }}
        moderates={isModerating && joined !== undefined}
        hand={joined?.hand ?? false}
        reactButton={reactButton}
      />
      {panel === 'react' && joined && reactButton.current && (
        <ReactPopup call={call} anchor={reactButton.current} onClose={() => setPanel(undefined)} />
      )}
      {panel === 'moderation' && joined && conversation?.call && self && (
        <ModerationDialog
          {...{ home, conversation, call: conversation.call, self: self.user }}
          onClose={() => setPanel(undefined)}
        />
      )}
      {panel === 'devices' && <DevicesDialog call={call} onSpeaker={setSpeaker} onClose={() => setPanel(undefined)} />}
      {panel === 'help' && <HelpDialog onClose={() => setPanel(undefined)} />}
      {panel === 'leave' && <LeaveDialog call={call} mayEnd={mayEnd} onClose={() => setPanel(undefined)} />}
      {joined?.participants.flatMap(({ sources }) =>
        sources.flatMap(({ kind, renditions }) =>
          kind === 'microphone'
            ? renditions.map(({ consumer, media }) => <Sound key={consumer} track={media} speaker={speaker} />)
            : [],
        ),
      )}
    </div>
  );
}
