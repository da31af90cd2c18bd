import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { SeenDevice } from '#client/device/verification.ts';
import { DeviceError, failureOf } from '#client/failure.ts';
import { heirOf, may, type Role } from '#signalling/capabilities.ts';
import type { Conversation, Member } from '#signalling/client-home.ts';
import { addressOf, parseAddress } from '#signalling/ids.ts';
import { VerifyDialog } from '../device/verify-dialog.tsx';
import { announce } from '../lib/announce.ts';
import type { Chat } from '../lib/chat.ts';
import { plain } from '../lib/plain.ts';
import { useAttempt } from '../lib/use-attempt.ts';
import { useStore } from '../lib/use-store.ts';
import { AddressInput } from '../parts/address-input.tsx';
import { Avatar } from '../parts/avatar.tsx';
import { Icon } from '../parts/icon.tsx';
import { Message } from '../parts/message.tsx';
import { Organisation } from '../parts/organisation.tsx';
import { BlockDialog } from '../people/block-dialog.tsx';
import { Confirm } from './confirm.tsx';
import { TrustSign, useTrust } from './trust.tsx';

interface Props {
  readonly chat: Chat;
  readonly conversation: Conversation;
  readonly devices: readonly SeenDevice[];
}

const ROLES: Readonly<Record<Role, string>> = { admin: 'Administrator', member: '', guest: 'Guest' };

/** What of it is asked before it is done. */
type Asked = { readonly act: 'remove' | 'promote' | 'demote'; readonly member: Member };

/** Who is in the conversation, and what this person may do about that: the same table decides at the hub. */
export function PeopleSection({ chat, conversation, devices }: Props) {
  const [asked, setAsked] = useState<Asked>();
  const own = conversation.members.find(({ user }) => user === chat.me.user)?.role;
  return (
    <section class="people">
      <h3>People</h3>
      <ul>
        {conversation.members.map((member) => (
          <Person key={member.user} chat={chat} member={member} devices={devices}>
            <PersonActs own={own} member={member} isMe={member.user === chat.me.user} onAsk={setAsked} />
          </Person>
        ))}
      </ul>
      {may(own, 'addParticipant') && <AddMember chat={chat} conversation={conversation} />}
      {asked && <Ask chat={chat} conversation={conversation} asked={asked} onClose={() => setAsked(undefined)} />}
    </section>
  );
}

interface PersonProps {
  readonly chat: Chat;
  readonly member: Member;
  readonly devices: readonly SeenDevice[];
  readonly children: ComponentChildren;
}

function Person({ chat, member, devices, children }: PersonProps) {
  const [verifying, setVerifying] = useState(false);
  const [blocking, setBlocking] = useState(false);
  const isBlocked = useStore(chat.connections.store).some(
    ({ user, state }) => user === member.user && state === 'blocked',
  );
  const unblock = () => {
    chat.connections.act(member.user, 'unblock').then(
      () => announce(`${plain(member.name)} is not blocked any more`),
      (error: unknown) => announce(failureOf(error).sentence),
    );
  };
  const trust = useTrust(chat.verification, devices, member.user);
  const isMe = member.user === chat.me.user;
  const role = ROLES[member.role];
  return (
    <li class="person">
      <Avatar name={member.name} size={40} />
      <span class="person-words">
        <strong>
          <bdi>{member.name}</bdi>
          {isMe && <span class="quiet-text"> (you)</span>}
        </strong>
        <span class="quiet-text">{addressOf(member.user)}</span>
        {role && <span class="quiet-text">{role}</span>}
        {!isMe && <TrustSign trust={trust} />}
        {isBlocked && (
          <span class="with-icon blocked">
            <Icon name="block" size={15} />
            You have blocked this person
          </span>
        )}
      </span>
      <Organisation domain={member.domain} foreign={member.domain !== chat.me.domain} />
      <span class="person-acts">
        {!isMe && (
          <button type="button" class="small" onClick={() => setVerifying(true)}>
            Verify
            <span class="sr-only"> {plain(member.name)}</span>
          </button>
        )}
        {children}
        {!isMe && (
          <button type="button" class="small quiet" onClick={isBlocked ? unblock : () => setBlocking(true)}>
            {isBlocked ? 'Unblock' : 'Block…'}
            <span class="sr-only"> {plain(member.name)}</span>
          </button>
        )}
      </span>
      {blocking && (
        <BlockDialog
          connections={chat.connections}
          user={member.user}
          name={plain(member.name)}
          onClose={() => setBlocking(false)}
        />
      )}
      {verifying && (
        <VerifyDialog
          verification={chat.verification}
          self={chat.messenger.device.id}
          member={member}
          devices={devices}
          onClose={() => setVerifying(false)}
        />
      )}
    </li>
  );
}

interface ActsProps {
  readonly own: Role | undefined;
  readonly member: Member;
  readonly isMe: boolean;
  readonly onAsk: (asked: Asked) => void;
}

function PersonActs({ own, member, isMe, onAsk }: ActsProps) {
  const name = <span class="sr-only"> {plain(member.name)}</span>;
  return (
    <>
      {may(own, 'changeUserRole') && member.role !== 'guest' && (
        <button
          type="button"
          class="small"
          onClick={() => onAsk({ act: member.role === 'admin' ? 'demote' : 'promote', member })}
        >
          {member.role === 'admin' ? 'Make member' : 'Make administrator'}
          {name}
        </button>
      )}
      {may(own, 'removeParticipant') && !isMe && (
        <button type="button" class="small" onClick={() => onAsk({ act: 'remove', member })}>
          Remove
          {name}
        </button>
      )}
    </>
  );
}

interface AskProps {
  readonly chat: Chat;
  readonly conversation: Conversation;
  readonly asked: Asked;
  readonly onClose: () => void;
}

function Ask({ chat, conversation: { conversation }, asked: { act, member }, onClose }: AskProps) {
  const { messenger } = chat;
  const name = plain(member.name);
  switch (act) {
    case 'remove':
      return (
        <Confirm
          title={`Remove ${name}?`}
          act="Remove"
          onClose={onClose}
          onAct={async () => {
            await messenger.removeMember(conversation, member.user);
            announce(`${name} removed`);
          }}
        >
          <p>
            {name} reads nothing that is said from now on, and is put out of a call that goes on. What was said before
            stays on the devices that have it. Everybody here sees that you did this.
          </p>
        </Confirm>
      );
    case 'promote':
      return (
        <Confirm
          title={`Make ${name} an administrator?`}
          act="Make administrator"
          danger={false}
          onClose={onClose}
          onAct={async () => void (await messenger.changeRole(conversation, member.user, 'admin'))}
        >
          <p>
            An administrator adds and removes people, you too, makes others administrators, renames the conversation and
            ends calls for everybody.
          </p>
        </Confirm>
      );
    case 'demote':
      return (
        <Confirm
          title={member.user === chat.me.user ? 'Stop being an administrator?' : `Make ${name} a member?`}
          act="Make member"
          onClose={onClose}
          onAct={async () => void (await messenger.changeRole(conversation, member.user, 'member'))}
        >
          <p>
            A member reads, writes and calls, and decides nothing about who is here. An administrator can undo this.
          </p>
        </Confirm>
      );
  }
}

/** The way out, for oneself. */
export function Leave({ chat, conversation, onLeft }: Omit<Props, 'devices'> & { readonly onLeft: () => void }) {
  const [asking, setAsking] = useState(false);
  const rest = conversation.members.filter(({ user }) => user !== chat.me.user);
  return (
    <>
      <button type="button" class="danger" onClick={() => setAsking(true)}>
        Leave conversation
      </button>
      {asking && (
        <Confirm
          title="Leave this conversation?"
          act="Leave"
          onClose={() => setAsking(false)}
          onAct={async () => {
            await chat.messenger.leave(conversation.conversation);
            announce('You left the conversation');
            onLeft();
          }}
        >
          <p>{leaveWords(rest)}</p>
        </Confirm>
      )}
    </>
  );
}

function leaveWords(rest: readonly Member[]): string {
  const first = 'You read nothing that is said here from now on, on none of your devices.';
  if (rest.every(({ role }) => role === 'guest'))
    return `${first} As nobody else with an account is here, it is over then.`;
  const heir = heirOf(rest);
  const back = 'Only an administrator can let you in again.';
  if (!heir) return `${first} ${back}`;
  const name = plain(heir.name);
  return `${first} You are the only administrator: ${name}, who has been here longest, is one then. ${back}`;
}

function AddMember({ chat, conversation }: Omit<Props, 'devices'>) {
  const [address, setAddress] = useState('');
  const { busy, failure, submit, dismiss } = useAttempt();
  const add = async () => {
    const user = parseAddress(address);
    if (!user) throw new DeviceError('ADDRESS_FORM');
    await chat.messenger.addMember(conversation.conversation, user);
    setAddress('');
  };
  return (
    <form class="add-member" onSubmit={submit(add)}>
      {failure && <Message failure={failure} onDismiss={dismiss} />}
      <label>
        <span>Add somebody by address</span>
        <span class="with-button">
          <AddressInput
            home={chat.home}
            value={address}
            onInput={setAddress}
            placeholder="@bob@beta.example"
            required
          />
          <button type="submit" disabled={busy}>
            {busy ? 'Adding…' : 'Add'}
          </button>
        </span>
      </label>
      <p class="quiet-text">Whoever is added reads what is said from then on, and nothing from before.</p>
    </form>
  );
}
