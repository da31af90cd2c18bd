/** The part of the list of errors that arises on devices: groups, what they store, what is inside messages. */
import { entry } from './error-entry.ts';

export const DEVICE_ERRORS = {
  // Messaging Layer Security, on the device
  MLS_MALFORMED: entry(
    400,
    4400,
    false,
    'This is not a message of Messaging Layer Security in its one valid encoding. Update the software that sent it.',
  ),
  MLS_TOO_LARGE: entry(413, 1009, false, 'The message is larger than any of its kind may be. Send less at once.'),
  MLS_UNSUPPORTED: entry(
    400,
    4400,
    false,
    'The message uses a part of Messaging Layer Security that is not used here. Update the software that sent it.',
  ),
  MLS_WRONG_GROUP: entry(404, 4404, false, 'The message is for another group. Deliver it to that one.'),
  MLS_EPOCH_PAST: entry(
    409,
    4409,
    false,
    'The message belongs to an epoch whose keys are gone. Build a commit anew on the current epoch; give a message up.',
  ),
  MLS_EPOCH_FUTURE: entry(
    409,
    4409,
    true,
    'The message belongs to an epoch that this device has not reached and cannot wait for. Fetch what was missed, or join again.',
  ),
  MLS_REFUSED: entry(
    403,
    4403,
    false,
    'The message breaks a rule of the group: a signature, a tag, a key or what it asks for is wrong. Drop it; where the hub accepted it, join again.',
  ),
  MLS_UNREADABLE: entry(
    400,
    4400,
    false,
    'The message cannot be decrypted: it came before, was altered, or is older than the keys that are kept. Drop it.',
  ),
  MLS_FOREIGN_REMOVAL: entry(
    403,
    4403,
    false,
    'A device that joins by itself may replace its own former self only, nobody else. Drop the commit.',
  ),
  MLS_PROPOSAL_REFUSED: entry(
    403,
    4403,
    false,
    'This kind of proposal, or its sender, is not accepted here: the hub proposes, members commit. Drop it.',
  ),
  MLS_NOT_ADMITTED: entry(
    403,
    4403,
    false,
    'The change is not allowed to who made it, or the device belongs to nobody in this conversation. Ask its administrator.',
  ),
  MLS_CREDENTIAL_REFUSED: entry(
    403,
    4403,
    false,
    'The certificates of the device are not those of a device of its organisation. Let it ask its homeserver for new ones.',
  ),
  MLS_CREDENTIAL_EXPIRED: entry(
    403,
    4403,
    false,
    'A certificate of the device is not valid at this time. Check the clock, and let the device renew it.',
  ),
  MLS_CREDENTIAL_REVOKED: entry(
    403,
    4403,
    false,
    'A certificate of the device was revoked. Remove the device from the group.',
  ),
  MLS_REVOCATION_UNKNOWN: entry(
    503,
    4503,
    true,
    'There is no current revocation list for a certificate of the device. Fetch it from the homeserver and try again.',
  ),
  MLS_KEY_PACKAGE_REFUSED: entry(
    403,
    4403,
    false,
    'The key package is not valid, or not at this time. Let its device upload new ones.',
  ),
  MLS_GROUP_INFO_REFUSED: entry(
    400,
    4400,
    false,
    'The GroupInfo is not the one of this state of the group, or was not signed by who made it. Send it with the commit that makes it.',
  ),
  MLS_WELCOME_REFUSED: entry(
    400,
    4400,
    false,
    'The Welcome does not address the devices that the commit adds, each once. Send the one that was made with the commit.',
  ),
  MLS_COMMIT_PENDING: entry(
    409,
    4409,
    true,
    'A commit of this device waits for the answer of the hub. Try again when it is settled.',
  ),
  MLS_PROPOSALS_PENDING: entry(
    409,
    4409,
    true,
    'Proposals of the hub have to be committed before anything else is sent. Commit them, or wait for the commit of another.',
  ),
  MLS_NO_PENDING_COMMIT: entry(409, 4409, false, 'No commit of this name waits for the answer of the hub.'),
  MLS_NOT_MEMBER: entry(
    410,
    4410,
    false,
    'This device is not in the group, or not any more. Join again if you still belong to it.',
  ),
  MLS_UNKNOWN_DEVICE: entry(404, 4404, false, 'There is no such device in the group. Look at its members again.'),
  MLS_NOT_SAVED: entry(
    503,
    4503,
    true,
    'The keys could not be stored on this device, so that nothing was sent or changed. Make room and try again.',
  ),
  MLS_STATE_UNREADABLE: entry(
    500,
    4500,
    false,
    'The stored state of the group cannot be read. Throw it away and join the group again.',
  ),

  // The vault: what a device keeps
  VAULT_WRONG_PASSPHRASE: entry(401, 4401, false, 'The passphrase is wrong; nothing is damaged. Type it again.'),
  VAULT_IN_USE: entry(
    409,
    4409,
    true,
    'Hawser is open on this device already, in another tab or program. Go on there, or close it there and try again.',
  ),
  VAULT_FULL: entry(
    507,
    4507,
    true,
    'There is no room left on this device, so that nothing was stored. Delete files that are not needed, then try again.',
  ),
  VAULT_DAMAGED: entry(
    500,
    4500,
    false,
    'What this device has stored cannot be read: it was altered, or the disk lost a part of it. Set this device up anew. Messages that only this device has, and those that it has not sent yet, are lost; your other devices keep what they have.',
  ),
  VAULT_GONE: entry(
    410,
    4410,
    false,
    'What this device had stored was deleted, by the browser or by somebody. Set this device up anew. Messages that only this device had, and those that it had not sent yet, are lost; your other devices keep what they have.',
  ),
  VAULT_NEWER: entry(
    426,
    4426,
    false,
    'What this device has stored was written by a newer version. Reload the page, or update the software.',
  ),
  VAULT_UNAVAILABLE: entry(
    501,
    4501,
    false,
    'This browser stores nothing for this page, so that messages could not be kept. Open the page in an ordinary window of a current browser, and allow it to store data.',
  ),
  VAULT_FAILED: entry(
    503,
    4503,
    true,
    'This device could not read or write its storage, so that nothing was changed. Try again; if it stays so, check the disk.',
  ),
  VAULT_CLOSED: entry(409, 4409, true, 'What this device has stored was closed meanwhile. Open it again.'),

  // What is inside an encrypted message
  CONTENT_TOO_LARGE: entry(413, 1009, false, 'The message is larger than a message may be. Send a file instead.'),
  CONTENT_TOO_DEEP: entry(400, 4400, false, 'The message is nested deeper than any real one. Drop it.'),
  CONTENT_MALFORMED: entry(
    400,
    4400,
    false,
    'This is not a message of the agreed format in its one valid encoding. Update the software that sent it.',
  ),
  CONTENT_DUPLICATE_KEY: entry(
    400,
    4400,
    false,
    'The message says the same thing twice, so that two readers could understand two things. Drop it.',
  ),
  CONTENT_TEXT: entry(
    400,
    4400,
    false,
    'A text of the message is not valid Unicode, or holds characters that no text may hold. Take them out and send it again.',
  ),
  CONTENT_UNSUPPORTED: entry(
    400,
    4400,
    false,
    'The message needs something that this version does not know. Update this software to read it.',
  ),
  CONTENT_FOREIGN: entry(
    403,
    4403,
    false,
    'The message names another sender or another conversation than those that it came from. Drop it.',
  ),

  // Messages in a conversation, as they are put together on the device
  MSG_NOT_AUTHOR: entry(
    403,
    4403,
    false,
    'Only who wrote a message can change it or delete it for everyone. You can answer it instead.',
  ),
  MSG_WRONG_TARGET: entry(
    409,
    4409,
    false,
    'What this asks for cannot be done to that message, for example editing a reaction. Nothing was changed.',
  ),
  MSG_REPLY_LOOP: entry(400, 4400, false, 'The message answers itself, directly or through others. Drop it.'),
  MSG_LIMIT: entry(
    429,
    4429,
    false,
    'The message has as many reactions, versions or receipts as are kept. Take one back before you add another.',
  ),
} as const satisfies Readonly<Record<string, ReturnType<typeof entry>>>;
