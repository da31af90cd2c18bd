/** Whether a run may be believed, and whether everybody got what they asked for; in sentences. Pure. */
import { differencePercent, type Run } from './figures.ts';

/** Per cent between the servers' count and the border's. */
export const MOST_DIFFERENCE = 1;

/** Empty where all is well. */
export function complaintsAbout(run: Run): string[] {
  const complaints: string[] = [];
  for (const direction of Object.keys(run.border)) {
    const difference = Math.abs(differencePercent(run, direction));
    if (difference < MOST_DIFFERENCE) continue;
    complaints.push(
      `The counts of ${direction} differ by ${difference.toFixed(2)} %; less than ${MOST_DIFFERENCE} % was expected.`,
    );
  }
  const { satisfied, count, pictures, voices } = run.viewers;
  if (satisfied < count) {
    complaints.push(
      `${count - satisfied} of ${count} viewers did not get all that they asked for: ${pictures.good} of ${pictures.wanted} ` +
        `pictures came in the right size and at full rate, ${voices.good} of ${voices.wanted} voices without a gap.`,
    );
  }
  return complaints;
}

/** What a reader should know before he believes the figures; nothing of it makes them wrong. */
export function notesOn(run: Run): string[] {
  const notes: string[] = [];
  const { lostOnTheWay, skippedByPublishers } = run.viewers;
  const { atBorder = 0, atTrunkEnds = 0, atPeople = 0 } = lostOnTheWay;
  if (atBorder + atTrunkEnds + atPeople > 0) {
    notes.push(
      `packets lost because a process did not get the processor in time: ${atBorder} at the border, ${atTrunkEnds} at the ` +
        `trunk's ends, ${atPeople} between people and their servers. Use fewer people, or a calmer machine.`,
    );
  }
  if (skippedByPublishers > 0) {
    notes.push(`pictures and sounds that publishers left out because they were late: ${skippedByPublishers}.`);
  }
  return notes;
}
