import type { ComponentChildren } from 'preact';
import { useRef } from 'preact/hooks';
import type { BrowserConference } from '#client/call.ts';
import type { Reaction } from '#client/conference/reactions.ts';
import type { Joined } from '#client/conference/state.ts';
import type { DomainName } from '#signalling/ids.ts';
import { Avatar } from '../parts/avatar.tsx';
import { Icon } from '../parts/icon.tsx';
import { Organisation } from '../parts/organisation.tsx';
import { Picture, Renditions } from './media.tsx';
import { TileReactions } from './reactions.tsx';
import type { RemoteTile } from './tiles.ts';
import { useWish } from './use-wish.ts';

interface FrameProps {
  readonly label: string;
  readonly name: string;
  readonly domain: DomainName;
  readonly foreign: boolean;
  readonly speaking: boolean;
  readonly silent: boolean;
  readonly hand: boolean;
  /** Of the person now, the oldest first. */
  readonly reactions: readonly Reaction[];
  /** It was chosen to be the large one. */
  readonly pinned: boolean;
  /** Why there is no picture. */
  readonly reason?: string | undefined;
  readonly onSelect: () => void;
  readonly children: ComponentChildren;
}

/** What every tile has in common: the name, the organisation, who is silent, who speaks, and that it can be chosen. */
function Frame(props: FrameProps) {
  const classes = ['tile', props.speaking && 'speaking', props.foreign && 'foreign'].filter(Boolean).join(' ');
  const words = [
    props.label,
    props.foreign ? `external, ${props.domain}` : props.domain,
    props.hand && 'hand raised',
    props.silent && 'microphone off',
    props.speaking && 'speaking',
    props.pinned && 'pinned',
    props.reactions.length > 0 && `reacts with ${props.reactions.map(({ sign }) => sign).join(' ')}`,
    props.reason,
  ].filter(Boolean);
  return (
    <button
      type="button"
      class={classes}
      aria-label={words.join(', ')}
      aria-pressed={props.pinned}
      onClick={props.onSelect}
    >
      {props.children}
      <TileReactions reactions={props.reactions} />
      <span class="plate" aria-hidden="true">
        {props.pinned && (
          <span class="plate-pin" title="Pinned: choose it again to let it go">
            <Icon name="pin" size={16} />
          </span>
        )}
        {props.hand && (
          <span class="plate-hand" title="Hand raised">
            <Icon name="hand" size={16} />
          </span>
        )}
        {props.silent && (
          <span class="plate-muted" title="Microphone off">
            <Icon name="microphoneOff" size={16} />
          </span>
        )}
        <span class="plate-name">{props.name}</span>
        <Organisation domain={props.domain} foreign={props.foreign} />
      </span>
    </button>
  );
}

interface RemoteProps {
  readonly conference: BrowserConference;
  readonly tile: RemoteTile;
  readonly speaking: boolean;
  readonly reactions: readonly Reaction[];
  /** It is the large one. */
  readonly large: boolean;
  readonly pinned: boolean;
  readonly onSelect: () => void;
}

export function RemoteTileView(props: RemoteProps) {
  const { conference, tile, speaking, reactions, large, pinned, onSelect } = props;
  const ref = useRef<HTMLSpanElement>(null);
  const { participant, kind, source } = tile;
  useWish(conference, source?.source, ref);
  const name = participant.person?.name ?? 'Joining…';
  const microphone = participant.sources.find((each) => each.kind === 'microphone');
  const undecodable =
    source && !source.decodable && !source.muted
      ? `This person’s picture needs ${source.codec.toUpperCase()}, which this browser cannot show.`
      : undefined;
  const renditions = source === undefined || source.muted ? [] : source.renditions;
  return (
    <Frame
      label={kind === 'screen' ? `Screen of ${name}` : name}
      name={kind === 'screen' ? `${name} · screen` : name}
      domain={participant.domain}
      foreign={participant.foreign}
      speaking={speaking && kind === 'camera'}
      reason={undecodable}
      silent={kind === 'camera' && (microphone === undefined || microphone.muted)}
      hand={kind === 'camera' && participant.hand}
      reactions={kind === 'camera' ? reactions : []}
      pinned={pinned}
      onSelect={onSelect}
    >
      <span ref={ref} class="tile-picture">
        {renditions.length > 0 ? (
          <Renditions
            renditions={renditions}
            whole={kind === 'screen' || large}
            onFirstFrame={() => conference.markFirstFrame(participant.participant)}
          />
        ) : (
          <>
            <Avatar name={name} size={88} />
            {undecodable && <span class="tile-reason">{undecodable}</span>}
          </>
        )}
      </span>
    </Frame>
  );
}

interface OwnProps {
  readonly joined: Joined<MediaStreamTrack>;
  readonly name: string;
  readonly camera: MediaStreamTrack | undefined;
  readonly silent: boolean;
  readonly reactions: readonly Reaction[];
  readonly pinned: boolean;
  readonly onSelect: () => void;
}

export function OwnTileView({ joined, name, camera, silent, reactions, pinned, onSelect }: OwnProps) {
  return (
    <Frame
      label={`${name}, you`}
      name={`${name} (you)`}
      domain={joined.domain}
      foreign={false}
      speaking={joined.speaker === joined.me && !silent}
      silent={silent}
      hand={joined.hand}
      reactions={reactions}
      pinned={pinned}
      onSelect={onSelect}
    >
      <span class="tile-picture">
        {camera ? <Picture track={camera} mirrored /> : <Avatar name={name} size={88} />}
      </span>
    </Frame>
  );
}
