/** The part of the list of errors that arises between homeservers. */
import { type ErrorEntry, entry } from './error-entry.ts';

export const FEDERATION_ERRORS = {
  FED_NOT_ALLOWED: entry(403, 4521, false, 'The organisations have not allowed each other. Ask your administrator.'),
  FED_REFUSED: entry(
    521,
    4521,
    false,
    'The other organisation refused the connection. Its administrator has not allowed yours.',
  ),
  FED_TLS: entry(525, 4525, false, 'The certificate of the other organisation is wrong. Tell your administrator.'),
  FED_UNREACHABLE: entry(533, 4533, true, 'The other organisation cannot be reached at the moment. Try again later.'),
  FED_WRONG_DESTINATION: entry(403, 4403, false, 'The request is for another domain and is not forwarded.'),
  FED_FOREIGN: entry(403, 4403, false, 'A domain may speak only for its own people and conversations.'),
  FED_NON_FEDERATING: entry(409, 4409, false, 'Two of the organisations do not federate with each other.'),
  FED_VERSION: entry(426, 4426, false, 'There is no federation version that both sides speak. Update the older one.'),
  FED_OLD_VERSION: entry(
    426,
    4426,
    false,
    'The homeserver of the other organisation is too old for this. Ask its administrator to update it.',
  ),
  FED_SCOPE: entry(
    403,
    4403,
    false,
    'The organisations have allowed each other less than this. Ask your administrator.',
  ),
  FED_ADDRESS: entry(
    502,
    4521,
    true,
    'The address of the other organisation is not a public one. Your administrator has to allow that for it.',
  ),
  FED_LIMIT: entry(429, 4429, true, 'The other organisation takes no more of this for the moment. Try again later.'),
  FED_FILE_POLICY: entry(
    403,
    4403,
    false,
    'The organisation where the file lies does not give out files of this size or kind. Ask its sender for a smaller one.',
  ),
  FED_SIGNATURE: entry(
    401,
    4401,
    false,
    'The request is not signed with a key of the domain that sent it. Update that homeserver, or tell its administrator.',
  ),
  FED_CLOCK: entry(
    401,
    4401,
    true,
    'The request was made at another time than now. Check the clocks of both homeservers.',
  ),
  FED_EQUIVOCATED: entry(
    409,
    4409,
    false,
    'The other homeserver said two different things under one number. Tell your administrator.',
  ),
  FED_KEY_WAITS: entry(
    409,
    4409,
    true,
    'The other organisation came back with other keys. Your administrator has to confirm them first.',
  ),
  FED_WAITING_FULL: entry(
    507,
    4508,
    true,
    'Too many messages wait for the other organisation. Try again when it can be reached.',
  ),
} as const satisfies Record<string, ErrorEntry>;
