/**
 * CRC-32, the checksum of zip, gzip and PNG: `zlib.crc32` in Python.
 *
 * @module
 */

type Crc32 = (bytes: Uint8Array, value?: number) => number;

/** The runtime's own, several times as fast: in Node from 20.15, Bun and Deno. */
function ownOf(): Crc32 | undefined {
  const { process } = globalThis as { process?: { getBuiltinModule?(name: string): unknown } };
  try {
    return (process?.getBuiltinModule?.("node:zlib") as { crc32?: Crc32 } | undefined)?.crc32;
  } catch {
    return undefined; // a host that feigns Node
  }
}

/** Bytes looked up at once. */
const width = 8;

/** Row k holds, for each byte, what it leaves after k more bytes of zeros. */
function makeTables(): readonly Uint32Array[] {
  const first = Uint32Array.from({ length: 256 }, (_, byte) => {
    let rest = byte;
    for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ 0xedb88320 : rest >>> 1;
    return rest;
  });
  const tables = [first];
  while (tables.length < width) tables.push(tables[tables.length - 1].map((rest) => (rest >>> 8) ^ first[rest & 255]));
  return tables;
}

let tables: readonly Uint32Array[] | undefined;

/** In JavaScript, eight bytes at a time (Kounavis and Berry, "Novel Table Lookup-Based Algorithms for High-Performance CRC Generation", 2008). */
export function crc32InTables(bytes: Uint8Array, value: number = 0): number {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = tables ??= makeTables();
  let rest = ~value;
  let at = 0;
  const { length } = bytes;
  for (; at + width <= length; at += width) {
    // Added up byte by byte: bytes may begin at any address.
    rest ^= bytes[at] | bytes[at + 1] << 8 | bytes[at + 2] << 16 | bytes[at + 3] << 24;
    rest = t7[rest & 255] ^ t6[(rest >>> 8) & 255] ^ t5[(rest >>> 16) & 255] ^ t4[rest >>> 24] ^
      t3[bytes[at + 4]] ^ t2[bytes[at + 5]] ^ t1[bytes[at + 6]] ^ t0[bytes[at + 7]];
  }
  for (; at < length; at++) rest = (rest >>> 8) ^ t0[(rest ^ bytes[at]) & 255];
  return ~rest >>> 0;
}

let chosen: Crc32 | undefined;

/** The checksum of bytes, going on from that of those before them. */
export function crc32(bytes: Uint8Array, value: number = 0): number {
  chosen ??= ownOf() ?? crc32InTables;
  return chosen(bytes, value);
}
