/**
 * Texts in bytes.
 *
 * @module
 */

let decoder: TextDecoder | undefined;

/** The text of these bytes; undefined where they are not UTF-8. Most are short words of ASCII, which need no decoder. */
export function utf8Text(bytes: Uint8Array, from: number, to: number): string | undefined {
  if (to - from <= 64) {
    let text = "";
    let at = from;
    for (; at < to && bytes[at] < 128; at++) text += String.fromCharCode(bytes[at]);
    if (at === to) return text;
  }
  try {
    decoder ??= new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    // A copy: decoders refuse shared memory.
    return decoder.decode(new Uint8Array(bytes.subarray(from, to)));
  } catch {
    return undefined;
  }
}
