import { useState } from 'preact/hooks';
import { peopleIn } from '#client/calls/guests.ts';
import { type Failure, failureOf } from '#client/failure.ts';
import type { Home } from '#client/home.ts';
import type { Call, Conversation } from '#signalling/client-home.ts';
import type { UserId } from '#signalling/ids.ts';
import { type CallRules, FREE, moderates } from '#signalling/moderation.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Message } from '../parts/message.tsx';
import { GuestLinks } from './guest-links.tsx';
import { nameOf } from './moderation-words.ts';

interface Props {
  readonly home: Home;
  readonly conversation: Conversation;
  readonly call: Call;
  readonly self: UserId;
  readonly onClose: () => void;
}

const FREEDOMS = [
  ['speak', 'Everybody may speak'],
  ['film', 'Everybody may show video'],
  ['share', 'Everybody may share the screen'],
] as const;

/** For whoever moderates the call: what everybody may do, who comes in, and who is muted or put out. */
export function ModerationDialog({ home, conversation: shown, call, self, onClose }: Props) {
  const { conversation } = shown;
  const members = peopleIn(shown);
  const [failure, setFailure] = useState<Failure>();
  const { moderating } = home;
  const rules = call.moderation?.rules ?? FREE;
  const attempt = (work: Promise<void>) => {
    setFailure(undefined);
    work.catch((error: unknown) => setFailure(failureOf(error)));
  };
  const change = (changed: Partial<CallRules>) => attempt(moderating.rule(conversation, changed));
  const people = call.members.filter(({ user }) => user !== self);
  const roleOf = (user: UserId) => members.find((member) => member.user === user)?.role ?? 'guest';
  return (
    <Dialog title="Moderate the call" onClose={onClose}>
      <div class="stack">
        {failure && <Message failure={failure} />}
        <fieldset class="moderation-rules">
          <legend>What everybody may do</legend>
          {FREEDOMS.map(([rule, words]) => (
            <Switch
              key={rule}
              words={words}
              isOn={rules[rule] === 'everybody'}
              onChange={(isOn) => change({ [rule]: isOn ? 'everybody' : 'moderators' })}
            />
          ))}
        </fieldset>
        <fieldset class="moderation-rules">
          <legend>Who comes in</legend>
          <Switch
            words="Whoever comes waits until somebody lets him in"
            isOn={rules.lobby}
            onChange={(lobby) => change({ lobby })}
          />
          <Switch words="Nobody comes in any more" isOn={rules.locked} onChange={(locked) => change({ locked })} />
        </fieldset>
        <GuestLinks home={home} conversation={conversation} />
        <section>
          <h3>In the call</h3>
          {people.length === 0 && <p class="quiet-text">Nobody but you.</p>}
          <ul class="moderation-people">
            {people.map(({ participant, user }) => (
              <li key={participant}>
                <bdi>{nameOf(user, members, self)}</bdi>
                <button type="button" onClick={() => attempt(moderating.mute(conversation, participant))}>
                  Mute
                </button>
                {!moderates(call, { user, role: roleOf(user) }) && (
                  <button
                    type="button"
                    class="danger-outline"
                    onClick={() => attempt(moderating.putOut(conversation, user))}
                  >
                    Put out
                  </button>
                )}
              </li>
            ))}
          </ul>
          {people.length > 0 && (
            <button type="button" onClick={() => attempt(moderating.mute(conversation))}>
              Mute everybody else
            </button>
          )}
        </section>
        {call.moderation && call.moderation.barred.length > 0 && (
          <section>
            <h3>Put out</h3>
            <ul class="moderation-people">
              {call.moderation.barred.map(({ user, by }) => (
                <li key={user}>
                  <bdi>{nameOf(user, members, self)}</bdi>
                  <span class="quiet-text">by {nameOf(by, members, self)}</span>
                  <button type="button" onClick={() => attempt(moderating.letIn(conversation, user))}>
                    Let in again
                  </button>
                </li>
              ))}
            </ul>
          </section>
        )}
      </div>
    </Dialog>
  );
}

function Switch({ words, isOn, onChange }: { words: string; isOn: boolean; onChange: (isOn: boolean) => void }) {
  return (
    <label class="switch">
      <input
        type="checkbox"
        checked={isOn}
        // What is shown is what was decided: it changes when the server says so.
        onClick={(event) => {
          event.preventDefault();
          onChange(!isOn);
        }}
      />
      {words}
    </label>
  );
}
