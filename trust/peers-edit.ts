/** Edits the text of an allow list: one entry changes, comments and everything else stay as they were written. */
import { type Document, isMap, isSeq, parseDocument, type YAMLMap } from 'yaml';
import type { DomainName } from '#signalling/ids.ts';
import type { PeerEntry, PeerLimits, PeerScopes } from './peers-schema.ts';

export interface Change {
  readonly domain: DomainName;
  readonly state?: 'allowed' | 'blocked';
  /** PEM text or path */
  readonly authority?: string | undefined;
  readonly revocationList?: string | undefined;
  readonly homeserver?: string | undefined;
  readonly mediaPrefixes?: readonly string[] | undefined;
  readonly linkPort?: number | undefined;
  /** `41000-41199` */
  readonly trunkPorts?: string | undefined;
  /** `none` takes a limit away, so that the one of the site holds. */
  readonly limits?: LimitChange | undefined;
  readonly may?: ScopeChange | undefined;
  readonly addresses?: PeerEntry['addresses'] | undefined;
}

export type LimitChange = { readonly [Name in keyof PeerLimits]: number | 'none' | undefined };

export type ScopeChange = { readonly [Name in keyof PeerScopes]?: PeerScopes[Name] | undefined };

/** The list with one entry changed or added; what the change leaves out stays as it was. The text must be a right list. */
export function editPeers(text: string, change: Change): string {
  const document: Document = parseDocument(text);
  if (!isSeq(document.contents)) document.contents = document.createNode([]);
  const entry = entryOf(document, change.domain) ?? addEntry(document, change.domain);
  const { limits = {}, may = {}, ...options } = change;
  for (const [option, value] of Object.entries(options)) {
    if (value !== undefined) entry.set(option, document.createNode(value));
  }
  changeSection(document, entry, 'limits', limits);
  changeSection(document, entry, 'may', may);
  // A list that began as `[]` would otherwise be continued on one line.
  if (isSeq(document.contents)) document.contents.flow = false;
  return document.toString({ lineWidth: 0 });
}

/** A section in which nothing is left goes with it. */
function changeSection(document: Document, entry: YAMLMap, name: string, values: object): void {
  for (const [option, value] of Object.entries(values)) {
    if (value === undefined) continue;
    const before = entry.get(name);
    const map = isMap(before) ? before : document.createNode({});
    // Of `search` it is a value of its own, and of a limit no limit.
    if (value === 'none' && name === 'limits') map.delete(option);
    else map.set(option, value);
    if (map.items.length === 0) entry.delete(name);
    else entry.set(name, map);
  }
}

/** The list without an entry. The same text where there is none. */
export function withoutPeer(text: string, domain: DomainName): string {
  const document: Document = parseDocument(text);
  const entry = entryOf(document, domain);
  if (!isSeq(document.contents) || entry === undefined) return text;
  document.contents.items = document.contents.items.filter((item) => item !== entry);
  // An empty list in lines would be nothing at all.
  document.contents.flow = document.contents.items.length === 0;
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
