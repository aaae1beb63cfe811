/**
 * Models in several safetensors files, with the index that says which tensor is in which: `model.safetensors.index.json`.
 *
 * As `huggingface_hub` 1.x cuts them (`split_torch_state_dict_into_shards`): in the given order, a new file where the next tensor would go beyond the size.
 *
 * @module
 */
import type { FileSource } from "./byte_sources.ts";
import { describeTensors } from "./described_tensors.ts";
import type { FileTensor, LazyFile, LazyTensor } from "./file_tensors.ts";
import { openSafetensors } from "./open_safetensors.ts";
import { refuse, type SafetensorsLimits } from "./safetensors_header.ts";

/** How {@linkcode shardSafetensors} cuts. */
export interface ShardOptions {
  /** Bytes of the tensors in a file, where one does not take more; default 5e9. */
  readonly shardBytes?: number;
  /** How the files' names begin; default `"model"`. */
  readonly name?: string;
}

/** A model cut into files. */
export interface Shards<T> {
  /** What each file holds, by its name: for {@linkcode writeSafetensors} or {@linkcode streamSafetensors}. */
  readonly files: Readonly<
    Record<string, { readonly tensors: Readonly<Record<string, T>>; readonly metadata: Readonly<Record<string, string>> }>
  >;
  /** The index's name and text; null where one file holds all. */
  readonly index: { readonly name: string; readonly text: string } | null;
}

/**
 * Opens a model in several files: the index's text, and what opens a file by its name. All headers are read and held against the index: RangeError for a
 * tensor that is not where the index says, or that the index does not know. Of the metadata those are given that all files have alike.
 *
 * A name of a file that is more than a name (`../model.safetensors`) is refused before anything is opened.
 *
 * @example Usage
 * ```ts
 * import { openShards, shardSafetensors, writeSafetensors } from "@glissade/optim/safetensors";
 *
 * const w = { data: new Float32Array([1, 2]), shape: [2], dtype: "float32" } as const;
 * const { files, index } = shardSafetensors({ tensors: { "a": w, "b": w }, metadata: {} }, { shardBytes: 8 });
 * const model = await openShards(index!.text, (name) => writeSafetensors(files[name]));
 * console.log(Object.keys(files), (await model.tensors.b.read()).data);
 * ```
 */
export async function openShards(
  index: string,
  open: (name: string) => FileSource | Promise<FileSource>,
  limits?: SafetensorsLimits,
): Promise<LazyFile> {
  const places = readIndex(index);
  const tensors = new Map<string, LazyTensor>();
  let metadata: [string, string][] | undefined;
  for (const name of new Set(places.values())) {
    const file = await openSafetensors(await open(name), limits);
    for (const [tensor, one] of Object.entries(file.tensors)) {
      if (places.get(tensor) !== name) {
        refuse(`file ${JSON.stringify(name)} has tensor ${JSON.stringify(tensor)}, which the index does not say of it`);
      }
      tensors.set(tensor, one);
    }
    metadata = (metadata ?? Object.entries(file.metadata)).filter(([key, value]) => file.metadata[key] === value);
  }
  for (const [tensor, name] of places) {
    if (!tensors.has(tensor)) refuse(`file ${JSON.stringify(name)} has no tensor ${JSON.stringify(tensor)}, which the index says of it`);
  }
  return { tensors: Object.fromEntries(tensors), metadata: Object.fromEntries(metadata ?? []) };
}

/** Which tensor is in which file. */
function readIndex(text: string): Map<string, string> {
  let index: unknown;
  try {
    index = JSON.parse(text);
  } catch {
    return refuse("its index is no JSON");
  }
  const { weight_map: map } = (index ?? {}) as { readonly weight_map?: unknown };
  if (typeof map !== "object" || map === null || Array.isArray(map)) return refuse("its index has no weight_map");
  return new Map(
    Object.entries(map).map(([tensor, name]): [string, string] => {
      if (typeof name === "string" && /^[^/\\\0]+$/.test(name) && name !== "." && name !== "..") return [tensor, name];
      return refuse(`its index puts tensor ${JSON.stringify(tensor)} into ${JSON.stringify(name)}, which is no file's name`);
    }),
  );
}

/** Cuts a model into files of a size, in the order of its tensors, and writes their index. Nothing is copied. */
export function shardSafetensors<T extends FileTensor | LazyTensor>(
  file: { readonly tensors: Readonly<Record<string, T>>; readonly metadata: Readonly<Record<string, string>> },
  { shardBytes = 5e9, name = "model" }: ShardOptions = {},
): Shards<T> {
  if (!(shardBytes > 0)) throw new RangeError(`Cannot cut a model into files of ${shardBytes} bytes: it must be a number above 0`);
  const parts: [string, T][][] = [];
  let total = 0;
  let inPart = Infinity; // so that the first tensor begins one
  for (const [tensor, { byteLength }] of Object.entries(describeTensors(file))) {
    total += byteLength;
    inPart += byteLength;
    if (inPart > shardBytes) {
      parts.push([]);
      inPart = byteLength;
    }
    parts[parts.length - 1].push([tensor, file.tensors[tensor]]);
  }
  const { metadata } = file;
  const five = (n: number): string => String(n).padStart(5, "0");
  const nameOf = (i: number): string =>
    parts.length <= 1 ? `${name}.safetensors` : `${name}-${five(i + 1)}-of-${five(parts.length)}.safetensors`;
  if (parts.length === 0) parts.push([]);
  const map = parts.flatMap((part, i) => part.map(([tensor]) => [tensor, nameOf(i)] as const));
  const text = JSON.stringify({ metadata: { total_size: total }, weight_map: Object.fromEntries(map) }, null, 2);
  return {
    files: Object.fromEntries(parts.map((part, i) => [nameOf(i), { tensors: Object.fromEntries(part), metadata }])),
    index: parts.length <= 1 ? null : { name: `${name}.safetensors.index.json`, text: `${text}\n` },
  };
}
