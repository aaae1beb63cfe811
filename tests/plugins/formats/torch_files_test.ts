import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { readTorch, type TorchValue, writeTorch } from "../../../plugins/formats/pytorch.ts";
import { readZip, writeZip } from "../../../plugins/formats/zip_records.ts";
import { root } from "../../generated.ts";
import { pythonWith } from "../../python.ts";

const recorded = (name: string): Uint8Array => Uint8Array.from(readFileSync(join(root, `tests/reference/pytorch/${name}.pt`)));
const text = new TextEncoder();

/** A file with this pickle, as numbers and strings of its bytes, and these storages. */
function fileOf(pickle: readonly (number | string)[], storages: Readonly<Record<string, Uint8Array>> = {}): Uint8Array {
  const bytes = Uint8Array.from(pickle.flatMap((part) => typeof part === "number" ? [part] : [...text.encode(part)]));
  return writeZip([
    ["a/data.pkl", bytes],
    ["a/byteorder", text.encode("little")],
    ...Object.entries(storages).map(([key, bytes]) => [`a/data/${key}`, bytes] as const),
  ]);
}

const STOP = 0x2e,
  MARK = 0x28,
  TUPLE = 0x74,
  REDUCE = 0x52,
  LIST = 0x5d,
  DICT = 0x7d,
  APPEND = 0x61,
  NONE = 0x4e,
  INT1 = 0x4b,
  PROTO = [0x80, 2];
const word = (of: string): (number | string)[] => [0x58, of.length, 0, 0, 0, of];
const global = (module: string, name: string): (number | string)[] => ["c", module, "\n", name, "\n"];

/** A float32 tensor over storage "0" of `length`, with these numbers for offset, shape and strides. */
function tensor(length: number, offset: number, shape: readonly number[], strides: readonly number[]): (number | string)[] {
  const ints = (of: readonly number[]): number[] => [MARK, ...of.flatMap((n) => [INT1, n]), TUPLE];
  return [
    ...global("torch._utils", "_rebuild_tensor_v2"),
    ...[MARK, MARK, ...word("storage"), ...global("torch", "FloatStorage"), ...word("0"), ...word("cpu"), INT1, length, TUPLE, 0x51],
    ...[INT1, offset, ...ints(shape), ...ints(strides), 0x89, ...global("collections", "OrderedDict"), 0x29, REDUCE, TUPLE, REDUCE],
  ];
}
const floats = (...values: number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer);

test("a file of PyTorch's is read, with its tensors as views of it", () => {
  const bytes = recorded("sgd");
  const { optimizer, scheduler } = readTorch(bytes) as unknown as Record<string, Record<string, TorchValue>>;
  const { data, shape, dtype } =
    (optimizer.state as unknown as Record<string, Record<string, { data: Float32Array; shape: number[]; dtype: string }>>)["0"]
      .momentum_buffer;
  assertEquals([shape, dtype, data.length], [[4, 5], "float32", 20]);
  assert(data.buffer === bytes.buffer, "it is a copy");
  assertEquals([scheduler.step_size, scheduler.gamma, scheduler.last_epoch], [2, 0.5, 3]);
});

for (const name of ["variety", "variety_protocol_4"]) {
  test(`everything that PyTorch wrote into ${name}.pt is read`, () => {
    const { types, ...value } = readTorch(recorded(name)) as Readonly<Record<string, TorchValue>>;
    const floats = (data: readonly number[], ...shape: number[]) => ({ data: Float32Array.from(data), shape, dtype: "float32" });
    assertEquals(value as unknown, {
      base: floats([0, 1, 2, 3, 4, 5], 2, 3),
      transposed: floats([0, 3, 1, 4, 2, 5], 3, 2),
      sliced: floats([1, 2, 4, 5], 2, 2),
      expanded: floats([0, 1, 2, 0, 1, 2], 2, 3),
      scalar: floats([3]),
      empty: floats([], 0, 3),
      parameter: floats([1, 1], 2),
      size: [2, 3],
      ordered: { a: 1, b: [1, [2, 3]] },
      counter: { "2": 1, "4": 2 },
      model: {
        "0.weight": floats([1, 1], 2),
        "0.bias": floats([0, 0], 2),
        "0.running_mean": floats([0, 0], 2),
        "0.running_var": floats([1, 1], 2),
        "0.num_batches_tracked": { data: BigInt64Array.of(0n), shape: [], dtype: "int64" },
      },
      numbers: [2n ** 70n, -(2 ** 40), 0.1, -Infinity, true, null],
      word: "é😀",
      integers: { "-1": "b", "5": "a" },
    });
    const all = types as unknown as Readonly<Record<string, { readonly data: ArrayLike<number | bigint>; readonly dtype: string }>>;
    assertEquals(Object.entries(all).filter(([name, { dtype }]) => name !== dtype), []);
    const numbers: Readonly<Record<string, readonly number[]>> = {
      bfloat16: [0, 0x3f80, 0x4000, 0x4040, 0x4080, 0x40a0],
      float16: [0, 0x3c00, 0x4000, 0x4200, 0x4400, 0x4500],
      bool: [0, 1, 1, 1, 1, 1],
      float8_e4m3fn: [0, 0x38, 0x40, 0x44, 0x48, 0x4a],
      float8_e5m2: [0, 0x3c, 0x40, 0x42, 0x44, 0x45],
      complex64: [0, 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0],
    };
    for (const [name, { data }] of Object.entries(all)) {
      assertEquals(Array.from(data, Number), [...numbers[name] ?? [0, 1, 2, 3, 4, 5]], name);
    }
  });
}

test("values of every kind are written and read", () => {
  const value: TorchValue = {
    none: null,
    flags: [true, false],
    numbers: [0, 255, 256, 65536, -1, 2 ** 31, -(2 ** 40), 0.1, -0, Infinity, 1e300],
    big: 2n ** 70n,
    words: ["", "é😀", "a\nb"],
    nested: { "0": { "1": [] }, "-3": {} },
    betas: [0.9, 0.999],
    tensors: [
      { data: Float32Array.of(1, 2, 3, 4, 5, 6), shape: [2, 3], dtype: "float32" },
      { data: BigInt64Array.of(-5n), shape: [], dtype: "int64" },
      { data: Uint16Array.of(0x3f80), shape: [1], dtype: "bfloat16" },
      { data: new Float32Array(0), shape: [0, 4], dtype: "float32" },
      { data: Uint8Array.of(1, 0), shape: [2], dtype: "bool" },
    ],
    ["__proto__"]: 7,
  };
  assertEquals(readTorch(writeTorch(value)), value);
  assertEquals(writeTorch(readTorch(writeTorch(value))), writeTorch(value));
});

test("a tensor that is no contiguous view is gathered", () => {
  const file = fileOf([...PROTO, ...tensor(6, 0, [3, 2], [1, 3]), STOP], { "0": floats(1, 2, 3, 4, 5, 6) });
  assertEquals([...(readTorch(file) as { data: Float32Array }).data], [1, 4, 2, 5, 3, 6]);
  const part = fileOf([...PROTO, ...tensor(6, 1, [2, 2], [3, 1]), STOP], { "0": floats(1, 2, 3, 4, 5, 6) });
  assertEquals([...(readTorch(part) as { data: Float32Array }).data], [2, 3, 5, 6]);
});

const four = { "0": floats(1, 2, 3, 4) };
const list = (items: readonly (number | string)[]): (number | string)[] => [...PROTO, LIST, ...items, STOP];
const refused: readonly (readonly [what: string, file: Uint8Array, error: string])[] = [
  ["holds a conjugate by a flag", recorded("conj"), "a tensor has flags, such as conj"],
  [
    "names a function",
    fileOf([...PROTO, ...global("os", "system"), ...word("true"), 0x85, REDUCE, STOP]),
    "it would call os.system: known are torch",
  ],
  [
    "names a class of PyTorch's that is not known",
    fileOf([...PROTO, ...global("torch", "load"), 0x29, REDUCE, STOP]),
    "it would call torch.load",
  ],
  ["builds an object", fileOf([...PROTO, ...global("builtins", "object"), 0x29, 0x81, STOP]), "0x81 (NEWOBJ)"],
  ["calls by INST", fileOf([...PROTO, MARK, "i", "os\nsystem\n", STOP]), "0x69 (INST)"],
  ["holds a set", fileOf([...PROTO, 0x8f, STOP]), "0x8f (EMPTY_SET)"],
  ["has an instruction that nobody knows", fileOf([...PROTO, 0xff, STOP]), "0xff at byte 2"],
  ["holds a name", fileOf([...PROTO, ...global("os", "system"), STOP]), "it holds os.system as a value"],
  ["sets attributes of a list", fileOf([...PROTO, LIST, DICT, 0x62, STOP]), "no dictionary"],
  ["ends early", fileOf([...PROTO, LIST]), "ends in the middle"],
  ["has a string longer than it", fileOf([...PROTO, 0x58, 0xff, 0xff, 0xff, 0x7f, "a", STOP]), "ends in the middle"],
  ["has a list within itself", fileOf([...PROTO, LIST, 0x71, 0, 0x68, 0, APPEND, STOP]), "within itself"],
  [
    "lies too deep",
    fileOf([...PROTO, ...Array(200).fill(LIST), ...Array(199).fill(APPEND), STOP, ..."x".repeat(2000)]),
    "more than 100 deep",
  ],
  ["has many empty lists", fileOf([...PROTO, ...Array(1000).fill(LIST), STOP]), "more lists and dictionaries"],
  ["remembers far off", fileOf([...PROTO, NONE, 0x72, 0, 0, 0, 0x40, STOP]), "it remembers something as"],
  ["recalls nothing", fileOf([...PROTO, 0x68, 3, STOP]), "it remembers nothing as 3"],
  ['has 0 and "0" as keys', fileOf([...PROTO, DICT, MARK, INT1, 0, NONE, ...word("0"), NONE, 0x75, STOP]), "integers and digits"],
  [
    "has a number as a key",
    fileOf([...PROTO, DICT, MARK, "G", 0, 0, 0, 0, 0, 0, 0, 1, NONE, 0x75, STOP]),
    "neither a string nor an integer",
  ],
  ["leaves something over", fileOf([...PROTO, NONE, NONE, STOP]), "left over"],
  ["appends to a tuple", fileOf([...PROTO, 0x29, NONE, APPEND, STOP]), "what is no list"],
  ["has a tensor beyond its storage", fileOf([...PROTO, ...tensor(4, 1, [2, 2], [2, 1]), STOP], four), "lies at 1 to 4 of a storage of 4"],
  ["expands a number", fileOf([...PROTO, ...tensor(4, 0, [200, 200], [0, 0]), STOP], four), "more elements than its storage"],
  ["has a storage of another length", fileOf([...PROTO, ...tensor(5, 0, [2], [1]), STOP], four), "has 16 bytes, not 20"],
  ["has no such storage", fileOf([...PROTO, ...tensor(4, 0, [2], [1]), STOP]), 'no record "data/0"'],
  ["has no pickle", writeZip([["a/version", text.encode("3")]]), "0 records data.pkl"],
  ["is a TorchScript program", writeZip([["a/data.pkl", new Uint8Array(1)], ["a/constants.pkl", new Uint8Array(1)]]), "TorchScript"],
  ["has the other byte order", writeZip([["a/data.pkl", new Uint8Array(1)], ["a/byteorder", text.encode("big")]]), '"big", and little'],
  ["is of PyTorch before 1.6", Uint8Array.of(0x80, 2, 0x8a, 10, 0x6c, 0xfc), "before PyTorch 1.6"],
  ["is no zip archive", text.encode("hello"), "no zip"],
  ["is empty", new Uint8Array(0), "no zip"],
];
for (const [what, file, error] of refused) {
  test(`a file that ${what} is refused`, () => {
    assertThrows(() => readTorch(file), RangeError, error);
  });
}

test("views that take more memory than the file, once they are copied, are refused", () => {
  // 1000 transposed views of a storage of 60 KiB by a memo: 14 bytes each ask for 60 KiB.
  const side = 120;
  const storage = { "0": new Uint8Array(4 * side * side) };
  const big = (n: number): number[] => [0x4d, n & 255, n >> 8];
  const one = [
    ...global("torch._utils", "_rebuild_tensor_v2"),
    ...[MARK, MARK, ...word("storage"), ...global("torch", "FloatStorage"), ...word("0"), ...word("cpu"), ...big(side * side), TUPLE, 0x51],
    ...[INT1, 0, INT1, side, INT1, side, 0x86, INT1, 1, INT1, side, 0x86, 0x89, NONE, TUPLE, REDUCE, APPEND],
  ];
  readTorch(fileOf(list(one), storage));
  assertThrows(() => readTorch(fileOf(list(Array(10).fill(one).flat()), storage)), RangeError, "more memory than the file");
});

const dataOf = (value: TorchValue): Float32Array => (value as unknown as { w: { data: Float32Array } }).w.data;

test("a damaged byte of a tensor is told by its checksum, unless that is not asked for", () => {
  const bytes = writeTorch({ w: { data: Float32Array.of(1, 2), shape: [2], dtype: "float32" } });
  const { byteOffset } = dataOf(readTorch(bytes));
  bytes[byteOffset] ^= 1;
  assertThrows(() => readTorch(bytes), RangeError, 'record "data/0" has another checksum');
  assertEquals(dataOf(readTorch(bytes, { checksums: false })).length, 2);
});

test("a pickle that is longer than what is read is refused before it is", () => {
  assertThrows(() => readTorch(recorded("adam"), { pickleBytes: 100 }), RangeError, "at most 100 are read");
});

const refuse = (why: string): never => {
  throw new RangeError(why);
};

/** The directory's entry of the first record, and the end. */
function places(file: Uint8Array): { readonly entry: number; readonly end: number } {
  const end = file.length - 22;
  return { entry: new DataView(file.buffer).getUint32(end + 16, true), end };
}

const changes: readonly (readonly [what: string, change: (view: DataView, at: ReturnType<typeof places>) => void, error: string])[] = [
  ["a compressed record", (view, { entry }) => view.setUint16(entry + 10, 8, true), "is compressed"],
  ["an encrypted record", (view, { entry }) => view.setUint16(entry + 8, 1, true), "is encrypted"],
  ["a record longer than the file", (view, { entry }) => {
    view.setUint32(entry + 20, 1e6, true);
    view.setUint32(entry + 24, 1e6, true);
  }, "more than there are"],
  ["a record that is stored in another size", (view, { entry }) => view.setUint32(entry + 20, 1, true), "stored as 1"],
  ["a record elsewhere", (view, { entry }) => view.setUint32(entry + 42, 3, true), "not where the directory says"],
  ["records over each other", (view, { entry }) => {
    const second = entry + 46 + 1;
    view.setUint32(second + 42, 0, true);
  }, "another name"],
  ["a directory beyond the end", (view, { end }) => view.setUint32(end + 16, 1e6, true), "beyond its end"],
  ["more records than its directory holds", (view, { end }) => view.setUint16(end + 10, 60000, true), "cannot hold 60000"],
  ["fewer disks than it says", (view, { end }) => view.setUint16(end + 4, 1, true), "one of several files"],
  ["a broken entry", (view, { entry }) => view.setUint32(entry, 0, true), "directory is broken"],
];
for (const [what, change, error] of changes) {
  test(`an archive with ${what} is refused`, () => {
    const file = writeZip([["x", text.encode("one")], ["y", text.encode("two")]]);
    change(new DataView(file.buffer), places(file));
    assertThrows(() => readZip(file, refuse), RangeError, error);
  });
}

test("an archive is read with a comment behind it, and twice the same name refused", () => {
  const file = writeZip([["x", text.encode("one")]]);
  const commented = new Uint8Array(file.length + 5);
  commented.set(file);
  commented.set(text.encode("hello"), file.length);
  commented[file.length - 2] = 5;
  assertEquals(new TextDecoder().decode(readZip(commented, refuse).get("x")!.bytes), "one");
  const signed = new Uint8Array(file.length + 30); // an end of an archive, within the comment
  signed.set(file);
  signed.set([0x50, 0x4b, 5, 6], file.length);
  signed[file.length - 2] = 30;
  assertEquals(readZip(signed, refuse).size, 1);
  assertThrows(() => readZip(writeZip([["x", text.encode("1")], ["x", text.encode("2")]]), refuse), RangeError, "twice");
  assertThrows(() => readZip(file.slice(0, -1), refuse), RangeError, "cut short");
});

test("an archive with 64-bit fields is read", () => {
  const content = text.encode("content");
  const name = text.encode("big");
  const local = new Uint8Array(30 + 3 + content.length);
  const l = new DataView(local.buffer);
  l.setUint32(0, 0x04034b50, true);
  l.setUint16(26, 3, true);
  local.set(name, 30);
  local.set(content, 33);
  const entry = new Uint8Array(46 + 3 + 28);
  const e = new DataView(entry.buffer);
  e.setUint32(0, 0x02014b50, true);
  e.setUint32(20, 0xffffffff, true);
  e.setUint32(24, 0xffffffff, true);
  e.setUint16(28, 3, true);
  e.setUint16(30, 28, true);
  e.setUint32(42, 0xffffffff, true);
  entry.set(name, 46);
  e.setUint16(49, 1, true);
  e.setUint16(51, 24, true);
  e.setBigUint64(53, 7n, true);
  e.setBigUint64(61, 7n, true);
  e.setBigUint64(69, 0n, true);
  const end = new Uint8Array(56 + 20 + 22);
  const d = new DataView(end.buffer);
  d.setUint32(0, 0x06064b50, true);
  d.setBigUint64(24, 1n, true);
  d.setBigUint64(32, 1n, true);
  d.setBigUint64(40, BigInt(entry.length), true);
  d.setBigUint64(48, BigInt(local.length), true);
  d.setUint32(56, 0x07064b50, true);
  d.setBigUint64(64, BigInt(local.length + entry.length), true);
  d.setUint32(76, 0x06054b50, true);
  d.setUint16(84, 0xffff, true);
  d.setUint16(86, 0xffff, true);
  d.setUint32(88, 0xffffffff, true);
  d.setUint32(92, 0xffffffff, true);
  const file = new Uint8Array([...local, ...entry, ...end]);
  assertEquals(new TextDecoder().decode(readZip(file, refuse).get("big")!.bytes), "content");
  const broken = file.slice();
  new DataView(broken.buffer).setUint16(local.length + 51, 200, true);
  assertThrows(() => readZip(broken, refuse), RangeError, "broken 64-bit fields");
});

test("what cannot be written is refused", () => {
  const deep = Array.from({ length: 200 }).reduce<TorchValue>((inside) => [inside], null);
  assertThrows(() => writeTorch(deep), RangeError, "more than 100 deep");
  assertThrows(() => writeTorch(new Date() as never), TypeError, "[object Date]");
  assertThrows(() => writeTorch("\ud800"), TypeError, "surrogate");
  const tensor = { data: new Float32Array(2), shape: [3], dtype: "float32" as const };
  assertThrows(() => writeTorch(tensor), TypeError, "does not hold that");
  assertThrows(() => writeTorch({ data: new Uint8Array(1), shape: [1], dtype: "float8_e5m2" }), TypeError, "no storage does");
});

const python = pythonWith("zipfile", "pickletools");
test("what is written is a zip archive and a pickle for Python, too", { skip: python === undefined && "no Python" }, () => {
  const folder = mkdtempSync(join(tmpdir(), "glissade-torch-"));
  try {
    const path = join(folder, "x.pt");
    writeFileSync(path, writeTorch({ lr: 0.1, betas: [0.9, 0.999], w: { data: Float32Array.of(1), shape: [1], dtype: "float32" } }));
    const code = `
import sys, zipfile, pickletools
z = zipfile.ZipFile(sys.argv[1])
assert z.testzip() is None
pickletools.dis(z.read("archive/data.pkl"), out=open("/dev/null", "w"))
print(sorted(z.namelist()))`;
    const names = execFileSync(python!, ["-c", code, path], { encoding: "utf8" });
    assertEquals(names.trim(), "['archive/byteorder', 'archive/data.pkl', 'archive/data/0', 'archive/version']");
  } finally {
    rmSync(folder, { recursive: true });
  }
});
