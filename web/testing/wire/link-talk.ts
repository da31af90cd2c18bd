/** What two SFTs told each other over recorded links: the keys of their trunks, and what flows under which SSRC. */
import type { ParticipantId, SourceId } from '#signalling/ids.ts';
import type { MediaAddress, SourceKind, SrtpKey } from '#signalling/media-profile.ts';
import type { LinkSource, LinkStream } from '#signalling/sft-link.ts';
import type { Connection } from './connections.ts';
import { messagesIn } from './websocket.ts';

interface Said {
  readonly id?: number;
  readonly method?: string;
  readonly params?: {
    readonly address?: MediaAddress;
    readonly srtp?: SrtpKey;
    readonly sources?: readonly LinkSource[];
    readonly streams?: readonly LinkStream[];
  };
  readonly result?: { readonly address?: MediaAddress; readonly srtp?: SrtpKey };
}

export class LinkTalk {
  /** By the port that a side of a trunk sends from, in base64. */
  readonly keys = new Map<number, string>();
  readonly #sources = new Map<SourceId, LinkSource>();
  readonly #ssrcs = new Map<SourceId, Set<number>>();

  /** @param links without TLS */
  static of(links: readonly Connection[]): LinkTalk {
    const talk = new LinkTalk();
    for (const { sent, received } of links)
      for (const message of [...messagesIn(sent), ...messagesIn(received)]) talk.#note(JSON.parse(message.toString()));
    return talk;
  }

  /** Under which a source of this participant was offered on a trunk, repair aside. */
  ssrcsOf(participant: ParticipantId, kind: SourceKind): ReadonlySet<number> {
    const own = [...this.#sources.values()].filter((each) => each.participant === participant && each.kind === kind);
    return new Set(own.flatMap(({ source }) => [...(this.#ssrcs.get(source) ?? [])]));
  }

  #note({ params, result }: Said): void {
    for (const { address, srtp } of [params ?? {}, result ?? {}])
      if (address && srtp) this.keys.set(address.port, srtp.key);
    for (const source of params?.sources ?? []) this.#sources.set(source.source, source);
    for (const { source, ssrc } of params?.streams ?? [])
      this.#ssrcs.set(source, (this.#ssrcs.get(source) ?? new Set()).add(ssrc));
  }
}
