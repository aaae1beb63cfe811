/**
 * What a file to be written will hold, checked before the first byte.
 *
 * @module
 */
import { fileDTypes, type FileTensor, type LazyTensor } from "./file_tensors.ts";
import { type Described, nameThere } from "./safetensors_header.ts";

/** `Promise`, `Array`, `undefined`. */
export const nameOf = (value: unknown): string =>
  value === undefined || value === null ? String(value) : Object.prototype.toString.call(value).slice(8, -1);

/** True for a tensor whose elements must be read first. */
export const isLazy = (tensor: FileTensor | LazyTensor): tensor is LazyTensor => typeof (tensor as Partial<LazyTensor>).read === "function";

/** The tensors of a file as its header will have them; TypeError for what is no such file, and for arrays that do not hold their element types. */
export function describeTensors(
  file: { readonly tensors: Readonly<Record<string, FileTensor | LazyTensor>>; readonly metadata: Readonly<Record<string, string>> },
): Record<string, Described> {
  const { tensors, metadata, saveState } = (file ?? {}) as Partial<typeof file> & { readonly saveState?: unknown };
  if (typeof saveState === "function") {
    throw new TypeError("Cannot write an optimizer, a trainer or an accumulator as safetensors: write its state, which saveState() gives");
  }
  for (const [what, record] of Object.entries({ tensors, metadata })) {
    if (Object.prototype.toString.call(record) === "[object Object]") continue;
    throw new TypeError(`Cannot write a state whose ${what} are ${nameOf(record)} as safetensors: it must be { tensors, metadata }`);
  }
  return Object.fromEntries(
    Object.entries(file.tensors).map(([name, tensor]) => {
      const { shape, dtype } = tensor;
      const there = nameThere(dtype);
      if (there === undefined) {
        const known = Object.keys(fileDTypes).join(", ");
        throw new TypeError(
          `Cannot write tensor ${JSON.stringify(name)} as safetensors: there is no dtype ${String(dtype)}; known are ${known}`,
        );
      }
      if (!isLazy(tensor) && !(tensor.data instanceof fileDTypes[dtype].array)) {
        throw new TypeError(`Cannot write tensor ${JSON.stringify(name)} as safetensors: ${nameOf(tensor.data)} does not hold ${dtype}`);
      }
      return [name, { dtype: there, shape, byteLength: isLazy(tensor) ? tensor.byteLength : tensor.data.byteLength }];
    }),
  );
}

/** A file without strings is written without the place for them. */
export function metadataOf({ metadata }: { readonly metadata: Readonly<Record<string, string>> }): Readonly<Record<string, string>> | null {
  return Object.keys(metadata).length > 0 ? metadata : null;
}
