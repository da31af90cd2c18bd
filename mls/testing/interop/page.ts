/** For tests: a page in which members of both implementations live. Built by the test; `window.makeMember` is where it begins. */
import { toBase64Url } from '#signalling/base64.ts';
import type { DeviceId, DomainName, ParticipantId } from '#signalling/ids.ts';
import { type DeviceKeys, TestDomain } from '../authority.ts';
import { hex } from '../hex.ts';
import type { Member } from './member.ts';
import { Ours } from './ours.ts';
import { Theirs } from './theirs.ts';

/** Where the test's server has the WebAssembly module. */
const WASM = '/core-crypto.wasm';

const PARTICIPANT = 'AAECAwQFBgcICQoLDA0ODw' as ParticipantId;

/** The one with certificates has also the extension that a device in a call has. */
export type Kind = 'ours' | 'ours with certificates' | 'theirs';

let made: Promise<TestDomain> | undefined;

/** Whose certificates core-crypto believes. */
function domain(): Promise<TestDomain> {
  made ??= TestDomain.make('alpha.example' as DomainName, Date.now());
  return made;
}

async function makeMember(kind: Kind, name: string): Promise<Member> {
  switch (kind) {
    case 'theirs':
      return Theirs.make(name, WASM, await domain());
    case 'ours':
      return Ours.make({ name });
    case 'ours with certificates':
      return Ours.make({ name, device: await certified(name), participant: PARTICIPANT });
  }
}

/**
 * A device whose certificate has what core-crypto reads in it, in the place of what ours has: its own names of device and user, and who
 * and whose they are in the subject. By the root itself, because core-crypto does not take the intermediate of `TestDomain`.
 */
async function certified(name: string): Promise<DeviceKeys> {
  const alpha = await domain();
  const [, user = '', device, host] = /^(.+):(.+)@(.+)$/.exec(name) ?? [];
  const id = toBase64Url(hex(user.replaceAll('-', '')));
  const names = [`wireapp://${id}!${device}@${host}`, `wireapp://%40alice@${host}`];
  const subject = `CN=Alice, O=${host}`;
  return alpha.device('mimi://alpha.example/u/alice/d/laptop' as DeviceId, { names, subject }, alpha.root);
}

declare global {
  interface Window {
    makeMember: typeof makeMember;
  }
}
window.makeMember = makeMember;
