/** The parsers in a process of their own, so that one that never ends can be told from one that is slow. */
import { answerCalls } from '../../helper.ts';
import { runBatch } from './batch.ts';
import { parserTargets } from './parsers.ts';
import { Tally } from './tally.ts';

const targets = parserTargets();

const methods = {
  names: async (_: object) => (await targets).map(({ name }) => name),
  async run({ name, ...which }: { name: string; seed: number; batch: number; count: number }) {
    const target = (await targets).find((each) => each.name === name);
    if (!target) throw new Error(`no parser ${name}`);
    const tally = new Tally();
    await runBatch(target, which, tally);
    return { targets: tally.targets, findings: tally.findings };
  },
};

export type ParserMethods = typeof methods;

answerCalls(methods, () => undefined);
