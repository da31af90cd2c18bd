/** What stands in the paths of several nouns. */
import { Closed } from '#signalling/contract.ts';
import { AssetId, ConversationId, UserId } from '#signalling/ids.ts';

export const InConversation = { params: Closed({ conversation: ConversationId }) };
/** Somebody in a conversation, in its call, or at its door. */
export const OfMember = { params: Closed({ conversation: ConversationId, user: UserId }) };
export const OfAsset = { params: Closed({ asset: AssetId }) };
