/**
 * Zip archives whose records are stored as they are, which is what PyTorch writes: read without a copy, and written with aligned records.
 *
 * The format: PKWARE, "APPNOTE.TXT - .ZIP File Format Specification" 6.3.10, https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT; of it archives in
 * one file, stored records, and the 64-bit fields of 4.3.14 and 4.5.3. What is compressed, encrypted, overlapping or out of bounds is refused.
 *
 * @module
 */
import { crc32 } from "./crc32.ts";
import { utf8Text } from "./utf8_text.ts";

/** A record of an archive. */
export interface ZipRecord {
  /** Its bytes, a view. */
  readonly bytes: Uint8Array;
  /** The checksum that the archive has for them; not looked at yet. */
  readonly crc: number;
}

/** How a refusal begins. */
export type Refuse = (why: string) => never;

const end = 0x06054b50;
const end64 = 0x06064b50;
const locator64 = 0x07064b50;
const central = 0x02014b50;
const local = 0x04034b50;

/** The records of an archive by name, in its order. Nothing is copied, and nothing is as large as the archive says but what lies in it. */
export function readZip(bytes: Uint8Array, refuse: Refuse): Map<string, ZipRecord> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const sign = (at: number): number => at >= 0 && at + 4 <= bytes.length ? view.getUint32(at, true) : 0;
  const big = (at: number): number => {
    const value = view.getBigUint64(at, true);
    return value <= BigInt(bytes.length) ? Number(value) : refuse("its directory lies beyond its end");
  };
  let at = bytes.length - 22;
  const first = Math.max(0, at - 0xffff);
  // The comment behind it is as long as it says, so that a signature within the comment is not taken.
  while (at >= first && !(sign(at) === end && at + 22 + view.getUint16(at + 20, true) === bytes.length)) at--;
  if (at < first) return refuse("it has no zip directory: it is cut short, or no zip archive");
  let count = view.getUint16(at + 10, true);
  let size = view.getUint32(at + 12, true);
  let from = view.getUint32(at + 16, true);
  let disks = view.getUint16(at + 4, true) + view.getUint16(at + 6, true);
  let directoryEnd = at;
  if (sign(at - 20) === locator64) {
    const place = big(at - 20 + 8);
    if (sign(place) !== end64 || place + 56 > at - 20) refuse("its 64-bit directory is not where it says");
    disks = view.getUint32(place + 16, true) + view.getUint32(place + 20, true);
    count = big(place + 32);
    size = big(place + 40);
    from = big(place + 48);
    directoryEnd = place;
  }
  if (disks !== 0) refuse("it is one of several files");
  if (from + size > directoryEnd) refuse("its directory lies beyond its end");
  if (count * 46 > size) refuse(`its directory of ${size} bytes cannot hold ${count} records`);
  const records = new Map<string, ZipRecord>();
  const places: (readonly [from: number, to: number, name: string])[] = [];
  const last = from + size;
  let entry = from;
  for (let i = 0; i < count; i++) {
    if (entry + 46 > last || sign(entry) !== central) refuse("its directory is broken");
    const flags = view.getUint16(entry + 8, true);
    const method = view.getUint16(entry + 10, true);
    const nameLength = view.getUint16(entry + 28, true);
    const extraLength = view.getUint16(entry + 30, true);
    const next = entry + 46 + nameLength + extraLength + view.getUint16(entry + 32, true);
    if (next > last) refuse("its directory is broken");
    const name = utf8Text(bytes, entry + 46, entry + 46 + nameLength) ?? refuse("a record's name is not UTF-8");
    const what = `record ${JSON.stringify(name.slice(0, 100))}`;
    if (records.has(name)) refuse(`it has ${what} twice`);
    if ((flags & 1) !== 0) refuse(`${what} is encrypted`);
    if (method !== 0) refuse(`${what} is compressed, and PyTorch stores records as they are`);
    const wide = wideFields(view, entry, entry + 46 + nameLength, extraLength, big, () => refuse(`${what} has broken 64-bit fields`));
    if (wide.stored !== wide.size) refuse(`${what} is ${wide.size} bytes and stored as ${wide.stored}`);
    const header = wide.offset;
    if (header + 30 > from || sign(header) !== local) refuse(`${what} is not where the directory says`);
    const begin = header + 30 + view.getUint16(header + 26, true) + view.getUint16(header + 28, true);
    if (
      view.getUint16(header + 26, true) !== nameLength ||
      !sameBytes(bytes, header + 30, entry + 46, Math.min(nameLength, from - header - 30))
    ) {
      refuse(`${what} has another name where it lies`);
    }
    if (begin + wide.size > from) refuse(`${what} is ${wide.size} bytes, more than there are`);
    places.push([header, begin + wide.size, name]);
    records.set(name, { bytes: bytes.subarray(begin, begin + wide.size), crc: view.getUint32(entry + 16, true) });
    entry = next;
  }
  places.sort(([a], [b]) => a - b);
  for (let i = 1; i < places.length; i++) {
    if (places[i][0] < places[i - 1][1]) refuse(`records ${JSON.stringify(places[i - 1][2])} and ${JSON.stringify(places[i][2])} overlap`);
  }
  return records;
}

/** Sizes and place of a directory's entry, from its 64-bit fields where the others are full. */
function wideFields(
  view: DataView,
  entry: number,
  extra: number,
  length: number,
  big: (at: number) => number,
  refuse: () => never,
): { readonly size: number; readonly stored: number; readonly offset: number } {
  const narrow = [view.getUint32(entry + 24, true), view.getUint32(entry + 20, true), view.getUint32(entry + 42, true)];
  if (!narrow.includes(0xffffffff)) return { size: narrow[0], stored: narrow[1], offset: narrow[2] };
  for (let at = extra; at + 4 <= extra + length;) {
    const fieldEnd = at + 4 + view.getUint16(at + 2, true);
    if (fieldEnd > extra + length) return refuse();
    if (view.getUint16(at, true) === 1) {
      let value = at + 4;
      const [size, stored, offset] = narrow.map((n) => {
        if (n !== 0xffffffff) return n;
        value += 8;
        return value <= fieldEnd ? big(value - 8) : refuse();
      });
      return { size, stored, offset };
    }
    at = fieldEnd;
  }
  return refuse();
}

function sameBytes(bytes: Uint8Array, a: number, b: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (bytes[a + i] !== bytes[b + i]) return false;
  return true;
}

/** Bytes to whose multiples records are aligned, so that arrays can be views of them. */
const alignment = 64;

/** Writes an archive of records, stored. RangeError for more than 4 GiB, which would need the 64-bit fields. */
export function writeZip(records: readonly (readonly [name: string, bytes: Uint8Array])[]): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder();
  let at = 0;
  const laid = records.map(([name, bytes]) => {
    const key = text.encode(name);
    const header = at;
    const padding = (alignment - (header + 30 + key.length + 4) % alignment) % alignment;
    const begin = header + 30 + key.length + 4 + padding;
    at = begin + bytes.length;
    return { key, bytes, header, padding, begin };
  });
  const from = at;
  const size = laid.reduce((sum, { key }) => sum + 46 + key.length, 0);
  const total = from + size + 22;
  if (total > 0xffffffff || laid.length >= 0xffff) {
    throw new RangeError(
      `Cannot write a PyTorch file of ${total} bytes and ${laid.length} records: at most 4 GiB and 65534; write safetensors`,
    );
  }
  const file = new Uint8Array(total);
  const view = new DataView(file.buffer);
  const crcs = laid.map(({ bytes }) => crc32(bytes));
  /** What a record's header and its entry have alike, from the version on. */
  const common = (at: number, i: number): void => {
    const { bytes, key } = laid[i];
    view.setUint16(at + 2, 0x0800, true); // the name is UTF-8
    view.setUint16(at + 8, 0x21, true); // 1 January 1980: no time, so that equal states are equal files
    view.setUint32(at + 10, crcs[i], true);
    view.setUint32(at + 14, bytes.length, true);
    view.setUint32(at + 18, bytes.length, true);
    view.setUint16(at + 22, key.length, true);
  };
  let entry = from;
  laid.forEach(({ key, bytes, header, padding, begin }, i) => {
    view.setUint32(header, local, true);
    common(header + 4, i);
    view.setUint16(header + 28, 4 + padding, true);
    file.set(key, header + 30);
    view.setUint16(header + 30 + key.length, 0x4246, true); // "FB", PyTorch's own field of padding
    view.setUint16(header + 32 + key.length, padding, true);
    file.set(bytes, begin);
    view.setUint32(entry, central, true);
    common(entry + 6, i);
    view.setUint32(entry + 42, header, true);
    file.set(key, entry + 46);
    entry += 46 + key.length;
  });
  view.setUint32(entry, end, true);
  view.setUint16(entry + 8, laid.length, true);
  view.setUint16(entry + 10, laid.length, true);
  view.setUint32(entry + 12, size, true);
  view.setUint32(entry + 16, from, true);
  return file;
}
