/**
 * The examples of draft-ietf-mimi-content-09 (sections 5 and B) and of draft-mahy-mimi-message-status-01 (section 5), with the ids
 * that the drafts give. The bytes are made here from the drafts' diagnostic notation, by hand and not by our encoder. Where the
 * draft also prints bytes, some are of an older version: its reply and its reaction still answer the id that the original
 * had before lengths were hashed too. The ids in the notation are the current ones.
 */

import type { ConversationId, DomainName } from '#signalling/ids.ts';
import { userIdOf } from '#signalling/ids.ts';

const utf8 = new TextEncoder();

/** The head of an item: its major type and its length or value, as short as it goes. */
function head(major: number, value: number): number[] {
  if (value < 24) return [(major << 5) | value];
  const size = value < 2 ** 8 ? 1 : value < 2 ** 16 ? 2 : 4;
  const bytes = Array.from({ length: size }, (_, at) => Math.floor(value / 256 ** (size - 1 - at)) % 256);
  return [(major << 5) | (24 + Math.log2(size)), ...bytes];
}

const NULL = [0xf6];
export const uint = (value: number) => head(0, value);
export const bytes = (content: Iterable<number>) => [...head(2, [...content].length), ...content];
export const text = (content: string) => [...head(3, utf8.encode(content).length), ...utf8.encode(content)];
export const array = (...items: number[][]) => [...head(4, items.length), ...items.flat()];
export const map = (...pairs: [number[], number[]][]) => [...head(5, pairs.length), ...pairs.flat(2)];
const hex = (digits: string) => bytes((digits.match(/../g) ?? []).map((each) => Number.parseInt(each, 16)));
const said = (content: string) => bytes(utf8.encode(content));

const DOMAIN = 'example.com' as DomainName;
/** The draft's room has fewer signs than a conversation of ours; it is hashed as any other. */
export const ROOM = 'mimi://example.com/r/engineering_team' as ConversationId;
export const ALICE = userIdOf(DOMAIN, 'alice-smith');
export const BOB = userIdOf(DOMAIN, 'bob-jones');
export const CATHY = userIdOf(DOMAIN, 'cathy-washington');

export const IDS = {
  original: '017ce54837404c3696e0c747b985cb172716d0ed0a3d249ca63ace7d82a096f4',
  reply: '015354973c2b65ca937bf1e035ae53a5ab80e947afa43d46920d4202e5cc0b27',
  reaction: '0158c4288911e50a8f6be3f47746b6682f10fd91bc8c05557aa589a3157aff68',
  mention: '018d825adf9f6be00dcafc5704c4102f5022e74219d0b603e4ba7622654042af',
  edit: '014028c0deddbdea56bec26172f6ede953d11024cb82b8192b5e2aea62d7fb47',
  delete: '011d9efc78d04d4dcf4d82b07d5199bbef37011c1f0c7e004b6111c6dda504b4',
  unlike: '013aadbb8f313253c8930f4e93c6ca54b2ed06d258185bdcec3870534c8a4ec4',
  expiring: '01e59db8173939facc2c8a4a0f0ae8d0c7a11a81239626630c9464a8d6717a03',
  attachment: '0176180c7d19a925021fe446d241134d05c38e0d999cdc0f39c391d2377ed9d1',
  conferencing: '01496d15a8dba28d7397f9868b70768e4a67f765d5b5b1ae9e03848c5fdeb0ba',
  multipart1: '01da5a515ec5db42cc4dcc19b90c3c31245d8a1cfcce11318f24eb11dce0990e',
  multipart2: '01d65918c6c51c8e76546337276ae6f4bfd873d867d5cb57c76bcdca3d999dd7',
  multipart3: '01cfebeadbdb83c1eefb6403ba4852daf8bbbf9cd53bf5035a74d5d741950c9f',
} as const;

interface Fields {
  replaces?: string;
  topic?: number[];
  expires?: number[];
  inReplyTo?: string;
}

function message(salt: string, sender: string, body: number[], fields: Fields = {}): Uint8Array {
  const { replaces, topic = bytes([]), expires = NULL, inReplyTo } = fields;
  const id = (digits: string | undefined) => (digits === undefined ? NULL : hex(digits));
  const extensions = map([uint(1), text(sender)], [uint(2), text(ROOM)]);
  return Uint8Array.from(array(hex(salt), id(replaces), topic, expires, id(inReplyTo), extensions, body));
}

const GFM = 'text/markdown;variant=GFM-MIMI';
const PLAIN = 'text/plain;charset=utf-8';
const HTML = 'text/html;charset=utf-8';

function single(content: number[], type = GFM, disposition = 1, language = ''): number[] {
  return array(uint(disposition), text(language), uint(1), text(type), content);
}

function multi(semantics: number, parts: number[][], disposition = 1): number[] {
  return array(uint(disposition), text(''), uint(3), uint(semantics), array(...parts));
}

const nothing = (disposition: number) => array(uint(disposition), text(''), uint(0));

function page(heading: string, image: string, part: number): number[] {
  return said(`<html><body><h1>${heading}</h1>\n<img src="cid:${part}@local.invalid" alt="${image}"/>\n</body></html>`);
}

function welcome(part: number): number[] {
  const english = single(page('Welcome!', 'Welcome image', part), HTML, 1, 'en');
  return multi(0, [english, single(page('Bienvenue!', 'Image bienvenue', part), HTML, 1, 'fr')]);
}

export interface Vector {
  readonly name: keyof typeof IDS;
  readonly sender: typeof ALICE;
  readonly bytes: Uint8Array;
  /** Hexadecimal. */
  readonly id: string;
}

const answering = { inReplyTo: IDS.original };

const MESSAGES: Record<keyof typeof IDS, readonly [sender: typeof ALICE, bytes: Uint8Array]> = {
  original: [
    ALICE,
    message(
      '5eed9406c2545547ab6f09f20a18b003',
      ALICE,
      single(said('Hi everyone, we just shipped release 2.0. __Good  work__!')),
    ),
  ],
  reply: [
    BOB,
    message('11a458c73b8dd2cf404db4b378b8fe4d', BOB, single(said("Right on! _Congratulations_ 'all!")), answering),
  ],
  reaction: [CATHY, message('d37bc0e6a8b4f04e9e6382375f587bf6', CATHY, single(said('❤'), PLAIN, 2), answering)],
  mention: [
    CATHY,
    message(
      '04f290e215d0f82d1750bfa8b7dc089d',
      CATHY,
      single(said('Kudos to [@Alice Smith](mimi://example.com/u/alice-smith) for making the release happen!')),
      answering,
    ),
  ],
  edit: [
    BOB,
    message('b8c2e6d8800ecf45df39be6c45f4c042', BOB, single(said("Right on! _Congratulations_ y'all!")), {
      ...answering,
      replaces: IDS.reply,
    }),
  ],
  delete: [BOB, message('0a590d73b2c7761c39168be5ebf7f2e6', BOB, nothing(1), { ...answering, replaces: IDS.reply })],
  unlike: [
    CATHY,
    message('c5ba86dc9fd272e58ca52ec805b79199', CATHY, nothing(2), { ...answering, replaces: IDS.reaction }),
  ],
  expiring: [
    ALICE,
    message(
      '33be993eb39f418f9295afc2ae160d2d',
      ALICE,
      single(said("__*VPN GOING DOWN*__ I'm rebooting the VPN in ten minutes unless anyone objects.")),
      { expires: array([0xf4], uint(1_644_390_004)) },
    ),
  ],
  attachment: [
    BOB,
    message(
      '18fac6371e4e53f1aeaf8a013155c166',
      BOB,
      array(
        uint(6),
        text('en'),
        uint(2),
        text('video/mp4'),
        text('https://example.com/storage/8ksB4bSrrRE.mp4'),
        uint(0),
        uint(708_234_961),
        uint(1),
        hex('21399320958a6f4c745dde670d95e0d8'),
        hex('c86cf2c33f21527d1dd76f5b'),
        hex(''),
        uint(1),
        hex('9ab17a8cf0890baaae7ee016c7312fcc080ba46498389458ee44f0276e783163'),
        text('2 hours of key signing video'),
        text('bigfile.mp4'),
      ),
    ),
  ],
  conferencing: [
    ALICE,
    message(
      '678ac6cd54de049c3e9665cd212470fa',
      ALICE,
      array(
        uint(7),
        text(''),
        uint(2),
        text(''),
        text('https://example.com/join/12345'),
        uint(0),
        uint(0),
        uint(0),
        hex(''),
        hex(''),
        hex(''),
        uint(0),
        hex(''),
        text('Join the Foo 118 conference'),
        text(''),
      ),
      { topic: said('Foo 118') },
    ),
  ],
  multipart1: [
    ALICE,
    message(
      '261c953e178af653fe3d42641b91d814',
      ALICE,
      multi(0, [
        single(said('# Welcome!')),
        single(hex('dc861ebaa718fd7c3ca159f71a2001'), 'application/vnd.examplevendor-fancy-im-message'),
      ]),
    ),
  ],
  multipart2: [
    ALICE,
    message(
      '8528dc2d92e4f1944d62042907ab94d0',
      ALICE,
      multi(
        2,
        ['❤', '🥳', '🤞'].map((emoji) => single(said(emoji), PLAIN, 2)),
        2,
      ),
    ),
  ],
  multipart3: [
    ALICE,
    message(
      'b8362793168d18c049b882d4642a2274',
      ALICE,
      multi(0, [
        multi(2, [welcome(5), single(hex('dc861ebaa718fd7c3ca159f71a2001a7'), 'image/gif', 4)]),
        multi(2, [welcome(10), single(hex('fa444237451a05a72bb0f67037cc1669'), 'image/png', 4)]),
      ]),
    ),
  ],
};

export const VECTORS: readonly Vector[] = Object.entries(MESSAGES).map(([name, [sender, encoded]]) => {
  const key = name as keyof typeof IDS;
  return { name: key, sender, bytes: encoded, id: IDS[key] };
});

export const STATUS_VECTOR = Uint8Array.from(
  array(
    array(hex(IDS.original), uint(2)),
    array(hex(IDS.reply), uint(2)),
    array(hex(IDS.mention), uint(0)),
    array(hex(IDS.expiring), uint(3)),
  ),
);
