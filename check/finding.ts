/** What is wrong, or may be, with the files of an administrator: where, why, and what to do. */
import type { ErrorCode } from '#signalling/errors.ts';
import type { Mistake } from '#site/mistakes.ts';
import type { Place } from '#site/yaml.ts';

/** An `error` is refused by a start. With a `warning` the servers run, and something will not work or not be safe. */
export type Severity = 'error' | 'warning';

/** About one file. */
export interface Remark {
  readonly severity: Severity;
  /** Counted from 1, as `column`. */
  readonly line: number;
  readonly column: number;
  /** The option, `sft.media.port`; '' where it is about the file as a whole. */
  readonly path: string;
  /** What is wrong and what comes of it, in whole sentences. */
  readonly reason: string;
  /** What to do, in whole sentences. */
  readonly remedy: string;
  /** Where whoever is shown it refuses it: with which code. */
  readonly code?: ErrorCode;
}

export interface Finding extends Remark {
  /** The file in which that line is. */
  readonly file: string;
}

/** An option of a file, or the default in its place. */
export interface Option<T = unknown> {
  readonly path: string;
  readonly value: T;
  readonly place: Place;
  /** What stands before a sentence about it, where that is not its path. */
  readonly name?: string;
}

export const WHOLE_FILE: Option = { path: '', name: 'The file', value: undefined, place: { line: 1, column: 1 } };

/** @param reason goes on after the name of the option and a colon */
export function refuse(option: Option, reason: string, remedy: string): Remark {
  return remark('error', option, reason, remedy);
}

/** @param code with which whoever is shown it refuses it */
export function warn(option: Option, reason: string, remedy: string, code?: ErrorCode): Remark {
  return { ...remark('warning', option, reason, remedy), ...(code && { code }) };
}

function remark(severity: Severity, { path, place, name }: Option, reason: string, remedy: string): Remark {
  return { severity, ...place, path, reason: `${name ?? path}: ${reason}`, remedy };
}

/** What the reader of a file refused. */
export function remarkOf({ line, column, path = '', message, remedy }: Mistake): Remark {
  return {
    severity: 'error',
    line,
    column,
    path,
    reason: message,
    remedy: remedy ?? 'Correct it as the sentence says.',
  };
}

/** As they stand in the file, errors first at one place. */
export function inOrder(findings: readonly Finding[]): readonly Finding[] {
  return findings.toSorted(
    (a, b) =>
      a.line - b.line ||
      a.column - b.column ||
      a.severity.localeCompare(b.severity) ||
      a.reason.localeCompare(b.reason),
  );
}

/** `hawser.yaml:3:9: domain must be …`, without what to do. */
export function lineOf({ file, line, column, reason }: Finding): string {
  return `${file}:${line}:${column}: ${reason}`;
}
