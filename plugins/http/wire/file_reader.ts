/**
 * Files of tensors whose headers came before: those are read once.
 *
 * A client that trains sends the same header with each step, and to read it strictly takes as long as a small step. What is remembered of one depends on nothing
 * but the header itself; the bytes of tensors are read anew each time.
 *
 * @module
 */
import { elementsOf, type FileDType } from "../../formats/file_tensors.ts";
import { parseSafetensors } from "../../formats/safetensors.ts";
import { createSeen } from "../guard/seen.ts";
import type { Limits } from "../guard/limits.ts";
import { readFile, type TensorBody } from "./tensors.ts";

/** Reads a file: 400 where it is broken, 422 where what it holds is refused. */
export type ReadFile = (bytes: Uint8Array<ArrayBuffer>, limits: Required<Limits>) => TensorBody;

/** Headers that are remembered, and the bytes of one at most. */
const mostKnown = 128;
const longestHeader = 16 * 1024;

/** What a header says of a file of so many bytes. */
interface KnownFile {
  readonly fileBytes: number;
  readonly tensors: readonly (TensorPlace & { readonly name: string })[];
  readonly body: Omit<TensorBody, "tensors">;
}

interface TensorPlace {
  readonly dtype: FileDType;
  readonly shape: readonly number[];
  readonly from: number;
  readonly to: number;
}

/** Makes what reads files, with nothing remembered. */
export function createFileReader(): ReadFile {
  const known = new Map<string, KnownFile>();
  const seen = createSeen();
  return (bytes, limits) => {
    const header = headerOf(bytes);
    if (header === undefined) return readFile(bytes, limits);
    const file = known.get(header);
    if (file !== undefined && file.fileBytes === bytes.length) return bodyOf(file, bytes);
    const body = readFile(bytes, limits);
    if (!seen(header)) return body;
    // What comes a second time will come again.
    const kept = { ...body, layout: {} };
    if (known.size >= mostKnown) known.delete(known.keys().next().value!);
    known.set(header, { fileBytes: bytes.length, tensors: placesIn(bytes, body), body: kept });
    return kept;
  };
}

/** The header as a text, one letter a byte; undefined where it is not there, or longer than what is remembered. */
function headerOf(bytes: Uint8Array<ArrayBuffer>): string | undefined {
  if (bytes.length < 8) return undefined;
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  if (length > BigInt(Math.min(longestHeader, bytes.length - 8))) return undefined;
  // A copy: runtimes differ in whether they decode a buffer that can grow.
  return new TextDecoder("latin1").decode(bytes.slice(8, 8 + Number(length)));
}

function placesIn(bytes: Uint8Array<ArrayBuffer>, { tensors }: TensorBody): KnownFile["tensors"] {
  const raw = parseSafetensors(bytes).tensors;
  return Object.entries(tensors).map(([name, { dtype, shape }]) => {
    const from = raw[name].bytes.byteOffset - bytes.byteOffset;
    return { name, dtype, shape, from, to: from + raw[name].bytes.length };
  });
}

function bodyOf({ tensors, body }: KnownFile, bytes: Uint8Array<ArrayBuffer>): TensorBody {
  const read: Record<string, unknown> = {};
  for (const { name, dtype, shape, from, to } of tensors) {
    const tensor = { data: elementsOf(dtype, bytes.subarray(from, to)), shape, dtype };
    // As a name of its own, whatever objects inherit.
    if (name === "__proto__") Object.defineProperty(read, name, { value: tensor, enumerable: true });
    else read[name] = tensor;
  }
  return { ...body, tensors: read as TensorBody["tensors"] };
}
