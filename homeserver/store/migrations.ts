/**
 * The schema's history, forward only: a migration that was released is never edited, a change is one more. Names are
 * sorted as text and start with a number for that reason.
 */
import type { Migration } from 'kysely/migration';
import * as accounts from './migrations/0001-accounts.ts';
import * as conversations from './migrations/0002-conversations.ts';
import * as calls from './migrations/0003-calls.ts';
import * as outbox from './migrations/0004-outbox.ts';
import * as devices from './migrations/0005-devices.ts';
import * as registration from './migrations/0006-registration.ts';
import * as connections from './migrations/0007-connections.ts';
import * as queues from './migrations/0008-queues.ts';
import * as groups from './migrations/0009-groups.ts';
import * as assets from './migrations/0010-assets.ts';
import * as push from './migrations/0013-push.ts';
import * as mailOwner from './migrations/0014-mail-owner.ts';
import * as stays from './migrations/0015-stays.ts';
import * as followings from './migrations/0016-followings.ts';
import * as submissions from './migrations/0017-submissions.ts';
import * as peerKeys from './migrations/0018-peer-keys.ts';
import * as consents from './migrations/0019-consents.ts';
import * as audit from './migrations/0020-audit.ts';
import * as partings from './migrations/0021-partings.ts';
import * as administrators from './migrations/0022-administrators.ts';
import * as quiet from './migrations/0023-quiet.ts';
import * as unsent from './migrations/0024-unsent.ts';
import * as putOut from './migrations/0025-put-out.ts';
import * as callGroups from './migrations/0026-call-groups.ts';
import * as moderation from './migrations/0027-moderation.ts';
import * as guests from './migrations/0028-guests.ts';
import * as callBars from './migrations/0029-call-bars.ts';

export const MIGRATIONS: Readonly<Record<string, Migration>> = {
  '0001-accounts': accounts,
  '0002-conversations': conversations,
  '0003-calls': calls,
  '0004-outbox': outbox,
  '0005-devices': devices,
  '0008-queues': queues,
  '0009-groups': groups,
  '0006-registration': registration,
  '0007-connections': connections,
  '0010-assets': assets,
  '0013-push': push,
  '0014-mail-owner': mailOwner,
  '0015-stays': stays,
  '0019-consents': consents,
  '0020-audit': audit,
  '0016-followings': followings,
  '0018-peer-keys': peerKeys,
  '0021-partings': partings,
  '0022-administrators': administrators,
  '0023-quiet': quiet,
  '0017-submissions': submissions,
  '0024-unsent': unsent,
  '0025-put-out': putOut,
  '0026-call-groups': callGroups,
  '0027-moderation': moderation,
  '0028-guests': guests,
  '0029-call-bars': callBars,
};
