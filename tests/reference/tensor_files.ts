/**
 * Files of tensors: what the safetensors package reads is read with the same content, what it refuses is refused, and what it wrote is written with
 * its bytes.
 *
 * @module
 */
import { formatSafetensors, parseSafetensors, type RawTensor, type SafetensorsDType } from "../../plugins/formats/safetensors.ts";
import type { Fault } from "./compare.ts";
import type { Context } from "./context.ts";
import type { Case, Json, JsonObject, Numbers } from "./golden.ts";

/** A tensor as the reference writes it. */
interface Content {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: Numbers | readonly boolean[];
  readonly bits?: readonly number[];
}

/** What a file holds, or that it is none. */
interface Expected {
  readonly valid: boolean;
  readonly tensors?: Readonly<Record<string, Content>>;
  readonly metadata?: Readonly<Record<string, string>> | null;
}

/** PyTorch's names of element types, the format's, and how a list of values becomes bytes. */
const types: Readonly<Record<string, readonly [SafetensorsDType, (values: Numbers) => ArrayBufferView<ArrayBuffer>]>> = {
  float32: ["F32", (values) => Float32Array.from(values, Number)],
  float64: ["F64", (values) => Float64Array.from(values, Number)],
  bfloat16: ["BF16", (bits) => Uint16Array.from(bits, Number)],
  float16: ["F16", (bits) => Uint16Array.from(bits, Number)],
  int64: ["I64", (values) => BigInt64Array.from(values, BigInt)],
  int32: ["I32", (values) => Int32Array.from(values, Number)],
  int16: ["I16", (values) => Int16Array.from(values, Number)],
  int8: ["I8", (values) => Int8Array.from(values, Number)],
  uint8: ["U8", (values) => Uint8Array.from(values, Number)],
  bool: ["BOOL", (values) => Uint8Array.from(values, Number)],
};

function rawOf({ dtype, shape, data, bits }: Content): RawTensor {
  const [name, make] = types[dtype];
  const { buffer, byteLength } = make(bits ?? data as Numbers);
  return { dtype: name, shape, bytes: new Uint8Array(buffer, 0, byteLength) };
}

/** Why the case cannot run, if so. */
export function unsupportedTensorFile({ golden }: Context, entry: Case): string | undefined {
  const { tensors = {} } = golden.want(entry) as unknown as Expected;
  const odd = Object.values(tensors).find(({ dtype }) => !Object.hasOwn(types, dtype));
  return odd === undefined ? undefined : `a description of ${odd.dtype} is not known`;
}

/** Reads the file of the case, and writes it where the reference wrote it. */
export function runTensorFile({ golden }: Context, entry: Case): Fault {
  const bytes = golden.bytes(entry.args.path as string);
  const want = golden.want(entry) as unknown as Expected;
  let file: ReturnType<typeof parseSafetensors>;
  try {
    file = parseSafetensors(bytes);
  } catch (error) {
    if (!want.valid && error instanceof RangeError) return;
    return want.valid ? `is refused: ${error}` : `is refused with ${error}, which is no RangeError`;
  }
  if (!want.valid) return `is read; the reference says ${(want as unknown as { error: JsonObject }).error.message}`;
  const tensors = Object.fromEntries(Object.entries(want.tensors ?? {}).map(([name, content]) => [name, rawOf(content)]));
  const names = (of: object): string => JSON.stringify(Object.keys(of).sort());
  if (names(file.tensors) !== names(tensors)) return `has tensors ${names(file.tensors)} instead of ${names(tensors)}`;
  for (const [name, tensor] of Object.entries(tensors)) {
    const fault = tensorFault(file.tensors[name], tensor);
    if (fault !== undefined) return `tensor ${JSON.stringify(name)} ${fault}`;
  }
  if (want.metadata !== undefined && !sameStrings(file.metadata, want.metadata)) {
    return `has metadata ${JSON.stringify(file.metadata)} instead of ${JSON.stringify(want.metadata)}`;
  }
  if (!entry.item.endsWith(".save")) return;
  const written = formatSafetensors({ tensors, metadata: entry.args.metadata as Record<string, string> | null ?? null });
  if (!sameBytes(written, bytes)) return "is written with other bytes";
}

function tensorFault(got: RawTensor, want: RawTensor): Fault {
  if (got.dtype !== want.dtype) return `is ${got.dtype} instead of ${want.dtype}`;
  if (String(got.shape) !== String(want.shape)) return `has shape [${got.shape}] instead of [${want.shape}]`;
  // PyTorch reads any byte but 0 as true.
  const bytes = got.dtype === "BOOL" ? got.bytes.map((byte) => Number(byte !== 0)) : got.bytes;
  if (!sameBytes(bytes, want.bytes)) return "has other bytes";
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

function sameStrings(a: Readonly<Record<string, Json>> | null, b: Readonly<Record<string, Json>> | null): boolean {
  const sorted = (of: typeof a): string => JSON.stringify(of === null ? null : Object.entries(of).sort(([a], [b]) => a < b ? -1 : 1));
  return sorted(a) === sorted(b);
}
