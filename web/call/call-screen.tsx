import { useState } from 'preact/hooks';
import type { BrowserCall } from '#client/call.ts';
import type { Home } from '#client/home.ts';
import { may } from '#signalling/capabilities.ts';
import type { SourceKind } from '#signalling/media-profile.ts';
import { announce } from '../lib/announce.ts';
import type { PageSession } from '../lib/session.ts';
import { changeSettings, readSettings } from '../lib/settings.ts';
import { useStore } from '../lib/use-store.ts';
import { Logo } from '../parts/logo.tsx';
import { Message } from '../parts/message.tsx';
import { Controls, isOn, type Panel } from './controls.tsx';
import { DevicesDialog } from './devices-dialog.tsx';
import { HelpDialog } from './help-dialog.tsx';
import { LeaveDialog } from './leave-dialog.tsx';
import { Sound } from './media.tsx';
import { QualityPanel } from './quality-panel.tsx';
import { useShortcuts } from './shortcuts.ts';
import { Stage } from './stage.tsx';
import type { LayoutMode } from './tiles.ts';
import { useSpokenChanges } from './use-changes.ts';

const KINDS: readonly SourceKind[] = ['microphone', 'camera', 'screen'];

export function CallScreen({ session, home, call }: { session: PageSession; home: Home; call: BrowserCall }) {
  const { conference } = call;
  const state = useStore(conference.store);
  const encryption = useStore(call.encryption);
  const account = useStore(session.account.store);
  const { conversations } = useStore(home.store);
  const [mode, setMode] = useState<LayoutMode>('grid');
  const [chosen, setChosen] = useState<string>();
  const [panel, setPanel] = useState<Panel>();
  const [speaker, setSpeaker] = useState(readSettings().speakerId);
  const [dismissed, setDismissed] = useState<readonly string[]>([]);
  const joined = state.phase === 'joined' ? state : undefined;
  useSpokenChanges(joined);

  const { local } = state;
  const toggleDevice = (kind: 'microphone' | 'camera') => () => {
    const willBeOn = !isOn(local[kind]);
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
    toggleScreen: () => void call.toggleScreen().catch(() => undefined),
    toggleLayout: () => setMode(mode === 'grid' ? 'focus' : 'grid'),
    toggle: (which: Panel) => setPanel(panel === which ? undefined : which),
  };
  useShortcuts({
    M: actions.toggleMicrophone,
    V: actions.toggleCamera,
    S: actions.toggleScreen,
    H: actions.toggleHand,
    L: actions.toggleLayout,
    I: () => actions.toggle('quality'),
    D: () => actions.toggle('devices'),
    '?': () => actions.toggle('help'),
  });
  const choose = (tile: string) => {
    const again = mode === 'focus' && chosen === tile;
    setChosen(again ? undefined : tile);
    setMode(again ? 'grid' : 'focus');
  };

  const conversation = conversations.find((each) => each.conversation === call.conversation);
  const title = conversation?.title ?? 'Call';
  const me = account.phase === 'signedIn' ? account.user.user : undefined;
  const mayEnd =
    conversation?.call?.startedBy === me || may(conversation?.members.find(({ user }) => user === me)?.role, 'endCall');
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
        {encryption.epoch !== undefined && (
          <span class="quiet-text" title="Nobody but the devices in this call can see and hear it.">
            End-to-end encrypted
          </span>
        )}
        <span class="quiet-text">{joined ? `${count} ${count === 1 ? 'person' : 'people'}` : 'Joining…'}</span>
      </header>
      <div class="call-messages">
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
              mode={mode}
              chosen={chosen}
              onChoose={choose}
            />
          ) : (
            <div class="joining" aria-busy="true">
              <span class="pulse" aria-hidden="true" />
              <p>Joining the call…</p>
            </div>
          )}
        </main>
        {joined && panel === 'quality' && (
          <QualityPanel conference={conference} joined={joined} onClose={() => setPanel(undefined)} />
        )}
      </div>
      <Controls call={call} local={local} hand={joined?.hand ?? false} mode={mode} panel={panel} actions={actions} />
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
