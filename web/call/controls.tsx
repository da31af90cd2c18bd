import type { BrowserCall } from '#client/call.ts';
import type { LocalSource } from '#client/conference/state.ts';
import { Icon, type IconName } from '../parts/icon.tsx';
import type { LayoutMode } from './tiles.ts';

export type Panel = 'quality' | 'devices' | 'help' | 'leave';

interface Props {
  readonly call: BrowserCall;
  readonly local: {
    readonly microphone: LocalSource<unknown>;
    readonly camera: LocalSource<unknown>;
    readonly screen: LocalSource<unknown>;
  };
  /** The own hand is raised. */
  readonly hand: boolean;
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
export function Controls({ local, hand, mode, panel, actions }: Props) {
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
          busy={local.microphone.phase === 'starting'}
          onClick={actions.toggleMicrophone}
        />
        <Control
          icon={camera ? 'camera' : 'cameraOff'}
          words={camera ? 'Stop camera' : 'Start camera'}
          shortcut="V"
          off={!camera}
          busy={local.camera.phase === 'starting'}
          onClick={actions.toggleCamera}
        />
        <Control
          icon="screen"
          words={screen ? 'Stop sharing' : 'Share screen'}
          shortcut="S"
          pressed={screen}
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
          icon="leave"
          words="Leave"
          kind="leave"
          pressed={panel === 'leave'}
          onClick={() => actions.toggle('leave')}
        />
      </div>
      <div class="controls-side end">
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
  readonly off?: boolean;
  readonly busy?: boolean;
  readonly onClick: () => void;
}

function Control({ icon, words, shortcut, kind, pressed, off, busy, onClick }: ControlProps) {
  const classes = ['control', kind, off && 'off', pressed && 'pressed'].filter(Boolean).join(' ');
  return (
    <button
      type="button"
      class={classes}
      aria-pressed={pressed}
      aria-busy={busy}
      aria-keyshortcuts={shortcut}
      title={shortcut ? `${words} (${shortcut})` : words}
      onClick={onClick}
    >
      <span class="control-icon">
        <Icon name={icon} />
      </span>
      <span class="control-words">{words}</span>
    </button>
  );
}
