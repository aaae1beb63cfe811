/**
 * Files of tensors whose headers came before: those are read once.
 *
 * A client that trains sends the same header with each step, and to read it strictly takes as long as a small step. What is remembered of one depends on nothing
 * but the header itself; the bytes of tensors are read anew each time.
 *
 * @module
 */
import { parseSafetensors } from "../../formats/safetensors.ts";
import { elementsOf } from "../../formats/file_tensors.ts";
import { createSeen } from "../guard/seen.ts";
import type { Limits } from "../guard/limits.ts";
import type { Body } from "./body.ts";
import { type FileLayout, readFile, type TensorBody } from "./tensors.ts";

/** Reads files, and remembers headers. */
export interface FileReader {
  /** Where the tensors of a file lie whose header came before, with as many bytes; undefined for any other, and where it is not in the body's first piece. */
  layoutOf(body: Pick<Body, "parts" | "length">): FileLayout | undefined;
  /** Reads a file: 400 where it is broken, 422 where what it holds is refused. Its layout comes with what is going to be known, from the second time on. */
  read(bytes: Uint8Array<ArrayBuffer>, limits: Required<Limits>): TensorBody;
}

/** Headers that are remembered, and the bytes of one at most. */
const mostKnown = 128;
const longestHeader = 16 * 1024;

/** Makes what reads files, with nothing remembered. */
export function createFileReader(): FileReader {
  const known = new Map<string, FileLayout>();
  const seen = createSeen();
  const layoutOf = (header: string | undefined, length: number): FileLayout | undefined => {
    const layout = header === undefined ? undefined : known.get(header);
    return layout?.fileBytes === length ? layout : undefined;
  };
  return {
    layoutOf: ({ parts: [first], length }) => layoutOf(headerOf(first), length),
    read(bytes, limits) {
      const header = headerOf(bytes);
      const layout = layoutOf(header, bytes.length);
      if (layout !== undefined) return bodyOf(layout, bytes);
      const body = readFile(bytes, limits);
      if (header === undefined || !seen(header)) return body;
      // What comes a second time will come again.
      const { tensors, ...rest } = body;
      const kept: FileLayout = { fileBytes: bytes.length, tensors: placesIn(bytes, tensors), body: rest };
      if (known.size >= mostKnown) known.delete(known.keys().next().value!);
      known.set(header, kept);
      return { ...body, layout: kept };
    },
  };
}

const latin1 = /* @__PURE__ */ new TextDecoder("latin1");

/** The header as a text, one letter a byte; undefined where it is not there, or longer than what is remembered. */
function headerOf(bytes: Uint8Array<ArrayBuffer>): string | undefined {
  if (bytes.length < 8) return undefined;
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  if (length > BigInt(Math.min(longestHeader, bytes.length - 8))) return undefined;
  return latin1.decode(bytes.subarray(8, 8 + Number(length)));
}

function placesIn(bytes: Uint8Array<ArrayBuffer>, tensors: TensorBody["tensors"]): FileLayout["tensors"] {
  const raw = parseSafetensors(bytes).tensors;
  return Object.entries(tensors).map(([name, { dtype, shape }]) => {
    const from = raw[name].bytes.byteOffset - bytes.byteOffset;
    return { name, dtype, shape, from, to: from + raw[name].bytes.length };
  }).sort((a, b) => a.from - b.from);
}

function bodyOf(layout: FileLayout, bytes: Uint8Array<ArrayBuffer>): TensorBody {
  const read: Record<string, unknown> = {};
  for (const { name, dtype, shape, from, to } of layout.tensors) {
    const tensor = { data: elementsOf(dtype, bytes.subarray(from, to)), shape, dtype };
    // As a name of its own, whatever objects inherit.
    if (name === "__proto__") Object.defineProperty(read, name, { value: tensor, enumerable: true });
    else read[name] = tensor;
  }
  return { ...layout.body, tensors: read as TensorBody["tensors"], layout };
}
