import { useEffect, useState } from 'preact/hooks';
import type { BrowserConference } from '#client/call.ts';
import type { Quality } from '#client/conference/quality.ts';
import type { Joined } from '#client/conference/state.ts';
import { bitrateOf, frameRateOf, lossOf, resolutionOf, wayOf } from '../lib/words.ts';
import { Icon } from '../parts/icon.tsx';
import { Organisation } from '../parts/organisation.tsx';

const EVERY_MS = 1_000;

interface Props {
  readonly conference: BrowserConference;
  readonly joined: Joined<MediaStreamTrack>;
  readonly onClose: () => void;
}

/** What arrives of each person and which way it travels, refreshed each second while it is open. */
export function QualityPanel({ conference, joined, onClose }: Props) {
  const [readings, setReadings] = useState<readonly Quality[]>([]);
  useEffect(() => {
    const read = () => void conference.quality().then(setReadings, () => undefined);
    read();
    const timer = setInterval(read, EVERY_MS);
    return () => clearInterval(timer);
  }, [conference]);
  return (
    <aside class="panel" aria-label="Quality">
      <header class="dialog-head">
        <h2>Quality</h2>
        <button type="button" class="quiet icon-only" aria-label="Close" onClick={onClose}>
          <Icon name="close" />
        </button>
      </header>
      {joined.participants.length === 0 && <p class="quiet-text">Nobody else is here yet.</p>}
      {joined.participants.map((participant) => {
        const own = readings.filter((each) => each.participant === participant.participant);
        return (
          <section key={participant.participant} class="quality">
            <h3>
              {participant.person?.name ?? 'Joining…'}
              <Organisation domain={participant.domain} foreign={participant.foreign} />
            </h3>
            <p class={participant.via.length === 0 ? 'way' : 'way far'}>Travels: {wayOf(participant)}</p>
            <table>
              <thead>
                <tr>
                  <th scope="col">Source</th>
                  <th scope="col">Picture</th>
                  <th scope="col">Rate</th>
                  <th scope="col">Loss</th>
                  <th scope="col">Bits</th>
                </tr>
              </thead>
              <tbody>
                {own.map((each) => (
                  <tr key={each.source}>
                    <th scope="row">{each.kind}</th>
                    <td>{each.kind === 'microphone' ? '' : resolutionOf(each)}</td>
                    <td>{each.kind === 'microphone' ? '' : frameRateOf(each)}</td>
                    <td>{lossOf(each)}</td>
                    <td>{bitrateOf(each)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </section>
        );
      })}
    </aside>
  );
}
