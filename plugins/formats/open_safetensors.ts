/**
 * Safetensors files whose tensors are read one at a time.
 *
 * @module
 */
import { type FileSource, sourceOf } from "./byte_sources.ts";
import { elementsOf, type LazyFile, type LazyTensor } from "./file_tensors.ts";
import { headerEnd, namesHere, readHeader, refuse, type SafetensorsLimits } from "./safetensors_header.ts";

/**
 * Reads a file's header and checks it against the file's length; each tensor is read when it is asked for, so that memory holds no more than those in use.
 *
 * From an open file (`Deno.open`, or `open` of `node:fs/promises`), which stays the caller's to close; a `Blob`; a URL whose server answers ranges (one
 * that sends the whole file instead is refused with a word); or `{ size, read }`. RangeError where the file is broken, as with
 * {@linkcode readSafetensors}; Error for what a server does not do; TypeError for what is no source.
 *
 * @example From a Blob, as a page's file input gives it
 * ```ts
 * import { openSafetensors, writeSafetensors } from "@glissade/optim/safetensors";
 *
 * const bytes = writeSafetensors({ tensors: { w: { data: new Float32Array([1, 2]), shape: [2], dtype: "float32" } }, metadata: {} });
 * const file = await openSafetensors(new Blob([bytes]));
 * console.log(file.tensors.w.shape, (await file.tensors.w.read()).data);
 * ```
 */
export async function openSafetensors(from: FileSource, limits: SafetensorsLimits = {}): Promise<LazyFile> {
  const source = await sourceOf(from);
  const { size } = source;
  const part = async (from: number, to: number): Promise<Uint8Array> => {
    const bytes = from === to ? new Uint8Array(0) : await source.read(from, to);
    if (bytes.length !== to - from) refuse(`its source gave ${bytes.length} bytes for ${from} to ${to}`);
    return bytes;
  };
  const begin = headerEnd(await part(0, Math.min(8, size)), size, limits);
  const { infos, metadata } = readHeader(await part(8, begin), size - begin, limits);
  const tensors = [...infos].map(([name, { dtype, shape, from, to }]): [string, LazyTensor] => {
    const here = namesHere[dtype];
    return [name, {
      dtype: here,
      shape,
      byteLength: to - from,
      async read() {
        return { data: elementsOf(here, await part(begin + from, begin + to)), shape, dtype: here };
      },
    }];
  });
  return { tensors: Object.fromEntries(tensors), metadata: metadata ?? {} };
}
