/** Edits the text of an allow list: one entry changes, comments and everything else stay as they were written. */
import { type Document, isMap, isSeq, parseDocument, type YAMLMap } from 'yaml';
import type { DomainName } from '#signalling/ids.ts';

export interface Change {
  readonly domain: DomainName;
  readonly state: 'allowed' | 'blocked';
  /** PEM text or path */
  readonly authority?: string | undefined;
  readonly revocationList?: string | undefined;
  readonly homeserver?: string | undefined;
  readonly mediaPrefixes?: readonly string[] | undefined;
}

/** The list with one entry changed or added; what the change leaves out stays as it was. The text must be a right list. */
export function editPeers(text: string, change: Change): string {
  const document: Document = parseDocument(text);
  if (!isSeq(document.contents)) document.contents = document.createNode([]);
  const entry = entryOf(document, change.domain) ?? addEntry(document, change.domain);
  for (const [option, value] of Object.entries(change)) {
    if (value !== undefined) entry.set(option, document.createNode(value));
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
