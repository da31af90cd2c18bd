import { useEffect, useRef } from 'preact/hooks';
import type { Reaction } from '#client/conference/reactions.ts';
import type { Joined } from '#client/conference/state.ts';
import type { ParticipantId } from '#signalling/ids.ts';
import { announce } from '../lib/announce.ts';
import { participantInWords } from './moderation-words.ts';

/** Says aloud who came, who left and what was noticed, for those who do not see the tiles. */
export function useSpokenChanges(joined: Joined<MediaStreamTrack> | undefined): void {
  const known = useRef(new Map<ParticipantId, string>());
  const raised = useRef<ReadonlySet<ParticipantId>>(new Set());
  const told = useRef(new Set<string>());
  useEffect(() => {
    if (!joined) return;
    const now = new Map(
      joined.participants.flatMap((each) =>
        each.person ? [[each.participant, participantInWords(each, each.person.name)] as const] : [],
      ),
    );
    for (const [participant, name] of now) if (!known.current.has(participant)) announce(`${name} is in the call`);
    for (const [participant, name] of known.current) if (!now.has(participant)) announce(`${name} has left`);
    known.current = new Map(now);
    const hands = joined.participants.filter(({ hand }) => hand).map(({ participant }) => participant);
    for (const participant of hands) {
      const name = now.get(participant);
      if (name && !raised.current.has(participant)) announce(`${name} has raised a hand`);
    }
    raised.current = new Set(hands);
    for (const { code, domain, sentence } of joined.notices) {
      const key = `${code} ${domain}`;
      if (!told.current.has(key)) announce(sentence);
      told.current.add(key);
    }
  }, [joined]);
}

/** Says aloud who reacts, and how. What this person does, the button has said. */
export function useSpokenReactions(joined: Joined<MediaStreamTrack> | undefined, reactions: readonly Reaction[]): void {
  const told = useRef(0);
  useEffect(() => {
    if (!joined) return;
    const fresh = reactions.filter(({ id, participant }) => id > told.current && participant !== joined.me);
    told.current = Math.max(told.current, ...reactions.map(({ id }) => id));
    const said = fresh.flatMap(({ participant, sign }) => {
      const person = joined.participants.find((each) => each.participant === participant)?.person;
      return person ? [`${person.name} reacts with ${sign}`] : [];
    });
    // One sentence for all that came at once: of two the first would be lost.
    if (said.length > 0) announce(said.join('. '));
  }, [joined, reactions]);
}
