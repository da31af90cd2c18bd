import type { ComponentChildren } from 'preact';
import type { PeerReport, PeerReports } from '#signalling/administration.ts';
import { Icon, type IconName } from '../parts/icon.tsx';
import {
  endsWords,
  heardWords,
  lastHourWords,
  limitsWords,
  partingWords,
  reasonOf,
  refusedWords,
  scopeWords,
  stateWords,
  waitingWords,
} from './peer-words.ts';

/** `add`: it is not on the list yet. `allow`: it is, and blocked. */
export type Verb = 'add' | 'allow' | 'keys' | 'limit' | 'block' | 'remove';

const SIGNS: Readonly<Record<PeerReport['state'], IconName>> = {
  allowed: 'check',
  limited: 'check',
  blocked: 'block',
  unreachable: 'clock',
  refused: 'warning',
  parting: 'block',
  'keys-wait': 'warning',
};

const LABELS: Readonly<Record<Verb, string>> = {
  add: 'Allow…',
  allow: 'Allow…',
  keys: 'Confirm keys…',
  limit: 'What it may…',
  block: 'Block…',
  remove: 'Remove…',
};

interface Props {
  readonly reports: PeerReports;
  readonly onVerb: (verb: Verb, peer: PeerReport) => void;
}

export function PeersTable({ reports: { peers, at }, onVerb }: Props) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: whoever has no mouse scrolls it sideways with the arrows
    <section class="peers-scroll" aria-label="Table of organisations" tabIndex={0}>
      <table class="peers">
        <thead>
          <tr>
            <th scope="col">Organisation</th>
            <th scope="col">Certificates end</th>
            <th scope="col">Version</th>
            <th scope="col">Waiting for it</th>
            <th scope="col">Last hour</th>
            <th scope="col">Refused</th>
            <th scope="col">
              <span class="sr-only">What to do</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {peers.map((peer) => (
            <Row key={peer.domain} peer={peer} now={at} onVerb={(verb) => onVerb(verb, peer)} />
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Row({ peer, now, onVerb }: { peer: PeerReport; now: number; onVerb: (verb: Verb) => void }) {
  const { domain, state, version, lastHour, authorities } = peer;
  const notes = [
    reasonOf(peer),
    partingWords(peer),
    ...scopeWords(peer),
    ...limitsWords(peer),
    state === 'unreachable' ? heardWords(peer, now) : undefined,
  ];
  return (
    <tr>
      <th scope="row">
        <strong>{domain}</strong>
        <span class={`peer-state peer-${state}`}>
          <Icon name={SIGNS[state]} size={15} />
          {stateWords(peer, now)}
        </span>
        {notes.map((each) => each !== undefined && <span key={each}>{each}</span>)}
        {authorities.length > 0 && (
          <details>
            <summary>
              Fingerprint<span class="sr-only"> of the authority of {domain}</span>
            </summary>
            {authorities.map(({ fingerprint }) => (
              <code key={fingerprint} class="peer-print">
                {fingerprint}
              </code>
            ))}
          </details>
        )}
      </th>
      <td>{lines(endsWords(peer))}</td>
      <td>{version ?? '–'}</td>
      <td>{waitingWords(peer, now)}</td>
      <td>{lines(lastHourWords(lastHour))}</td>
      <td class="peer-refusals">{lines(refusedWords(peer), broken)}</td>
      <td class="peer-verbs">
        {verbsOf(peer).map((verb) => (
          <button
            key={verb}
            type="button"
            class={verb === 'add' || verb === 'keys' ? 'small' : 'small quiet'}
            onClick={() => onVerb(verb)}
          >
            {LABELS[verb]}
            <span class="sr-only"> {domain}</span>
          </button>
        ))}
      </td>
    </tr>
  );
}

function lines(words: readonly string[], drawn: (word: string) => ComponentChildren = (word) => word) {
  return words.length === 0 ? '–' : words.map((each) => <div key={each}>{drawn(each)}</div>);
}

/** A code may break behind each of its words. */
function broken(words: string): ComponentChildren {
  return words.split(/(?<=_)/).map((each, index) => [index > 0 && <wbr key={each} />, each]);
}

function verbsOf({ listed, state, waitingKeys }: PeerReport): readonly Verb[] {
  if (!listed) return ['add'];
  if (state === 'blocked' || state === 'parting') return ['allow', 'remove'];
  return [...(waitingKeys ? (['keys'] as const) : []), 'limit', 'block', 'remove'];
}
