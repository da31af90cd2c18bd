/** Edits the text of an allow list: one entry changes, comments and everything else stay as they were written. */
import { type Document, isMap, isSeq, parseDocument, type YAMLMap } from 'yaml';
import type { DomainName } from '#signalling/ids.ts';
import type { PeerLimits } from '#trust/peers-schema.ts';

export interface Change {
  readonly domain: DomainName;
  readonly state?: 'allowed' | 'blocked';
  /** PEM text or path */
  readonly authority?: string | undefined;
  readonly revocationList?: string | undefined;
  readonly homeserver?: string | undefined;
  readonly mediaPrefixes?: readonly string[] | undefined;
  /** `none` takes a limit away, so that the one of the site holds. */
  readonly limits?: LimitChange | undefined;
}

export type LimitChange = { readonly [Name in keyof PeerLimits]: number | 'none' | undefined };

/** The list with one entry changed or added; what the change leaves out stays as it was. The text must be a right list. */
export function editPeers(text: string, change: Change): string {
  const document: Document = parseDocument(text);
  if (!isSeq(document.contents)) document.contents = document.createNode([]);
  const entry = entryOf(document, change.domain) ?? addEntry(document, change.domain);
  const { limits = {}, ...options } = change;
  for (const [option, value] of Object.entries(options)) {
    if (value !== undefined) entry.set(option, document.createNode(value));
  }
  for (const [limit, value] of Object.entries(limits)) {
    if (value === undefined) continue;
    const before = entry.get('limits');
    const map = isMap(before) ? before : document.createNode({});
    if (value === 'none') map.delete(limit);
    else map.set(limit, value);
    if (map.items.length === 0) entry.delete('limits');
    else entry.set('limits', map);
  }
  // A list that began as `[]` would otherwise be continued on one line.
  if (isSeq(document.contents)) document.contents.flow = false;
  return document.toString({ lineWidth: 0 });
}

function entryOf(document: Document, domain: DomainName): YAMLMap | undefined {
  if (!isSeq(document.contents)) return undefined;
  return document.contents.items.find((item): item is YAMLMap => isMap(item) && item.get('domain') === domain);
}

function addEntry(document: Document, domain: DomainName): YAMLMap {
  const entry = document.createNode({ domain });
  document.add(entry);
  return entry;
}
