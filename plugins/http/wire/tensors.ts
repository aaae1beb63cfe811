/**
 * Tensors in bodies: safetensors, or JSON for small ones. Both hold a recipe beside them.
 *
 * @module
 */
import type { Backend, DType, StateDict, Tensor } from "../../../core/types.ts";
import { elementArrays, type StateDType } from "../../formats/element_arrays.ts";
import type { FileDType } from "../../formats/file_tensors.ts";
import { parseSafetensors, readSafetensors, writeSafetensors } from "../../formats/safetensors.ts";
import { parseJsonBytes, parseJsonText, refuseExtent, type Width } from "./json_body.ts";
import type { Limits } from "../guard/limits.ts";
import { mediaTypes, type TensorForm } from "./media.ts";
import { isRefusal, pointerTo, Problem, refuseBody } from "./problem.ts";

/** A body of tensors. */
export interface TensorBody {
  /** The recipe, parsed and not checked. */
  readonly recipe: unknown;
  readonly tensors: StateDict["tensors"];
  /** Strings beside the recipe. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Where the tensors lie in the file: the same object for files that differ in the numbers of their tensors alone, where that is known. */
  readonly layout?: FileLayout;
}

/** What a header says of a file of so many bytes. */
export interface FileLayout {
  readonly fileBytes: number;
  /** In the order in which they lie. */
  readonly tensors: readonly TensorPlace[];
  readonly body: Omit<TensorBody, "tensors" | "layout">;
}

/** Where a tensor lies in a file. */
export interface TensorPlace {
  readonly name: string;
  readonly dtype: FileDType;
  readonly shape: readonly number[];
  readonly from: number;
  readonly to: number;
}

/** Dimensions of a tensor. */
const mostDimensions = 64;
/** Longer names are refused: what looks for a parameter's state goes through every name. */
const longestName = 512;

const dtypes = /* @__PURE__ */ Object.keys(elementArrays);

/** Writes a file, the recipe beside the state's own metadata. */
export function writeFile({ recipe, tensors, metadata }: TensorBody): Uint8Array<ArrayBuffer> {
  return writeSafetensors({ tensors, metadata: { ...metadata, recipe: JSON.stringify(recipe) } });
}

/** Writes JSON, which holds finite numbers only, and few of them (406). */
export function writeJson({ recipe, tensors, metadata }: TensorBody, from: TensorForm, limits: Required<Limits>, backend: Backend): string {
  const refuse = (detail: string): never => {
    throw new Problem("not-acceptable", `${detail}: ask for ${mediaTypes.safetensors}`, [
      { in: "header", name: "Accept", detail, allowed: [mediaTypes.safetensors] },
    ]);
  };
  const elements = Object.values(tensors).reduce((sum, { data }) => sum + data.length, 0);
  // A state is a few times the parameters: what came as JSON may go as JSON.
  if (elements > (from === "json" ? 8 : 1) * limits.jsonElements) refuse(`The answer has ${elements} elements, too many for JSON`);
  const written = Object.entries(tensors).map(([name, tensor]) => {
    const data = numbersOf(tensor, backend);
    if (!data.every(Number.isFinite)) refuse(`Tensor ${JSON.stringify(name)} is not finite, and JSON has no such numbers`);
    return [name, { shape: tensor.shape, dtype: tensor.dtype, data: Array.from(data) }];
  });
  return JSON.stringify({ recipe, tensors: Object.fromEntries(written), ...(!isPlain(metadata, tensors) && { metadata }) });
}

/** True where the tensors say all that the metadata say, so that JSON can go without. */
function isPlain(
  { optimizer: _, format: __, steps, ...rest }: Readonly<Record<string, string>>,
  tensors: StateDict["tensors"],
): boolean {
  const counts = Object.keys(tensors).filter((name) => name.endsWith(".step")).map((name) => tensors[name].data[0]);
  return Object.keys(rest).length === 0 && (steps === undefined || Number(steps) === Math.max(0, ...counts));
}

/** How wide a body or a header may be: each tensor has three keys of its own, and recipe, metadata and lists of names are as many as tensors at most. */
function widthOf({ tensors, jsonElements }: Required<Limits>): Width {
  return { keys: 5 * tensors + 1024, list: tensors + 1024, data: jsonElements };
}

/** Refuses a file by the length of its header, which its first eight bytes say; false while they are not all there. */
export function refuseLongHeader(bytes: Uint8Array<ArrayBuffer>, { headerBytes }: Required<Limits>): boolean {
  if (bytes.length < 8) return false;
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  if (length <= BigInt(Math.floor(headerBytes))) return true;
  const detail = `Cannot read safetensors: its header claims ${length} bytes, and at most ${headerBytes} are read`;
  throw new Problem("malformed-body", detail, [{ in: "body", pointer: "", detail }], { "Connection": "close" });
}

/** Reads a file: 400 where it is broken, 422 where what it holds is refused. */
export function readFile(bytes: Uint8Array<ArrayBuffer>, all: Required<Limits>): TensorBody {
  const { headerBytes, tensors: most, jsonElements } = all;
  const limits = { headerBytes, tensors: most };
  const width = widthOf(all);
  try {
    refuseWideHeader(bytes, { keys: width.keys, list: mostDimensions });
    parseSafetensors(bytes, limits);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    throw new Problem("malformed-body", error.message, [{ in: "body", pointer: "", detail: error.message }]);
  }
  try {
    const { tensors, metadata: { recipe: text, ...metadata } } = readSafetensors(bytes, limits);
    Object.keys(tensors).forEach(checkName);
    for (const [name, { dtype }] of Object.entries(tensors)) {
      if (!dtypes.includes(dtype)) {
        refuseBody(`/tensors${pointerTo(name)}`, `Tensor ${JSON.stringify(name)} is ${dtype}, which no state is`, dtypes);
      }
    }
    checkEmpty(tensors, jsonElements);
    if (text === undefined) refuseBody("/__metadata__/recipe", "The file's __metadata__ has no recipe");
    return { recipe: readRecipe(text, width), tensors, metadata };
  } catch (error) {
    if (isRefusal(error)) refuseBody("", error.message);
    throw error;
  }
}

/** Looks at the header's extent before it is parsed. Where its length lies, parsing says so. */
function refuseWideHeader(bytes: Uint8Array<ArrayBuffer>, width: Width): void {
  if (bytes.length < 8) return;
  const end = 8 + Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  if (end <= bytes.length) refuseExtent((i) => bytes[8 + i], end - 8, width);
}

function readRecipe(text: string, width: Width): unknown {
  try {
    return parseJsonText(text, width);
  } catch (error) {
    throw new Problem("malformed-body", `The recipe is no JSON: ${(error as Error).message}`, [
      { in: "body", pointer: "/__metadata__/recipe", detail: (error as Error).message },
    ]);
  }
}

/** Reads JSON: 400 where it is broken, 422 where what it holds is refused. */
export function readJson(bytes: Uint8Array<ArrayBuffer>, limits: Required<Limits>, backend: Backend): TensorBody {
  const { recipe, tensors, metadata = {}, ...rest } = objectOf("", parseJsonBytes(bytes, widthOf(limits)));
  const [stray] = Object.keys(rest);
  const keys = ["recipe", "tensors", "metadata"];
  if (stray !== undefined) refuseBody(pointerTo(stray), `There is no ${JSON.stringify(stray.slice(0, 80))} here`, keys);
  if (recipe === undefined) refuseBody("/recipe", "The body has no recipe");
  const given = Object.entries(objectOf("/tensors", tensors));
  if (given.length > limits.tensors) refuseBody("/tensors", `There are ${given.length} tensors, and at most ${limits.tensors} are read`);
  let left = limits.jsonElements;
  const read = given.map(([name, value]): [string, StateDict["tensors"][string]] => {
    checkName(name);
    const at = `/tensors${pointerTo(name)}`;
    const { shape, dtype = name.endsWith(".step") ? "float64" : "float32", data, ...rest } = objectOf(at, value);
    const [stray] = Object.keys(rest);
    if (stray !== undefined) {
      refuseBody(`${at}${pointerTo(stray)}`, `A tensor has no ${JSON.stringify(stray.slice(0, 80))}`, ["shape", "dtype", "data"]);
    }
    if (!dtypes.includes(dtype as string)) refuseBody(`${at}/dtype`, `There is no dtype ${JSON.stringify(dtype)?.slice(0, 80)}`, dtypes);
    if (Array.isArray(shape) && shape.length > mostDimensions) {
      refuseBody(`${at}/shape`, `A shape has ${mostDimensions} dimensions at most`);
    }
    if (!Array.isArray(shape) || !shape.every((length) => Number.isSafeInteger(length) && length >= 0)) {
      return refuseBody(`${at}/shape`, "A shape is a list of integers from 0");
    }
    if (!Array.isArray(data)) return refuseBody(`${at}/data`, "The data must be a flat list of numbers");
    left -= data.length;
    if (left < 0) throw new Problem("body-too-large", `JSON may have ${limits.jsonElements} elements: send ${mediaTypes.safetensors}`);
    const size = shape.reduce((size: number, length: number) => size * length, 1);
    if (size !== data.length) {
      refuseBody(`${at}/data`, `Shape [${shape.slice(0, 8)}] takes ${size} elements, and the data has ${data.length}`);
    }
    if (!data.every(Number.isFinite)) refuseBody(`${at}/data`, "The data must be finite numbers"); // numbers, that is: null is none
    const tensor = { data: arrayOf(data, dtype as StateDType, backend), shape, dtype: dtype as StateDType };
    if (!numbersOf(tensor, backend).every(Number.isFinite)) refuseBody(`${at}/data`, `The data must be finite numbers in ${dtype}`);
    return [name, tensor];
  });
  checkEmpty(Object.fromEntries(read), limits.jsonElements);
  const strings = Object.entries(objectOf("/metadata", metadata));
  for (const [key, value] of strings) if (typeof value !== "string") refuseBody(`/metadata${pointerTo(key)}`, "Metadata are strings");
  return { recipe, tensors: Object.fromEntries(read), metadata: Object.fromEntries(strings) as Record<string, string> };
}

function objectOf(at: string, value: unknown): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return refuseBody(at, `${at || "The body"} must be an object`);
  return value as Record<string, unknown>;
}

/** A tensor of shape [n, 0] has no elements, and some slots one for each of its n rows: they count as what is sent does. */
function checkEmpty(tensors: StateDict["tensors"], most: number): void {
  let rows = 0;
  for (const [name, { shape, data }] of Object.entries(tensors)) {
    if (data.length > 0) continue;
    rows += shape.reduce((product, length) => product * Math.max(1, length), 1);
    if (rows > most) {
      refuseBody(`/tensors${pointerTo(name)}/shape`, `Empty tensors may have ${most} rows and columns, and there are ${rows}`);
    }
  }
}

function checkName(name: string): void {
  if (name === "__metadata__" || !name.isWellFormed()) {
    refuseBody(`/tensors${pointerTo(name)}`, `No tensor may be named ${JSON.stringify(name.slice(0, 80))}: safetensors could not hold it`);
  }
  if (name.length <= longestName) return;
  refuseBody("/tensors", `The name of a tensor may have ${longestName} characters, and one has ${name.length}: ${name.slice(0, 40)}…`);
}

/** Numbers as the dtype holds them; 16-bit ones are rounded by the kernels. */
function arrayOf(numbers: readonly number[], dtype: StateDType, backend: Backend): StateDict["tensors"][string]["data"] {
  const array = elementArrays[dtype].from(dtype === "float32" || dtype === "float64" ? numbers : numbers.map(() => 0));
  if (array instanceof Uint16Array) copy(backend, { data: Float32Array.from(numbers) }, { data: array, dtype: dtype as DType });
  return array;
}

/** The numbers that a tensor holds. */
function numbersOf({ data, dtype }: StateDict["tensors"][string], backend: Backend): Float32Array | Float64Array {
  if (!(data instanceof Uint16Array)) return data;
  const wide = new Float32Array(data.length);
  copy(backend, { data, dtype: dtype as DType }, { data: wide });
  return wide;
}

function copy(backend: Backend, from: Tensor, to: Tensor): void {
  if (from.data.length > 0) backend.run("to = from", { from, to });
}
