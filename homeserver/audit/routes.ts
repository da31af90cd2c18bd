/** The log at the administrator's port. */
import Type from 'typebox';
import { Closed } from '#signalling/contract.ts';
import type { App } from '../http/fastify.ts';
import type { Audit } from './audit.ts';
import { LINES_AT_ONCE } from './audit-table.ts';

const Digits = (most: number) => Type.String({ pattern: `^\\d{1,${most}}$` });
const Query = Closed({ after: Type.Optional(Digits(15)), last: Type.Optional(Digits(3)) });

/** `?after=N`: those behind a number, some at a time, until an answer is empty. `?last=N`: the newest. */
export function auditRoutes(app: App, audit: Audit): void {
  app.get('/admin/v1/audit', { schema: { querystring: Query } }, async (request) => {
    const { after, last } = request.query;
    if (last === undefined) return { lines: await audit.behind(Number(after ?? 0)) };
    return { lines: await audit.last(Math.min(Number(last), LINES_AT_ONCE)) };
  });
}
