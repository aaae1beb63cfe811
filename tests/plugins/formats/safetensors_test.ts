import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  formatSafetensors,
  parseSafetensors,
  type RawTensor,
  readSafetensors,
  readTensors,
  type SafetensorsDType,
  writeSafetensors,
} from "../../../plugins/formats/safetensors.ts";
import { builtins } from "../../../mod.ts";
import { root } from "../../generated.ts";

interface Content {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: readonly (number | string | boolean)[];
  readonly bits?: readonly number[];
}
interface Expected {
  readonly valid: boolean;
  readonly tensors: Readonly<Record<string, Content>>;
  readonly metadata?: Readonly<Record<string, string>> | null;
}
interface Entry {
  readonly id: string;
  readonly item: string;
  readonly args: { readonly path: string; readonly metadata?: Readonly<Record<string, string>> | null };
}

const golden = join(root, "tests/reference/golden");
const json = (path: string) => JSON.parse(readFileSync(join(golden, path), "utf8"));
const expected: Record<string, Expected> = json("safetensors/index.json").cases;
const entries: Entry[] = json("manifest.json").cases.filter(({ item }: Entry) => item.startsWith("safetensors.torch."));
const bytesOf = ({ args }: Entry) => Uint8Array.from(readFileSync(join(golden, args.path)));

const pythons: Readonly<Record<string, SafetensorsDType>> = {
  float32: "F32",
  float64: "F64",
  bfloat16: "BF16",
  float16: "F16",
  int64: "I64",
  int32: "I32",
  int16: "I16",
  int8: "I8",
  uint8: "U8",
  bool: "BOOL",
};

/** The tensor that the reference describes, as bytes; of booleans, 0 and 1. */
function rawOf({ dtype, shape, data, bits }: Content): RawTensor {
  const numbers = data.map(Number);
  const array = bits !== undefined ? Uint16Array.from(bits) : dtype === "int64" ? BigInt64Array.from(data as string[], BigInt) : {
    float32: Float32Array,
    float64: Float64Array,
    int32: Int32Array,
    int16: Int16Array,
    int8: Int8Array,
    uint8: Uint8Array,
    bool: Uint8Array,
  }[
    dtype as "float32"
  ].from(numbers);
  return { dtype: pythons[dtype], shape, bytes: new Uint8Array(array.buffer) };
}

const rawOfAll = ({ tensors }: Expected) => Object.fromEntries(Object.entries(tensors).map(([name, content]) => [name, rawOf(content)]));
const plain = (tensors: Readonly<Record<string, RawTensor>>) =>
  Object.entries(tensors).map(([name, { dtype, shape, bytes }]) => {
    // PyTorch reads any byte but 0 as true.
    const values = dtype === "BOOL" ? [...bytes].map((byte) => Number(byte !== 0)) : [...bytes];
    return { name, dtype, shape, values };
  }).sort((a, b) => a.name < b.name ? -1 : 1);

test("the reference has 67 files to load and 8 to save", () => {
  assertEquals([".load", ".save"].map((end) => entries.filter(({ item }) => item.endsWith(end)).length), [67, 8]);
});

for (const entry of entries) {
  const want = expected[entry.id];
  if (want.valid) {
    test(`${entry.id} is read as the reference reads it`, () => {
      const { tensors, metadata } = parseSafetensors(bytesOf(entry));
      assertEquals(plain(tensors), plain(rawOfAll(want)));
      // An empty header has a length of its own, for which the reference tells no metadata.
      if (want.metadata !== undefined) assertEquals(metadata, want.metadata);
    });
  } else {
    test(`${entry.id} is refused as the reference refuses it`, () => {
      assertThrows(() => parseSafetensors(bytesOf(entry)), RangeError);
    });
  }
  if (entry.item.endsWith(".save")) {
    test(`${entry.id} is written with the reference's bytes`, () => {
      assertEquals(formatSafetensors({ tensors: rawOfAll(want), metadata: entry.args.metadata ?? null }), bytesOf(entry));
    });
  }
}

test("a state that was read is written with the same bytes", () => {
  for (const name of ["params_f32", "adamw_checkpoint", "adafactor_bf16_checkpoint"]) {
    const bytes = Uint8Array.from(readFileSync(join(golden, `safetensors/${name}.safetensors`)));
    assertEquals(writeSafetensors(readSafetensors(bytes)), bytes);
  }
});

test("float64 and 16-bit tensors keep every bit", () => {
  const tensors = {
    d: { data: new Float64Array([-0, NaN, 2 ** -1074]), shape: [3], dtype: "float64" as const },
    h: { data: new Uint16Array([0x8000, 0x7c01, 0x3c00]), shape: [3, 1], dtype: "float16" as const },
    b: { data: new Uint16Array([0xffff]), shape: [], dtype: "bfloat16" as const },
  };
  const read = readSafetensors(writeSafetensors({ tensors, metadata: { recipe: "{}" } }));
  assertEquals(Object.keys(read.tensors).sort(), ["b", "d", "h"]);
  for (const [name, { data, shape, dtype }] of Object.entries(tensors)) {
    assertEquals(new Uint8Array(read.tensors[name].data.slice().buffer), new Uint8Array(data.buffer));
    assertEquals([read.tensors[name].shape, read.tensors[name].dtype], [shape, dtype]);
  }
  assertEquals(read.metadata, { recipe: "{}" });
});

test("tensors of every element type are read and written, in arrays of theirs", () => {
  const bytes = Uint8Array.from({ length: 24 }, (_, i) => 7 * i + 1);
  const types: readonly (readonly [SafetensorsDType, dtype: string, array: string, shape: readonly number[]])[] = [
    ["BOOL", "bool", "Uint8Array", [24]],
    ["U8", "uint8", "Uint8Array", [24]],
    ["I8", "int8", "Int8Array", [24]],
    ["U16", "uint16", "Uint16Array", [12]],
    ["I16", "int16", "Int16Array", [12]],
    ["U32", "uint32", "Uint32Array", [6]],
    ["I32", "int32", "Int32Array", [6]],
    ["U64", "uint64", "BigUint64Array", [3]],
    ["I64", "int64", "BigInt64Array", [3]],
    ["F16", "float16", "Uint16Array", [12]],
    ["BF16", "bfloat16", "Uint16Array", [12]],
    ["F32", "float32", "Float32Array", [6]],
    ["F64", "float64", "Float64Array", [3]],
    ["C64", "complex64", "Float32Array", [3]],
    ["F8_E5M2", "float8_e5m2", "Uint8Array", [24]],
    ["F8_E4M3", "float8_e4m3fn", "Uint8Array", [24]],
    ["F8_E8M0", "float8_e8m0fnu", "Uint8Array", [24]],
    ["F8_E4M3FNUZ", "float8_e4m3fnuz", "Uint8Array", [24]],
    ["F8_E5M2FNUZ", "float8_e5m2fnuz", "Uint8Array", [24]],
    ["F6_E2M3", "float6_e2m3", "Uint8Array", [32]],
    ["F6_E3M2", "float6_e3m2", "Uint8Array", [32]],
    ["F4", "float4_e2m1", "Uint8Array", [48]],
  ];
  const raw = Object.fromEntries(types.map(([dtype, , , shape]) => [dtype, { dtype, shape, bytes }]));
  const file = formatSafetensors({ tensors: raw, metadata: null });
  const { tensors } = readTensors(file);
  for (const [name, dtype, array, shape] of types) {
    const { data } = tensors[name];
    assertEquals([tensors[name].dtype, data.constructor.name, tensors[name].shape], [dtype, array, shape]);
    assertEquals(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), bytes);
  }
  assertEquals(writeSafetensors({ tensors, metadata: {} }), file);
  const wrong = { tensors: { i: { data: new Int32Array(2), shape: [1], dtype: "int64" as const } }, metadata: {} };
  assertThrows(() => writeSafetensors(wrong), TypeError, "Int32Array does not hold int64");
  const none = { tensors: { i: { ...wrong.tensors.i, dtype: "int128" as "int64" } }, metadata: {} };
  assertThrows(() => writeSafetensors(none), TypeError, "there is no dtype int128; known are float32,");
});

test("an int64 tensor beside a state is ignored, and listed", () => {
  using optimizer = builtins.createOptimizer("sgd", { w: new Float32Array([1, 2]) }, { lr: 0.5 }, { backend: "js" });
  optimizer.step({ w: new Float32Array([1, 1]) });
  const { tensors, metadata } = optimizer.saveState();
  const counter = { data: BigInt64Array.of(7n), shape: [], dtype: "int64" as const };
  const file = writeSafetensors({ tensors: { ...tensors, "bn.num_batches_tracked": counter }, metadata });
  const state = readSafetensors(file);
  assertEquals(state.tensors["bn.num_batches_tracked"].data as unknown, BigInt64Array.of(7n));
  const w = new Float32Array(2);
  using other = builtins.createOptimizer("sgd", { w }, { lr: 0.5 }, { backend: "js" });
  for (const partial of [false, true]) {
    assertEquals(other.loadState(state, { partial }), { taken: ["w", "w.step"], ignored: ["bn.num_batches_tracked"], missing: [] });
  }
  assertEquals([...w], [0.5, 1.5]);
  // What a state could hold is still too many.
  const more = { ...state.tensors, more: { data: new Float32Array(1), shape: [1], dtype: "float32" as const } };
  assertThrows(() => other.loadState({ tensors: more, metadata }), TypeError, 'it has a tensor "more"');
});

test("limits hold before anything is made", () => {
  const bytes = formatSafetensors({
    tensors: { a: { dtype: "U8", shape: [1], bytes: new Uint8Array(1) }, b: { dtype: "U8", shape: [1], bytes: new Uint8Array(1) } },
    metadata: null,
  });
  assertThrows(() => parseSafetensors(bytes, { tensors: 1 }), RangeError, "more than 1 tensors");
  assertThrows(() => parseSafetensors(bytes, { headerBytes: 16 }), RangeError, "at most 16");
  const liar = bytes.slice();
  new DataView(liar.buffer).setBigUint64(0, 4n * 1024n ** 3n, true);
  assertThrows(() => parseSafetensors(liar), RangeError, "4294967296");
  const deep = new TextEncoder().encode(`{"a":${"[".repeat(100_000)}`);
  const nested = new Uint8Array(8 + deep.length);
  new DataView(nested.buffer).setBigUint64(0, BigInt(deep.length), true);
  nested.set(deep, 8);
  assertThrows(() => parseSafetensors(nested), RangeError, "too deep");
});

/** A file with this header. */
function fileOf(header: string, data: Uint8Array = new Uint8Array(16)): Uint8Array {
  const text = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + text.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  bytes.set(data, 8 + text.length);
  return bytes;
}
const none = new Uint8Array(0);
const withMore = (more: string) => fileOf(`{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16],"x":${more}}}`);
const nested = (depth: number, inside: string) => withMore(`${"[".repeat(depth)}${inside}${"]".repeat(depth)}`);
const empty = (shape: string) => fileOf(`{"a":{"dtype":"F32","shape":[${shape}],"data_offsets":[0,0]}}`, none);

// What the safetensors package 0.8.0 said of each.
const forms: readonly (readonly [what: string, file: Uint8Array, valid: boolean])[] = [
  ["a tensor as a list", fileOf('{"a":["F32",[4],[0,16]]}'), true],
  ["a tensor as a list of two", fileOf('{"a":["F32",[4]]}'), false],
  ["a tensor as a list of four", fileOf('{"a":["F32",[4],[0,16],1]}'), false],
  ["a dtype as an object with null", fileOf('{"a":{"dtype":{"F32":null},"shape":[4],"data_offsets":[0,16]}}'), true],
  ["a dtype as an object with null in a list", fileOf('{"a":[{"F32":null},[4],[0,16]]}'), true],
  ["a dtype as an object with a list", fileOf('{"a":{"dtype":{"F32":[]},"shape":[4],"data_offsets":[0,16]}}'), false],
  ["a dtype as an object of two", fileOf('{"a":{"dtype":{"F32":null,"F16":null},"shape":[4],"data_offsets":[0,16]}}'), false],
  ["offsets as an object", fileOf('{"a":{"dtype":"F32","shape":[4],"data_offsets":{"0":0,"1":16}}}'), false],
  ["a header that is a list", fileOf("[]", none), false],
  ["a number in the deepest list", nested(125, "1"), true],
  ["a string in the deepest list", nested(125, '"s"'), true],
  ["an empty list as the deepest", nested(125, ""), true],
  ["a list that is too deep", nested(126, ""), false],
  ["an object that is too deep", nested(125, "{}"), false],
  ["a number that is too large", withMore("1e999"), false],
  ["-0", withMore("-0"), true],
  ["an unknown field twice", withMore('1,"x":2'), true],
  ["half a pair in an unknown field", withMore('"\\ud800"'), false],
  ["elements past 64 bits on the way to 0", empty("4294967296,4294967296,0"), false],
  ["many elements on the way to 0", empty("4294967296,2147483648,0"), true],
  ["0 before many elements", empty("0,4294967296,4294967296"), true],
];
for (const [what, file, valid] of forms) {
  test(`a file with ${what} is ${valid ? "read" : "refused"}, as by the package`, () => {
    if (valid) assertEquals(Object.keys(parseSafetensors(file).tensors), ["a"]);
    else assertThrows(() => parseSafetensors(file), RangeError);
  });
}

test("a length that no number holds is refused, where the package reads it beside a length of 0", () => {
  for (const length of ["9007199254740993", "18446744073709551615"]) {
    for (const shape of [`0,${length}`, `${length},0`]) assertThrows(() => parseSafetensors(empty(shape)), RangeError, "no integers");
  }
});

test("a file is read from an ArrayBuffer, and from what is no bytes refused with its name", () => {
  const bytes = writeSafetensors({ tensors: { w: { data: Float32Array.of(1, 2), shape: [2], dtype: "float32" } }, metadata: {} });
  assertEquals([...readSafetensors(bytes.buffer).tensors.w.data], [1, 2]);
  assertEquals([...readSafetensors(bytes).tensors.w.data], [1, 2]);
  const shared = new SharedArrayBuffer(bytes.length);
  new Uint8Array(shared).set(bytes);
  assertEquals([...readSafetensors(shared as unknown as ArrayBuffer).tensors.w.data], [1, 2]);
  for (
    const [wrong, name] of [[Promise.resolve(bytes), "Promise"], [[...bytes], "Array"], [undefined, "undefined"], ["", "String"]] as const
  ) {
    assertThrows(() => readSafetensors(wrong as never), TypeError, `Cannot read ${name} as safetensors`);
  }
});

test("a header that no reader takes is not written", () => {
  const long = "a".repeat(100_000_000);
  const tensors = { w: { data: Float32Array.of(1), shape: [1], dtype: "float32" as const } };
  for (const metadata of [{ long }, { [long]: "" }]) {
    assertThrows(() => writeSafetensors({ tensors, metadata }), RangeError, "readers take at most 100000000");
  }
});

test("a header that is longer by its escapes alone is not written", () => {
  const rest = '{"__metadata__":{"k":""}}'.length;
  const k = `${"a".repeat(100_000_000 - rest - 1)}"`;
  assertThrows(() => writeSafetensors({ tensors: {}, metadata: { k } }), RangeError, "100000008 bytes");
});

test("what is no state is refused with a word about what would be one", () => {
  using optimizer = builtins.createOptimizer("adamw", { w: new Float32Array(2) }, {}, { backend: "js" });
  assertThrows(() => writeSafetensors(optimizer as never), TypeError, "saveState()");
  using trainer = builtins.createTrainer({ w: new Float32Array(1) }, { optimizer: { name: "adamw" } }, { backend: "js" });
  assertThrows(() => writeSafetensors(trainer as never), TypeError, "saveState()");
  assertEquals(readSafetensors(writeSafetensors(optimizer.saveState())).metadata.optimizer, "adamw");
  for (
    const [wrong, text] of [[undefined, "tensors are undefined"], [[], "tensors are undefined"], [{ tensors: [] }, "tensors are Array"], [
      { tensors: {} },
      "metadata are undefined",
    ]] as const
  ) {
    assertThrows(() => writeSafetensors(wrong as never), TypeError, text);
  }
});

test("shared memory is written into a plain buffer, and read from one", () => {
  const data = new Float32Array(new SharedArrayBuffer(8));
  data.set([1, 2]);
  const bytes = writeSafetensors({ tensors: { w: { data, shape: [2], dtype: "float32" } }, metadata: {} });
  assert(bytes.buffer instanceof ArrayBuffer);
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
  shared.set(bytes);
  assert(readSafetensors(shared).tensors.w.data.buffer instanceof ArrayBuffer);
});

test("what cannot be written is refused", () => {
  const one = { data: new Float32Array(1), shape: [1], dtype: "float32" as const };
  assertThrows(() => writeSafetensors({ tensors: { __metadata__: one }, metadata: {} }), RangeError, "__metadata__");
  assertThrows(() => writeSafetensors({ tensors: { w: { ...one, shape: [2] } }, metadata: {} }), RangeError, "4 bytes");
  assertThrows(() => writeSafetensors({ tensors: { w: { ...one, dtype: "float16" } }, metadata: {} }), TypeError, "float16");
  assertThrows(() => writeSafetensors({ tensors: { "\ud800": one }, metadata: {} }), TypeError, '"\\ud800" into safetensors: it has half');
});

test("names and keys are written in the order of their UTF-8, which is not that of JavaScript's strings", () => {
  // U+FF5E comes before U+1F600 in UTF-8, and behind its first surrogate in UTF-16.
  const names = ["\u{1F600}", "\uFF5E", "z", "é", "a", "\u{10000}", "\uE000", "ab", "\u0080"];
  const inOrder = ["a", "ab", "z", "\u0080", "é", "\uE000", "\uFF5E", "\u{10000}", "\u{1F600}"];
  const one = (name: string) => ({ data: Float32Array.of(name.length), shape: [1], dtype: "float32" as const });
  const bytes = writeSafetensors({
    tensors: Object.fromEntries(names.map((name) => [name, one(name)])),
    metadata: Object.fromEntries(names.map((name) => [name, name])),
  });
  const { tensors, metadata } = parseSafetensors(bytes);
  assertEquals(Object.keys(tensors), inOrder);
  assertEquals(Object.keys(metadata!), inOrder);
  assertEquals(inOrder.map((name) => tensors[name].bytes.byteOffset), inOrder.map((_, i) => tensors.a.bytes.byteOffset + 4 * i));
  assertEquals(inOrder.map((name) => readSafetensors(bytes).tensors[name].data[0]), inOrder.map((name) => name.length));
});
