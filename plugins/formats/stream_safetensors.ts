/**
 * Safetensors files written piece by piece.
 *
 * @module
 */
import type { Bytes } from "../../core/types.ts";
import { describeTensors, isLazy, metadataOf } from "./described_tensors.ts";
import { bytesOfElements, type FileTensor, type LazyTensor } from "./file_tensors.ts";
import { writeHeader } from "./safetensors_header.ts";

/** The global `ReadableStream` of bytes where TypeScript knows it; else an object. */
export type ByteStream = typeof globalThis extends { readonly Response: { readonly prototype: { readonly body: infer Body } } }
  ? NonNullable<Body>
  : object;

/** A file in pieces: `for await (const piece of file)`. */
export interface SafetensorsStream extends AsyncIterable<Bytes> {
  /** Bytes of the whole file, known before the first: a `Content-Length`. */
  readonly byteLength: number;
  /** The same pieces as a stream, for a `Response`, a request or a file. */
  stream(): ByteStream;
}

/** Bytes of a piece at most. */
const pieceBytes = 2 ** 22;

/**
 * Writes a file piece by piece. Tensors may be such as {@linkcode openSafetensors} gives, each of which is read when its turn comes: so a model that memory
 * does not hold is copied, or cut. The bytes are those of {@linkcode writeSafetensors}. What is wrong with names, shapes and arrays is told before the first piece.
 *
 * The pieces are views of the tensors' memory where that is not shared: who updates them while the stream is read writes a mixture.
 *
 * @example A file for fetch
 * ```ts
 * import { streamSafetensors } from "@glissade/optim/safetensors";
 *
 * const w = { data: new Float32Array([1, 2]), shape: [2], dtype: "float32" } as const;
 * const file = streamSafetensors({ tensors: { w }, metadata: {} });
 * const answer = new Response(file.stream(), { headers: { "Content-Length": String(file.byteLength) } });
 * console.log((await answer.arrayBuffer()).byteLength === file.byteLength);
 * ```
 */
export function streamSafetensors(
  file: { readonly tensors: Readonly<Record<string, FileTensor | LazyTensor>>; readonly metadata: Readonly<Record<string, string>> },
): SafetensorsStream {
  const { start, order, fileBytes } = writeHeader(describeTensors(file), metadataOf(file));
  const pieces = async function* (): AsyncGenerator<Bytes, undefined> {
    yield start;
    for (const name of order) {
      const bytes = bytesOfElements((await readTensor(name, file.tensors[name])).data);
      for (let at = 0; at < bytes.length; at += pieceBytes) {
        const piece = bytes.subarray(at, at + pieceBytes);
        yield piece.buffer instanceof ArrayBuffer ? piece as Bytes : new Uint8Array(piece);
      }
    }
  };
  return {
    byteLength: fileBytes,
    [Symbol.asyncIterator]: pieces,
    stream() {
      const iterator = pieces();
      return new ReadableStream<Bytes>({
        async pull(controller) {
          const { done, value } = await iterator.next();
          if (done) controller.close();
          else controller.enqueue(value);
        },
        async cancel() {
          await iterator.return(undefined);
        },
      }) as ByteStream;
    },
  };
}

/** The tensor itself, which must be what was said of it before. */
async function readTensor(name: string, tensor: FileTensor | LazyTensor): Promise<FileTensor> {
  if (!isLazy(tensor)) return tensor;
  const read = await tensor.read();
  if (read.dtype !== tensor.dtype || read.data.byteLength !== tensor.byteLength) {
    const what = `${read.data.byteLength} bytes of ${read.dtype}`;
    throw new RangeError(
      `Cannot write tensor ${JSON.stringify(name)}: it was read as ${what}, not ${tensor.byteLength} of ${tensor.dtype}`,
    );
  }
  return read;
}
