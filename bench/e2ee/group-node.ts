/** A device in a large group, in a process that has seen nothing of it: what was checked once is not checked again. */
import { nodeEngine } from '#mls/node-engine.ts';
import { answerCalls } from '../helper.ts';
import { Member, type MemberParts } from './group-member.ts';

const member = new Member(nodeEngine);

const methods = {
  join: (parts: MemberParts) => member.join(parts),
  accepted: (_: undefined) => member.accepted(),
  take: (commit: string) => member.take(commit),
};
export type NodeMember = typeof methods;

answerCalls(methods, () => undefined);
