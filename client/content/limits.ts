/**
 * How large what is inside a message may be. Whoever sends is held to the same limits as whoever is read, so that nothing is
 * sent that another device would refuse.
 */

/** One message, encoded. Files travel apart, so this is text and keys; a sixteenth of what MLS takes, and one queue entry. */
export const MAX_CONTENT_BYTES = 64 * 1024;

/** One text, in UTF-8: some ten printed pages. Half of a message, so that attachments fit beside a caption. */
export const MAX_TEXT_BYTES = 32 * 1024;

/** Parts inside parts (draft-ietf-mimi-content-09, section 6.3). */
export const MAX_PART_DEPTH = 4;

/** Parts in all. The draft calls more than 1,024 nonsense; ten pictures, each with a small one beside it, and a caption are 32. */
export const MAX_PARTS = 32;

/** Arrays and maps inside each other: the container, and two for each of the four levels of parts but the last. */
export const MAX_CBOR_DEPTH = 2 * MAX_PART_DEPTH;

/** Arrays and maps inside each other in the extensions, the map itself included (section 6.3). */
export const MAX_EXTENSION_DEPTH = 4;

export const MAX_EXTENSIONS = 32;
/** Section 4.3. */
export const MAX_EXTENSION_KEY_BYTES = 255;
/** Section 9.1. */
export const MAX_TOPIC_BYTES = 4096;
/** Longer media types and language tags are nobody's (RFC 6838 allows 127 + 1 + 127). */
export const MAX_MEDIA_TYPE_BYTES = 255;

/** Reactions that one message adds. */
export const MAX_EMOJIS = 8;
/** The longest emoji in use (two people kissing, each with a skin tone) has 35 bytes. */
export const MAX_EMOJI_BYTES = 64;

export const MAX_ATTACHMENTS = 10;
/** What the usual file systems take as a name. */
export const MAX_FILE_NAME_BYTES = 255;
export const MAX_DESCRIPTION_BYTES = 1024;
/** Of a picture, pixels: what JPEG can have. */
export const MAX_PICTURE_SIDE = 65_535;
/** What browsers and servers of every make take. */
export const MAX_URL_BYTES = 2048;

/** Messages that one report speaks of: 37 bytes each, so that a full report is a third of a message. */
export const MAX_REPORTED = 500;

/** Devices that one comparison names, of some 250 bytes each. */
export const MAX_COMPARED = 100;

/** Seconds. An expiry further away is nonsense (section 9.1: a year; a day more for clocks and leap years). */
export const MAX_EXPIRY = 367 * 24 * 60 * 60;
