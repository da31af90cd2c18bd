/**
 * The newest line of the log, in a file beside the database: without it nobody would see that the end was cut off. Whoever can write
 * both can deceive it, which is what copies elsewhere are for (`hawser audit export`).
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceFile } from '#trust/replace.ts';
import type { Head } from './chain.ts';

export const AUDIT_HEAD = 'audit.head';
const ONLY_OWNER = 0o600;

/** Undefined where there is none, or none that can be read as one. */
export async function readHead(folder: string): Promise<Head | undefined> {
  const text = await readFile(join(folder, AUDIT_HEAD), 'utf8').catch(() => '');
  const match = /^(\d{1,15}) ([0-9a-f]{64})\n$/.exec(text);
  return match?.[2] === undefined ? undefined : { seq: Number(match[1]), hash: match[2] };
}

export function writeHead(folder: string, { seq, hash }: Head): Promise<void> {
  return replaceFile(join(folder, AUDIT_HEAD), `${seq} ${hash}\n`, ONLY_OWNER);
}
