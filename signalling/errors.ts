/**
 * The closed list of every error code that crosses a process border. `status` is the HTTP status, `close` the WebSocket
 * close code; `sentence` says what happened and what to do next; `retry` tells whether the same call can succeed later.
 * The reference page `docs/reference/errors.md` is generated from this list.
 */
import { DEVICE_ERRORS } from './device-errors.ts';
import { type ErrorEntry, entry } from './error-entry.ts';
import { FEDERATION_ERRORS } from './federation-errors.ts';

export type { ErrorEntry };

export const ERRORS = {
  // The RPC layer itself
  SIG_TOO_LARGE: entry(413, 1009, false, 'The message is larger than this connection accepts. Send less at once.'),
  SIG_MALFORMED: entry(
    400,
    4400,
    false,
    'The message is not JSON of the agreed form. Update the software that sent it.',
  ),
  SIG_TOO_DEEP: entry(400, 4400, false, 'The message is nested deeper than this connection accepts.'),
  SIG_SCHEMA: entry(400, 4400, false, 'The message does not follow the protocol. Update the software that sent it.'),
  SIG_UNKNOWN_METHOD: entry(
    404,
    4404,
    false,
    'The other side does not know this call. Check that both sides run compatible versions.',
  ),
  SIG_UNSUPPORTED_VERSION: entry(
    426,
    4426,
    false,
    'There is no protocol version that both sides speak, or the other side has no such door at that URL. Update the older one, or correct the URL.',
  ),
  SIG_ORDER: entry(
    409,
    4409,
    false,
    'The call came at a moment at which it has no meaning, for example before joining.',
  ),
  SIG_FLOOD: entry(429, 4429, true, 'Too many messages in a short time. Wait and send less often.'),
  SIG_BUSY: entry(429, 4429, true, 'Too many calls or connections at once. Wait for some of them to end.'),
  SIG_BACKPRESSURE: entry(503, 4408, true, 'The other side does not read fast enough. Check its network and load.'),
  SIG_TIMEOUT: entry(504, 4408, true, 'The other side did not answer in time. Check that it runs and can be reached.'),
  SIG_CLOSED: entry(503, 4499, true, 'The connection was closed before the answer came.'),
  SIG_UNREACHABLE: entry(503, 4503, true, 'The server cannot be reached. Check your network and that the server runs.'),
  SIG_INTERNAL: entry(500, 4500, true, 'Something failed on the server. Its log tells more under the given id.'),

  // The SFT
  SFT_TICKET_MALFORMED: entry(401, 4401, false, 'The ticket cannot be read. Ask your homeserver for a new one.'),
  SFT_TICKET_FORGED: entry(401, 4401, false, 'The ticket was not signed by the homeserver of this domain.'),
  SFT_TICKET_EXPIRED: entry(401, 4401, true, 'The ticket has expired. Ask your homeserver for a new one.'),
  SFT_TICKET_EARLY: entry(401, 4401, true, 'The ticket is not valid yet. Check the clocks of homeserver and SFT.'),
  SFT_TICKET_AUDIENCE: entry(
    401,
    4401,
    false,
    'The ticket is for another SFT. Connect to the one that the homeserver names.',
  ),
  SFT_TICKET_CONFERENCE: entry(403, 4403, false, 'The ticket is for another conference.'),
  SFT_TICKET_USED: entry(401, 4401, true, 'The ticket was used before. Ask your homeserver for a new one.'),
  SFT_NOT_PERMITTED: entry(
    403,
    4403,
    false,
    'Your role in this conversation, or whoever moderates the call, does not allow this.',
  ),
  SFT_CONFERENCE_ENDED: entry(410, 4410, false, 'The call has ended.'),
  SFT_REMOVED: entry(403, 4403, false, 'You were removed from the call.'),
  SFT_REPLACED: entry(409, 4409, false, 'You joined this call again from elsewhere; this connection was closed.'),
  SFT_FULL: entry(503, 4503, true, 'This SFT has reached its configured limit. Try again when a call has ended.'),
  SFT_MEDIA_REFUSED: entry(
    400,
    4400,
    false,
    'The media description was refused. Update the browser or software that sent it.',
  ),
  SFT_CODEC_REFUSED: entry(
    400,
    4400,
    false,
    'Pictures are sent in VP8 or VP9. AV1 and other codecs do not work in conferences between organisations, and any conference can become one, so that they are refused in all. Let the client send VP8 or VP9.',
  ),
  SFT_UNKNOWN_SOURCE: entry(404, 4404, false, 'There is no such camera, microphone or screen in this conference.'),
  SFT_SOURCE_LIMIT: entry(409, 4409, false, 'You already publish as many sources of this kind as are allowed.'),
  SFT_WORKER_DIED: entry(503, 4503, true, 'The media worker stopped. Join again.'),
  SFT_SHUTTING_DOWN: entry(503, 4503, true, 'This SFT is being stopped. Join again in a moment.'),
  SFT_DRAINING: entry(
    503,
    4503,
    true,
    'This SFT is about to end and takes no new calls; those that go on are not cut. Try again when another one has taken its place.',
  ),
  SFT_ANCHOR_UNREACHABLE: entry(
    503,
    4533,
    true,
    'The media server of the organisation that started the call cannot be reached.',
  ),
  SFT_HOMESERVER_UNREACHABLE: entry(
    503,
    4503,
    true,
    'The SFT cannot reach its own homeserver, so nobody new can join. Check that it runs.',
  ),

  // The link between two SFTs
  SFT_LINK_PEER_NOT_ALLOWED: entry(
    403,
    4521,
    false,
    'The other side does not accept this organisation. Its administrator can allow it.',
  ),
  SFT_LINK_GRANT_REFUSED: entry(
    403,
    4403,
    false,
    'The grant for this conference is missing, expired or not for this organisation.',
  ),
  SFT_LINK_GRANT_ENDED: entry(
    403,
    4403,
    false,
    'Your organisation may no longer be in this call. Ask whoever leads the conversation to add it again.',
  ),
  SFT_LINK_FOREIGN_PARTICIPANT: entry(
    403,
    4403,
    false,
    'A link may announce only participants of its own organisation.',
  ),
  SFT_LINK_ADDRESS: entry(
    403,
    4403,
    false,
    'The media address lies outside the prefixes that are approved for this organisation.',
  ),
  SFT_LINK_SRTP: entry(400, 4400, false, 'The trunk must use AEAD_AES_256_GCM with a key of the right length.'),
  SFT_LINK_REVOKED: entry(403, 4521, false, 'The organisation is no longer allowed, or its certificate was revoked.'),
  SFT_LINK_LOST: entry(503, 4533, true, 'The link to the other organisation was lost. It is being dialled again.'),
  SFT_LINK_LIMIT: entry(
    429,
    4429,
    true,
    'A limit that was set for this organisation is reached, so that some of its people or pictures are left out. They come by themselves when there is room; an administrator can raise the limit.',
  ),
  SFT_LINK_EXCESS: entry(
    429,
    4429,
    true,
    'More media was sent than was announced and asked for. The link was cut and can be dialled again after a pause; look for the fault at the sender.',
  ),
  SFT_LINK_UNKNOWN_STREAMS: entry(
    429,
    4429,
    true,
    'Packets came on the trunk that belong to no announced stream. The link was cut and can be dialled again after a pause; let only the approved prefixes reach the ports of trunks.',
  ),
  SFT_LINK_FEEDBACK_FLOOD: entry(
    429,
    4429,
    true,
    'Key frames or lost packets were asked for far too often. The link was cut and can be dialled again after a pause; look for the fault at who asked.',
  ),
  SFT_LINK_FLAPPING: entry(
    429,
    4429,
    true,
    'The demand for layers changed far too often. The link was cut and can be dialled again after a pause; look for the fault at who demanded.',
  ),
  SFT_PICTURES_LIMITED: entry(
    429,
    4429,
    true,
    'Some pictures from this organisation are smaller or missing, because a limit for it is reached. They come back by themselves when there is room.',
  ),
  SFT_PICTURES_BRAKED: entry(
    503,
    4503,
    true,
    'Some pictures from this organisation are smaller or missing, because the network on the way loses or delays too much. They come back by themselves.',
  ),

  // Who speaks for a domain
  TRUST_NO_CERTIFICATE: entry(403, 4521, false, 'The other side showed no client certificate.'),
  TRUST_UNKNOWN_DOMAIN: entry(403, 4521, false, 'The certificate names no domain of the allow list.'),
  TRUST_BLOCKED: entry(403, 4521, false, 'The domain is blocked on the allow list.'),
  TRUST_WRONG_AUTHORITY: entry(
    403,
    4525,
    false,
    'The certificate was not issued by the authority that speaks for this domain.',
  ),
  TRUST_SELF_SIGNED: entry(
    403,
    4525,
    false,
    'The certificate is self-signed. It must be issued by the authority of its domain.',
  ),
  TRUST_EXPIRED: entry(403, 4525, false, 'The certificate has expired. Its organisation must renew it.'),
  TRUST_NOT_YET_VALID: entry(403, 4525, false, 'The certificate is not valid yet. Check the clocks on both sides.'),
  TRUST_REVOKED: entry(403, 4525, false, 'The certificate was revoked by its authority.'),
  TRUST_WRONG_NAME: entry(403, 4525, false, 'The certificate does not name the server that was meant.'),
  TRUST_TLS: entry(403, 4525, false, 'The TLS handshake failed. Both sides need TLS 1.3 with certificates.'),

  ...DEVICE_ERRORS,

  // The homeserver, for its own people
  HOME_BAD_REQUEST: entry(400, 4400, false, 'The request does not follow the protocol.'),
  HOME_UNAUTHENTICATED: entry(401, 4401, false, 'Sign in first.'),
  HOME_WRONG_CREDENTIALS: entry(401, 4401, false, 'Handle or password is wrong.'),
  HOME_SLOW_DOWN: entry(429, 4429, true, 'Too many attempts. Wait a minute and try again.'),
  HOME_NOT_FOUND: entry(404, 4404, false, 'There is no such thing here, or you may not see it.'),
  HOME_FORBIDDEN: entry(403, 4403, false, 'You may not do this here.'),
  HOME_HANDLE_TAKEN: entry(409, 4409, false, 'This handle is taken. Choose another one.'),
  HOME_NO_DEVICE: entry(403, 4403, false, 'This session has no device. Set the device up first.'),
  HOME_HAS_DEVICE: entry(409, 4409, false, 'This session has a device already. Sign in again to set another one up.'),
  HOME_DEVICE_GONE: entry(410, 4410, false, 'This device was removed, or belongs to another person. Set it up anew.'),
  HOME_TOO_MANY_DEVICES: entry(
    409,
    4409,
    false,
    'You have as many devices as one person may have. Remove one of them first.',
  ),
  HOME_BAD_DEVICE_KEY: entry(
    400,
    4400,
    false,
    'The certificate cannot be issued: the request must be signed with its own Ed25519 key, and with that of the device.',
  ),
  HOME_BAD_KEY_PACKAGE: entry(
    400,
    4400,
    false,
    'One of the key packages is not good, so that none of them was taken. Make new ones.',
  ),
  HOME_NO_GROUP: entry(404, 4404, false, 'This conversation has no group yet. Make one.'),
  HOME_GROUP_EXISTS: entry(409, 4409, false, 'This conversation has a group already. Join it.'),
  HOME_LAST_ADMIN: entry(
    409,
    4409,
    false,
    'Nobody else administers this conversation. Make somebody else an administrator first, or leave it.',
  ),
  HOME_REMOVE_SELF: entry(409, 4409, false, 'Nobody removes themselves. Leave the conversation instead.'),
  HOME_GUEST_ROLE: entry(
    409,
    4409,
    false,
    'A guest has no account and keeps the role of a guest. Add the person with an account instead.',
  ),
  HOME_BAD_TITLE: entry(
    400,
    4400,
    false,
    'The name of a conversation has 1 to 120 characters that can be seen. Choose another one.',
  ),
  HOME_CONVERSATION_FULL: entry(
    409,
    4409,
    false,
    'The conversation has as many people as it can have. Remove somebody first, or begin another one.',
  ),
  HOME_NO_CALL: entry(410, 4410, false, 'The call has ended.'),
  HOME_CALL_LOBBY: entry(
    403,
    4403,
    false,
    'Somebody who moderates this call has to let you in. Wait in its lobby until somebody does.',
  ),
  HOME_CALL_LOCKED: entry(
    403,
    4403,
    false,
    'This call is locked: nobody comes in any more. Ask whoever moderates it to unlock it.',
  ),
  HOME_CALL_BARRED: entry(
    403,
    4403,
    false,
    'You were put out of this call. Only whoever moderates it can let you in again: ask them.',
  ),
  HOME_CALL_ELSEWHERE: entry(
    409,
    4409,
    false,
    'This call is led by the homeserver of another organisation, so that this cannot be done from here. Ask the administrator of that organisation.',
  ),
  HOME_LOBBY_FULL: entry(
    409,
    4409,
    true,
    'As many people wait for this call as can wait at the same time. Try again when some of them were let in.',
  ),
  HOME_GUEST_LINK_REFUSED: entry(
    403,
    4403,
    false,
    'This link does not work any more: it was taken back, or the call is over. Ask whoever sent it for a new one.',
  ),
  HOME_GUEST_NAME_REFUSED: entry(
    400,
    4400,
    false,
    'A name has at most 40 letters, digits, spaces, points, hyphens and apostrophes, and begins with a letter or a digit. Choose another one.',
  ),
  HOME_TOO_MANY_GUESTS: entry(
    409,
    4409,
    true,
    'As many guests are in this call as can be at the same time. Try again when some of them have left.',
  ),
  HOME_TOO_MANY_GUEST_LINKS: entry(
    409,
    4409,
    false,
    'There are as many links to this call as there can be. Take one back, and make another one then.',
  ),
  HOME_STORE_UNAVAILABLE: entry(
    503,
    4503,
    true,
    'The database of this server does not answer. Try again in a moment; the log of the server tells its administrator more.',
  ),
  HOME_STORE_FULL: entry(
    507,
    4507,
    true,
    'The disk of this server is full, so that this was not stored. Tell your administrator, and try again later. Nothing that it has is lost.',
  ),
  HOME_REGISTRATION_CLOSED: entry(
    403,
    4403,
    false,
    'Nobody can register here by themselves. Ask your administrator for an account.',
  ),
  HOME_NO_MAIL: entry(
    403,
    4403,
    false,
    'This server is not set up to send e-mail, so that this cannot be done by e-mail. Ask your administrator.',
  ),
  HOME_MAIL_LIMIT: entry(
    429,
    4429,
    true,
    'Several e-mails were sent to this address in the last hour. Look for the newest one there, or try again in 20 minutes.',
  ),
  HOME_EMAIL_REFUSED: entry(
    403,
    4403,
    false,
    'Addresses of this e-mail domain cannot register here. Use the address that your organisation gave you.',
  ),
  HOME_EMAIL_TAKEN: entry(
    409,
    4409,
    false,
    'There is an account with this e-mail address already. Sign in, or reset its password.',
  ),
  HOME_INVITATION_REFUSED: entry(
    403,
    4403,
    false,
    'An invitation is needed, and this one is unknown, was used, or has expired. Check how it is written, or ask for a new one.',
  ),
  HOME_INVITATIONS_OPEN: entry(
    409,
    4409,
    false,
    'You have as many open invitations as a person may have. Take one back, or wait until one is used or expires.',
  ),
  HOME_WORK_REFUSED: entry(
    403,
    4403,
    true,
    'The proof of work is missing, wrong, too old, or was used before. Fetch a new challenge, solve it, and try again.',
  ),
  HOME_CODE_WRONG: entry(403, 4403, true, 'The code is wrong. Look at the newest e-mail and try again.'),
  HOME_CODE_OVER: entry(410, 4410, false, 'The code is too old, or was tried too often. Begin again to get a new one.'),
  HOME_NOT_CONNECTED: entry(
    403,
    4403,
    false,
    'This person has not accepted a connection with you. Send a request, and try again when it is accepted.',
  ),
  HOME_NO_REQUEST: entry(
    409,
    4409,
    false,
    'This person has not asked for a connection with you. Send a request yourself.',
  ),
  HOME_BLOCKED: entry(409, 4409, false, 'You have blocked this person. Unblock the person first.'),
  HOME_SFT_UNREACHABLE: entry(
    503,
    4503,
    true,
    'The media server of your organisation cannot be reached. Tell your administrator.',
  ),

  // Files that people send
  HOME_ASSET_TOO_LARGE: entry(
    413,
    4413,
    false,
    'Your organisation does not accept files of this size. Send a smaller one.',
  ),
  HOME_ASSET_KIND: entry(415, 4415, false, 'Your organisation does not accept files of this kind.'),
  HOME_ASSET_QUOTA: entry(
    507,
    4507,
    false,
    'Your files take up all the room that your organisation gives you. Delete some of them, then try again.',
  ),
  HOME_ASSET_NO_ROOM: entry(
    507,
    4507,
    true,
    'The server has no room for more files. Nothing that it has is lost. Tell your administrator, and try again later.',
  ),
  HOME_ASSET_UPLOADS: entry(
    429,
    4429,
    true,
    'Too many of your uploads are unfinished. Finish or delete some, then try again.',
  ),
  HOME_ASSET_CONFLICT: entry(409, 4409, false, 'This upload was begun with another size or kind. Begin a new one.'),
  HOME_ASSET_OFFSET: entry(409, 4409, true, 'The upload goes on at another byte. Ask where it stands.'),
  HOME_ASSET_OVERTAKEN: entry(409, 4409, true, 'The upload goes on over another connection. Ask where it stands.'),
  HOME_ASSET_INCOMPLETE: entry(
    409,
    4409,
    false,
    'Not all of the file has arrived. Send the rest, then complete the upload.',
  ),
  HOME_ASSET_COMPLETE: entry(409, 4409, false, 'The upload is complete, and nothing can be added to it.'),
  HOME_ASSET_HASH: entry(
    422,
    4422,
    false,
    'What arrived is not what was sent, and was thrown away. Send the file again.',
  ),
  HOME_ASSET_RANGE: entry(416, 4416, false, 'The file does not have these bytes. Ask for a range that begins in it.'),
  HOME_ASSET_STORE: entry(
    503,
    4503,
    true,
    'The place where your organisation keeps files cannot be reached. Try again later, or tell your administrator.',
  ),
  HOME_PUSH_OFF: entry(
    409,
    4409,
    false,
    'Your organisation does not wake browsers that are closed. Keep the page open to hear of what is new.',
  ),
  HOME_PUSH_SERVICE: entry(
    409,
    4409,
    false,
    'Your organisation does not use the push service of this browser. Ask your administrator to add it.',
  ),

  HOME_PEER_AUTHORITY: entry(
    400,
    4400,
    false,
    'This is not the certificate of an authority. Ask the other administrator for the file authority.pem.',
  ),
  HOME_PEER_ENTRY: entry(
    400,
    4400,
    false,
    'The allow list cannot take this. Look at how the domain, the host and port, the prefixes and the limits are written.',
  ),
  HOME_PEERS_BUSY: entry(
    409,
    4409,
    true,
    'The allow list is being changed at this moment. Try again; if it stays so, remove the .lock file beside the list.',
  ),
  HOME_PEERS_FILE: entry(
    503,
    4503,
    false,
    'The homeserver cannot write its allow list. Let it own that file and its folder, or use hawser peers on the machine.',
  ),

  ...FEDERATION_ERRORS,
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof ERRORS;

export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(ERRORS, text);
}

/**
 * An error with a code of the list. `detail` is for the log and for the caller alike: it never holds a secret, a
 * person's name or content.
 */
export class HawserError extends Error {
  override readonly name = 'HawserError';
  readonly code: ErrorCode;
  readonly detail: string | undefined;

  constructor(code: ErrorCode, detail?: string, options?: { cause?: unknown }) {
    super(detail === undefined ? ERRORS[code].sentence : `${ERRORS[code].sentence} (${detail})`, options);
    this.code = code;
    this.detail = detail;
  }

  get status(): number {
    return ERRORS[this.code].status;
  }

  get retry(): boolean {
    return ERRORS[this.code].retry;
  }
}
