/** What goes into and comes out of the Node engine: sources of packets that are published, streams that arrive. */
import type { SourceId } from '#signalling/ids.ts';
import type { SourceKind } from '#signalling/media-profile.ts';
import type { Publication } from '../engine.ts';
import type { NodeEncryption } from './encryption.ts';
import { FrameSender } from './frame-sender.ts';
import type { WholeFrame } from './frames.ts';
import type { OutgoingEncoding } from './outgoing.ts';
import type { ParsedHeader } from './rtp.ts';

/** What is published. The packets come through the publication; this is what comes back. */
export interface NodeSource {
  /** The SFT wants a key frame of an encoding, 0 the smallest. */
  readonly onKeyFrameRequest?: (layer: number) => void;
  /** The layers that are sent from now on, ascending; of the others nothing needs to be made. */
  readonly onLayers?: (layers: readonly number[]) => void;
}

export interface NodePublication extends Publication<NodeSource> {
  /**
   * Sends one packet; does nothing while muted or where nobody wants the layer. See `NodePacket`.
   * @throws Error where media is encrypted: only whole frames can be
   */
  sendRtp(packet: NodePacket): void;
  /**
   * Encrypts one frame where media is encrypted, and sends it in packets, behind those before; does nothing while muted or where nobody wants
   * the layer. A picture that cannot be sent, because there is no key yet or because the one before was not, is asked for anew as a key frame.
   */
  sendFrame(frame: NodeFrame): Promise<void>;
  /** Payload bytes and packets so far, by layer. */
  readonly sent: readonly { readonly packets: number; readonly bytes: number; readonly repaired: number }[];
}

export interface NodePacket {
  /** 0 unless it is a camera's. */
  readonly layer?: number;
  /** With the codec's payload descriptor, without the RTP header. */
  readonly payload: Buffer;
  /** 90 kHz for video, 48 kHz for sound. */
  readonly timestamp: number;
  /** Last packet of a frame; first after a silence. */
  readonly marker: boolean;
  /** Sound only: loudness in -dBov, 0 the loudest to 127 silence (RFC 6464). */
  readonly audioLevel?: number;
}

/** A frame of VP8 or Opus, as the encoder made it. */
export interface NodeFrame {
  /** 0 unless it is a camera's. */
  readonly layer?: number;
  readonly data: Uint8Array;
  /** 90 kHz for video, 48 kHz for sound. */
  readonly timestamp: number;
  /** Of pictures: whether it builds on nothing; any other builds on the one before. */
  readonly isKey?: boolean;
  /** Sound only: it is the first after a silence. */
  readonly isFirst?: boolean;
  /** Sound only: loudness in -dBov, 0 the loudest to 127 silence (RFC 6464). */
  readonly audioLevel?: number;
}

/** One source that arrives. */
export interface NodeStream {
  readonly consumer: string;
  readonly source: SourceId;
  readonly kind: SourceKind;
  /** Called with each packet, repaired ones included and copies not; may be set at any time. */
  onRtp: ((header: ParsedHeader, payload: Buffer) => void) | undefined;
  /** Called with each whole frame of VP8 or Opus, decrypted where media is encrypted; may be set at any time. */
  onFrame: ((frame: WholeFrame) => void) | undefined;
  requestKeyFrame(): void;
}

export interface PublicationOptions {
  readonly kind: SourceKind;
  readonly source: Promise<SourceId>;
  /** By layer. */
  readonly encodings: readonly OutgoingEncoding[];
  readonly muted: boolean;
  /** Id of the audio level's header extension. */
  readonly audioLevel?: number;
  readonly media: NodeSource;
  /** Absent where media is not encrypted. */
  readonly encryption?: NodeEncryption;
  readonly onSent: (encoding: OutgoingEncoding) => void;
  readonly onClose: () => void;
}

export function openPublication(options: PublicationOptions): NodePublication {
  const { kind, source, encodings, audioLevel, media, encryption, onSent, onClose } = options;
  const encoders = encodings.map((_, layer) => new FrameSender(kind, encryption?.outgoing(kind, layer)));
  let isMuted = options.muted;
  let active: readonly number[] = encodings.map((_, layer) => layer);
  const isWanted = (layer: number) => !isMuted && active.includes(layer);
  const send = ({ layer = 0, payload, timestamp, marker, audioLevel: level }: NodePacket) => {
    const encoding = encodings[layer];
    if (!encoding || !isWanted(layer)) return;
    const extensions = audioLevel !== undefined && level !== undefined ? [levelOf(audioLevel, level)] : [];
    encoding.send(payload, timestamp, marker, extensions, Date.now());
    onSent(encoding);
  };
  return {
    kind,
    source,
    sent: encodings,
    setMuted: async (next) => {
      isMuted = next;
    },
    setLayers: async (layers) => {
      const begun = layers.filter((layer) => !active.includes(layer));
      active = layers;
      media.onLayers?.(layers);
      // Nothing can be decoded before a key frame.
      for (const layer of begun) media.onKeyFrameRequest?.(layer);
    },
    sendRtp: (packet) => {
      if (encryption) throw new Error('media is encrypted by whole frames');
      send(packet);
    },
    sendFrame: async (frame) => {
      const { layer = 0 } = frame;
      if (!isWanted(layer)) return;
      const packets = await encoders[layer]?.packetsOf(frame);
      if (!packets) media.onKeyFrameRequest?.(layer);
      for (const packet of packets ?? []) send(packet);
    },
    close: () => {
      isMuted = true;
      onClose();
    },
  };
}

/** RFC 6464, section 3: the highest bit says that it is voice. */
function levelOf(id: number, level: number) {
  return { id, value: Buffer.from([(level < 100 ? 0x80 : 0) | (level & 0x7f)]) };
}
