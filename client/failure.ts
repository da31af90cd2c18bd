/**
 * What went wrong, for a person: one sentence that says what happened and what to do. The codes of the servers come from
 * `signalling/errors.ts`; those that can only arise on the device are here.
 */
import { LimitRefusal } from '#signalling/assets.ts';
import { ERRORS, HawserError, isErrorCode } from '#signalling/errors.ts';
import type { DomainName } from '#signalling/ids.ts';

export interface Failure {
  readonly code: string;
  readonly sentence: string;
  /** Whether doing the same again can succeed. */
  readonly retry: boolean;
}

const DEVICE = {
  DEVICE_NO_CAMERA: [false, 'No camera was found. Plug one in, or go on without it.'],
  DEVICE_NO_MICROPHONE: [false, 'No microphone was found. Plug one in, or go on listening.'],
  DEVICE_CAMERA_DENIED: [
    true,
    'This page may not use the camera. Allow it beside the address of the page, then switch the camera on again.',
  ],
  DEVICE_MICROPHONE_DENIED: [
    true,
    'This page may not use the microphone. Allow it beside the address of the page, then switch it on again.',
  ],
  DEVICE_CAMERA_BUSY: [true, 'Another program is using the camera. Close it there, then switch the camera on again.'],
  DEVICE_MICROPHONE_BUSY: [true, 'Another program is using the microphone. Close it there, then switch it on again.'],
  DEVICE_SCREEN_DENIED: [true, 'No screen was shared: nothing was chosen, or the system does not allow it.'],
  DEVICE_FAILED: [true, 'The device could not be started. Choose another one, or plug it in again.'],
  BROWSER_UNSUPPORTED: [
    false,
    'This browser cannot take part in calls. Use a current Chrome, Edge, Firefox or Safari, on a secure (https) address.',
  ],
  CONNECTION_LOST: [true, 'The connection to the call was lost. Check your network, then join again.'],
  MEDIA_LOST: [
    true,
    'Sound and picture cannot get through to the media server. Check your network or firewall, then join again.',
  ],
  ADDRESS_FORM: [false, 'An address looks like @bob@alpha.example. Check how it is written.'],
  ADDRESS_OWN: [false, 'This is your own address. Ask for the address of somebody else.'],
  DOMAIN_FORM: [false, 'A domain looks like beta.example. Check how it is written.'],
  EMAIL_FORM: [false, 'This is no e-mail address. Check how it is written.'],
  HANDLE_FORM: [
    false,
    'A short name has letters from a to z, digits, dots, hyphens, and 32 of them at most. Choose one.',
  ],
  PASSWORD_WRONG: [true, 'This is not your password. Type it once more.'],
  FILE_DAMAGED: [false, 'This is not the file that was sent: it is damaged, or somebody changed it. Ask for it again.'],
  FILE_CHANGED: [false, 'The file was changed while it was being sent. Send it again.'],
  FILE_UNREADABLE: [false, 'The file cannot be read any more. Choose it again.'],
  FILE_FORM: [false, 'This file was encrypted by other software, in a form that this version cannot open.'],
  FILE_EMPTY: [false, 'There is nothing in this file. Choose another one.'],
  FILE_TOO_MANY: [false, 'Ten files fit into one message. Send the others in the next one.'],
  FILE_FOLDER: [false, 'A folder cannot be sent. Pack it into one file first, or choose the files in it.'],
  UNKNOWN: [true, 'Something unexpected failed on this device. Reload the page and try again.'],
} as const satisfies Record<string, readonly [retry: boolean, sentence: string]>;

export type DeviceCode = keyof typeof DEVICE;

/** The list of `signalling/errors.ts` speaks to administrators; where a person in a call needs other words, here they are. */
const FOR_PEOPLE: Readonly<Partial<Record<string, string>>> = {
  SIG_UNREACHABLE: 'The server cannot be reached. Check your network, then try again.',
  SIG_TIMEOUT: 'The server does not answer. Check your network, then try again.',
  SIG_CLOSED: 'The connection to the server was lost. Try again.',
  SIG_INTERNAL: 'Something failed on the server. Try again; if it stays so, tell your administrator.',
  SIG_UNSUPPORTED_VERSION: 'This page and the server do not fit together. Reload the page.',
  SFT_TICKET_EXPIRED: 'Joining took too long. Join again.',
  SFT_TICKET_USED: 'You are joining twice at once. Join again.',
  SFT_NOT_PERMITTED:
    'You may not send this here: your role does not allow it, or somebody who moderates the call has decided so. Ask them.',
  SFT_FULL: 'The media server of your organisation is full. Try again when a call has ended.',
  SFT_DRAINING:
    'The media server of your organisation is being replaced and takes no new calls for a while. Calls that go on are not cut. Try again later.',
  SFT_CODEC_REFUSED:
    'Nobody can see your picture: its codec, for instance AV1, does not work in calls between organisations, and any call can become one. Choose VP8 or VP9 as the picture codec, then start it again.',
  SFT_ANCHOR_UNREACHABLE:
    'The organisation that started this call cannot be reached. You see and hear only your own organisation.',
  SFT_LINK_LOST: 'The connection to another organisation was lost. It is being set up again.',
  SFT_LINK_LIMIT:
    'Some people of this organisation are left out, because a limit for it is reached. They come by themselves when there is room.',
  SFT_LINK_PEER_NOT_ALLOWED: 'The other organisation does not accept calls from yours. Ask your administrator.',
  HOME_UNAUTHENTICATED: 'You are signed out. Sign in again.',
  HOME_NOT_FOUND: 'Nobody was found at this address. Check how it is written.',
  HOME_ASSET_NO_ROOM:
    'The server of your organisation has no room for more files. Tell your administrator, and try again later.',
  HOME_ASSET_STORE: 'The files of your organisation cannot be reached. Try again later, or tell your administrator.',
  HOME_WORK_REFUSED: 'Your browser was not quick enough with its work for the account. Try again.',
  HOME_NOT_CONNECTED:
    'This person cannot be reached by you yet. Send a request under People, and try again when it is accepted.',
  HOME_NO_CALL: 'The call has ended.',
  HOME_FORBIDDEN: 'You may not do this here. Ask an administrator of the conversation.',
  HOME_SLOW_DOWN: 'That was too often in a short time. Wait a minute, then try again.',
  CONTENT_TEXT: 'The text holds characters that no text may hold. Take them out and send it again.',
  CONTENT_TOO_LARGE: 'The message is too long. Shorten it, or send it as two messages.',
  MLS_NOT_MEMBER: 'This device is not in the conversation. If you still belong to it, try again in a moment.',
  MLS_NOT_SAVED: 'There is no room on this device to store it, so that nothing was sent. Make room and try again.',
  MLS_MALFORMED: 'The message could not be encrypted. Reload the page and send it again.',
  FED_NOT_ALLOWED: 'The two organisations have not allowed each other. Ask your administrator.',
};

/** Made by the SDK where the fault lies on the device or its network. */
export class DeviceError extends Error {
  readonly code: DeviceCode;

  constructor(code: DeviceCode, options?: { cause?: unknown }) {
    super(DEVICE[code][1], options);
    this.code = code;
  }
}

/** A server's refusal that names the organisations it is about. */
export class UnreachableError extends HawserError {
  readonly domains: readonly DomainName[];

  constructor(domains: readonly DomainName[]) {
    super('FED_UNREACHABLE', domains.join(', '));
    this.domains = domains;
  }
}

/** The sentence of a code, with the organisation where one is concerned. */
export function failureOfCode(code: string, domain?: string): Failure {
  if (Object.hasOwn(DEVICE, code)) {
    const [retry, sentence] = DEVICE[code as DeviceCode];
    return { code, sentence, retry };
  }
  if (!isErrorCode(code)) return failureOfCode('UNKNOWN');
  const { retry, sentence } = ERRORS[code];
  const words = FOR_PEOPLE[code] ?? sentence;
  return { code, sentence: domain === undefined ? words : `${domain}: ${words}`, retry };
}

/** Whatever was thrown, as a failure that can be shown. */
export function failureOf(error: unknown): Failure {
  if (error instanceof DeviceError) return failureOfCode(error.code);
  if (error instanceof UnreachableError && error.domains.length > 0) {
    const sentence = `${error.domains.join(' and ')} cannot be reached at the moment. Try again later.`;
    return { code: error.code, sentence, retry: true };
  }
  // Its sentence names the limit.
  if (error instanceof LimitRefusal) return { code: error.code, sentence: error.message, retry: error.retry };
  if (error instanceof HawserError) return failureOfCode(error.code);
  return failureOfCode('UNKNOWN');
}
