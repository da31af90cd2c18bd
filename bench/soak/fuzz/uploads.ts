/** What only devices read, in requests that are right but for it: groups, commits, messages, key packages, certificates. */
import fc, { type Arbitrary } from 'fast-check';
import { toBase64Url } from '#signalling/base64.ts';
import { type Spoiling, spoiling, spoilt, spoiltText } from '#signalling/testing-spoil.ts';
import type { Persona, Samples } from './persona.ts';
import { type ApiRequest, withReal } from './requests.ts';

/** A request whose one member is spoilt: as bytes before they become base64url, or as the text after. */
interface Upload {
  readonly method: string;
  readonly path: string;
  /** The other members, with placeholders. */
  readonly rest: Readonly<Record<string, unknown>>;
  readonly member: string;
  readonly sample: keyof Samples;
  /** Whether the member is a list. */
  readonly isList?: true;
}

const GROUP = '/api/v1/conversations/{{ungrouped}}/group';
const COMMITS = '/api/v1/conversations/{{conversation}}/group/commits';
const commit = { id: 'fuzz-commit', commit: '{{commit}}', groupInfo: '{{commitInfo}}', welcome: '{{welcome}}' };
const create = { group: '{{newGroup}}', groupInfo: '{{groupInfo}}', tree: '{{tree}}' };
const KEYS = '/api/v1/devices/current/key-packages';

const UPLOADS: readonly Upload[] = [
  { method: 'POST', path: GROUP, rest: create, member: 'groupInfo', sample: 'groupInfo' },
  { method: 'POST', path: GROUP, rest: create, member: 'tree', sample: 'tree' },
  { method: 'POST', path: COMMITS, rest: commit, member: 'commit', sample: 'commit' },
  { method: 'POST', path: COMMITS, rest: commit, member: 'groupInfo', sample: 'commitInfo' },
  { method: 'POST', path: COMMITS, rest: commit, member: 'welcome', sample: 'welcome' },
  {
    ...{ method: 'POST', path: '/api/v1/messages', member: 'message', sample: 'message' },
    rest: { conversation: '{{conversation}}', number: 1 },
  },
  {
    ...{ method: 'PUT', path: KEYS, member: 'keyPackages', sample: 'keyPackage', isList: true },
    rest: { lastResort: '{{keyPackage}}' },
  },
  { method: 'PUT', path: KEYS, rest: { keyPackages: [] }, member: 'lastResort', sample: 'keyPackage' },
  { method: 'POST', path: '/api/v1/devices', rest: { name: 'Fuzz' }, member: 'request', sample: 'request' },
  { method: 'POST', path: '/api/v1/devices/current/certificate', rest: {}, member: 'request', sample: 'request' },
];

export interface UploadInput {
  readonly upload: Upload;
  readonly spoiling: Spoiling;
  readonly as: 'bytes' | 'text';
}

export const uploads: Arbitrary<UploadInput> = fc.record({
  upload: fc.constantFrom(...UPLOADS),
  spoiling,
  as: fc.constantFrom<('bytes' | 'text')[]>('bytes', 'bytes', 'bytes', 'text'),
});

export function requestOf({ upload, spoiling: how, as }: UploadInput, { samples, values }: Persona): ApiRequest {
  const { method, path, rest, member, sample, isList } = upload;
  // Pieces of the others are spliced in.
  const all = [samples[sample], ...Object.values(samples)] as Uint8Array[];
  const first = { ...how, which: 0 };
  const text = as === 'bytes' ? toBase64Url(spoilt(all, first)) : spoiltText(all.map(toBase64Url), first);
  const body = withReal(JSON.stringify({ ...rest, [member]: isList ? [text] : text }), values);
  return { method, path: path.split('/'), query: {}, identity: 'real', body };
}
