import type { Ref } from 'preact';
import type { BrowserCall } from '#client/call.ts';
import type { LocalSource } from '#client/conference/state.ts';
import type { Permission } from '#signalling/ticket.ts';
import { Icon, type IconName } from '../parts/icon.tsx';
import type { LayoutMode } from './tiles.ts';

export type Panel = 'quality' | 'react' | 'devices' | 'help' | 'leave' | 'moderation';

interface Props {
  readonly call: BrowserCall;
  readonly local: {
    readonly microphone: LocalSource<unknown>;
    readonly camera: LocalSource<unknown>;
    readonly screen: LocalSource<unknown>;
  };
  /** What may be sent here, by the role and by whoever moderates the call. */
  readonly permitted: ReadonlySet<Permission>;
  /** Whether this person moderates the call. */
  readonly moderates: boolean;
  /** The own hand is raised. */
  readonly hand: boolean;
  /** The button that opens the signs to react with. */
  readonly reactButton: Ref<HTMLButtonElement>;
  readonly mode: LayoutMode;
  readonly panel: Panel | undefined;
  readonly actions: Actions;
}

export interface Actions {
  toggleMicrophone(): void;
  toggleCamera(): void;
  toggleScreen(): void;
  toggleHand(): void;
  toggleLayout(): void;
  toggle(panel: Panel): void;
}

export function isOn(local: LocalSource<unknown>): boolean {
  return local.phase === 'on' && !local.muted;
}

/** The row of buttons below the tiles. Each says what it does now, and its key. */
export function Controls({ local, permitted, moderates, hand, reactButton, mode, panel, actions }: Props) {
  const microphone = isOn(local.microphone);
  const camera = isOn(local.camera);
  const screen = local.screen.phase === 'on';
  return (
    <div class="controls" role="toolbar" aria-label="Call">
      <div class="controls-side">
        <Control
          icon={mode === 'grid' ? 'focus' : 'grid'}
          words={mode === 'grid' ? 'One large' : 'Grid'}
          shortcut="L"
          onClick={actions.toggleLayout}
        />
        <Control
          icon="info"
          words="Quality"
          shortcut="I"
          pressed={panel === 'quality'}
          onClick={() => actions.toggle('quality')}
        />
      </div>
      <div class="controls-main">
        <Control
          icon={microphone ? 'microphone' : 'microphoneOff'}
          words={microphone ? 'Mute' : 'Unmute'}
          shortcut="M"
          off={!microphone}
          refused={!microphone && !permitted.has('audio')}
          busy={local.microphone.phase === 'starting'}
          onClick={actions.toggleMicrophone}
        />
        <Control
          icon={camera ? 'camera' : 'cameraOff'}
          words={camera ? 'Stop camera' : 'Start camera'}
          shortcut="V"
          off={!camera}
          refused={!camera && !permitted.has('video')}
          busy={local.camera.phase === 'starting'}
          onClick={actions.toggleCamera}
        />
        <Control
          icon="screen"
          words={screen ? 'Stop sharing' : 'Share screen'}
          shortcut="S"
          pressed={screen}
          refused={!screen && !permitted.has('screen')}
          busy={local.screen.phase === 'starting'}
          onClick={actions.toggleScreen}
        />
        <Control
          icon="hand"
          words={hand ? 'Lower hand' : 'Raise hand'}
          shortcut="H"
          pressed={hand}
          onClick={actions.toggleHand}
        />
        <Control
          icon="smile"
          words="React"
          shortcut="R"
          button={reactButton}
          expanded={panel === 'react'}
          onClick={() => actions.toggle('react')}
        />
        <Control
          icon="leave"
          words="Leave"
          kind="leave"
          pressed={panel === 'leave'}
          onClick={() => actions.toggle('leave')}
        />
      </div>
      <div class="controls-side end">
        {moderates && (
          <Control
            icon="people"
            words="Moderate"
            shortcut="O"
            pressed={panel === 'moderation'}
            onClick={() => actions.toggle('moderation')}
          />
        )}
        <Control icon="settings" words="Devices" shortcut="D" onClick={() => actions.toggle('devices')} />
        <Control icon="keyboard" words="Keys" shortcut="?" onClick={() => actions.toggle('help')} />
      </div>
    </div>
  );
}

interface ControlProps {
  readonly icon: IconName;
  readonly words: string;
  readonly shortcut?: string;
  readonly kind?: 'leave';
  readonly pressed?: boolean;
  /** What it opens is open. */
  readonly expanded?: boolean;
  readonly button?: Ref<HTMLButtonElement>;
  readonly off?: boolean;
  readonly busy?: boolean;
  /** Whoever moderates the call, or the role, does not allow it. */
  readonly refused?: boolean;
  readonly onClick: () => void;
}

function Control(props: ControlProps) {
  const { icon, words, shortcut, kind, pressed, expanded, button, off, busy, refused, onClick } = props;
  const classes = ['control', kind, off && 'off', (pressed || expanded) && 'pressed'].filter(Boolean).join(' ');
  return (
    <button
      ref={button ?? null}
      type="button"
      class={classes}
      aria-pressed={pressed}
      aria-expanded={expanded}
      aria-busy={busy}
      aria-keyshortcuts={shortcut}
      disabled={refused}
      title={refused ? 'Only those who moderate this call may do this' : shortcut ? `${words} (${shortcut})` : words}
      onClick={onClick}
    >
      <span class="control-icon">
        <Icon name={icon} />
      </span>
      <span class="control-words">{words}</span>
    </button>
  );
}
