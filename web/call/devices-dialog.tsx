import { useEffect, useState } from 'preact/hooks';
import type { BrowserCall } from '#client/call.ts';
import { type Failure, failureOf } from '#client/failure.ts';
import { type DeviceChoice, type DeviceKind, type DeviceList, listDevices } from '#client/media/browser/devices.ts';
import { canSendVp9, type PictureCodec } from '#client/media/browser/picture-codec.ts';
import { changeSettings, readSettings } from '../lib/settings.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Message } from '../parts/message.tsx';

interface Props {
  readonly call: BrowserCall;
  readonly onSpeaker: (id: string) => void;
  readonly onClose: () => void;
}

export function DevicesDialog({ call, onSpeaker, onClose }: Props) {
  const [list, setList] = useState<DeviceList>();
  const [failure, setFailure] = useState<Failure>();
  const settings = readSettings();
  useEffect(() => {
    const read = () => void listDevices().then(setList, () => undefined);
    read();
    navigator.mediaDevices?.addEventListener('devicechange', read);
    return () => navigator.mediaDevices?.removeEventListener('devicechange', read);
  }, []);

  const choose = (kind: DeviceKind) => (id: string) => {
    changeSettings(kind === 'camera' ? { cameraId: id } : { microphoneId: id });
    setFailure(undefined);
    call.choose(kind, id).catch((error: unknown) => setFailure(failureOf(error)));
  };
  const chooseSpeaker = (id: string) => {
    changeSettings({ speakerId: id });
    onSpeaker(id);
  };
  const chooseCodec = (codec: PictureCodec) => {
    changeSettings({ cameraCodec: codec });
    setFailure(undefined);
    call.chooseCodec(codec).catch((error: unknown) => setFailure(failureOf(error)));
  };
  return (
    <Dialog title="Devices" onClose={onClose}>
      <div class="stack">
        {failure && <Message failure={failure} />}
        <Choice label="Camera" choices={list?.cameras} value={settings.cameraId} onChoose={choose('camera')} />
        <Choice
          label="Microphone"
          choices={list?.microphones}
          value={settings.microphoneId}
          onChoose={choose('microphone')}
        />
        {list && list.speakers.length === 0 ? (
          <p class="quiet-text">This browser uses the system’s speaker.</p>
        ) : (
          <Choice label="Speaker" choices={list?.speakers} value={settings.speakerId} onChoose={chooseSpeaker} />
        )}
        <CodecChoice value={settings.cameraCodec} onChoose={chooseCodec} />
      </div>
    </Dialog>
  );
}

function CodecChoice({ value, onChoose }: { value: PictureCodec; onChoose: (codec: PictureCodec) => void }) {
  const [hasVp9] = useState(canSendVp9);
  return (
    <label>
      <span>Picture codec</span>
      <select onChange={(event) => onChoose(event.currentTarget.value === 'vp9' ? 'vp9' : 'vp8')}>
        <option value="vp8">VP8</option>
        <option value="vp9" disabled={!hasVp9} selected={hasVp9 && value === 'vp9'}>
          {hasVp9 ? 'VP9' : 'VP9 (this browser cannot send it)'}
        </option>
      </select>
      <span class="quiet-text">
        VP9 gives others a better picture of you for the same bits, and costs your computer more work.
      </span>
    </label>
  );
}

function Choice(props: {
  label: string;
  choices: readonly DeviceChoice[] | undefined;
  value: string | undefined;
  onChoose: (id: string) => void;
}) {
  const { label, choices = [], value, onChoose } = props;
  return (
    <label>
      <span>{label}</span>
      <select disabled={choices.length === 0} onChange={(event) => onChoose(event.currentTarget.value)}>
        {choices.length === 0 && <option>None found, or not allowed yet</option>}
        {choices.map(({ id, label: name }, index) => (
          <option key={id} value={id} selected={id === value}>
            {name || `${label} ${index + 1}`}
          </option>
        ))}
      </select>
    </label>
  );
}
