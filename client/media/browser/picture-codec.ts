/** The codec in which this browser sends its camera. */

/** VP8 everywhere; VP9 by choice, where the browser encodes its spatial layers. */
export type PictureCodec = 'vp8' | 'vp9';

/**
 * Whether this browser sends VP9 with spatial layers. One that does not know them leaves the mode out of what it says of itself,
 * and would send one large picture in the place of three.
 */
export function canSendVp9(): boolean {
  const codecs = globalThis.RTCRtpSender?.getCapabilities('video')?.codecs ?? [];
  const isVp9 = ({ mimeType, sdpFmtpLine = '' }: RTCRtpCodec) =>
    mimeType.toLowerCase() === 'video/vp9' && !/profile-id=[^0]/.test(sdpFmtpLine);
  if (!codecs.some(isVp9)) return false;
  const connection = new RTCPeerConnection();
  try {
    const { sender } = connection.addTransceiver('video', {
      direction: 'sendonly',
      sendEncodings: [{ scalabilityMode: VP9_MODE } as RTCRtpEncodingParameters],
    });
    const [encoding] = sender.getParameters().encodings as { scalabilityMode?: string }[];
    return encoding?.scalabilityMode === VP9_MODE;
  } catch {
    return false; // refused outright: a mode that the browser does not have
  } finally {
    connection.close();
  }
}

/** Three spatial layers inside one stream: the layers 0, 1 and 2 of the media profile. */
export const VP9_MODE = 'L3T3';
