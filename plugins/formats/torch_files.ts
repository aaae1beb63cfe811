/**
 * Files of `torch.save`, such as `optimizer.pt` and `scheduler.pt`: a zip archive with a pickle, which says what there is, and the storages of its tensors.
 *
 * No code of the file's is run: pickle.ts builds data and calls nothing. The form is that of PyTorch 1.6 to 2.15.
 *
 * @module
 */
import { elementsOf, type FileArray, type FileDType, fileDTypes, type FileTensor, isWhole } from "./file_tensors.ts";
import { crc32 } from "./crc32.ts";
import { readPickle, type Storage, type TorchValue, writePickle } from "./pickle.ts";
import { readZip, writeZip, type ZipRecord } from "./zip_records.ts";

/** How {@linkcode readTorch} reads. */
export interface TorchLimits {
  /** Bytes of the pickle; default 64 MiB, which is enough for half a million tensors. */
  readonly pickleBytes?: number;
  /** Compare the archive's checksums: default true. False for files written with `torch.serialization.set_crc32_options(False)`. */
  readonly checksums?: boolean;
}

/** Element types by the classes of PyTorch's storages. */
const storageTypes: Readonly<Record<string, FileDType>> = {
  FloatStorage: "float32",
  DoubleStorage: "float64",
  HalfStorage: "float16",
  BFloat16Storage: "bfloat16",
  LongStorage: "int64",
  IntStorage: "int32",
  ShortStorage: "int16",
  CharStorage: "int8",
  ByteStorage: "uint8",
  BoolStorage: "bool",
  ComplexFloatStorage: "complex64",
};

function refuse(why: string): never {
  throw new RangeError(`Cannot read a PyTorch file: ${why}`);
}

/**
 * Reads a file of `torch.save`: dictionaries, lists, numbers, strings, and tensors, which are views of `file` where they are aligned. Integer keys of dictionaries
 * are their digits.
 *
 * RangeError for all else: a name or an instruction that is not known, by its name; a file that is broken, cut short, or whose checksums do not fit; a file of
 * PyTorch before 1.6, which is no zip archive.
 *
 * @example What a file holds
 * ```ts
 * import { readTorch, writeTorch } from "@glissade/optim/pytorch";
 *
 * const bytes = writeTorch({ lr: 0.1, betas: [0.9, 0.999], step: { data: Float32Array.of(4), shape: [], dtype: "float32" } });
 * console.log(readTorch(bytes)); // Deno.readFileSync("optimizer.pt"), in a program
 * ```
 */
export function readTorch(file: Uint8Array, { pickleBytes = 2 ** 26, checksums = true }: TorchLimits = {}): TorchValue {
  if (!(file instanceof Uint8Array)) throw new TypeError("Cannot read a PyTorch file from what is no Uint8Array");
  if (file[0] === 0x80 && file[1] >= 1 && file[1] <= 5) {
    refuse("it is a bare pickle, the form before PyTorch 1.6: load it there and save it anew, torch.save(torch.load(path), path)");
  }
  const records = readZip(file, refuse);
  const pickles = [...records.keys()].filter((name) => /^[^/]+\/data\.pkl$/.test(name));
  if (pickles.length !== 1) refuse(`it has ${pickles.length} records data.pkl, and one is needed`);
  const [folder] = pickles[0].split("/", 1);
  const sound = new Set<ZipRecord>();
  const record = (name: string): Uint8Array => {
    const found = records.get(`${folder}/${name}`) ?? refuse(`it has no record ${JSON.stringify(name.slice(0, 100))}`);
    if (checksums && !sound.has(found) && crc32(found.bytes) !== found.crc) {
      refuse(`record ${JSON.stringify(name)} has another checksum than the file says: it has been damaged`);
    }
    sound.add(found);
    return found.bytes;
  };
  if (records.has(`${folder}/constants.pkl`)) refuse("it is a TorchScript program, not a file of torch.save");
  if (records.has(`${folder}/byteorder`)) {
    const order = String.fromCharCode(...record("byteorder").subarray(0, 16));
    if (order !== "little") refuse(`its byte order is ${JSON.stringify(order)}, and little is read`);
  }
  const { length } = records.get(pickles[0])!.bytes;
  if (length > pickleBytes) refuse(`its pickle has ${length} bytes, and at most ${pickleBytes} are read`);
  // Tensors that are not views would let a small file ask for much memory: in all they may take what the file does, twice.
  let mayCopy = 2 * file.length;
  const copying = (count: number): void => {
    mayCopy -= count;
    if (mayCopy < 0) refuse("its tensors are views that take more memory than the file, once they are copied");
  };
  return readPickle(record("data.pkl"), {
    storage(type, key, length) {
      const dtype = Object.hasOwn(storageTypes, type)
        ? storageTypes[type]
        : type === "UntypedStorage"
        ? null
        : refuse(`it has a storage of type ${type}: known are ${Object.keys(storageTypes).join(", ")}, UntypedStorage`);
      const bytes = record(`data/${key}`);
      const size = length * (dtype === null ? 1 : fileDTypes[dtype].bits / 8);
      if (bytes.length !== size) refuse(`storage ${JSON.stringify(key)} has ${bytes.length} bytes, not ${size}`);
      return { bytes, dtype };
    },
    tensor: (storage, offset, shape, strides, dtype) => tensorIn(storage, offset, shape, strides, dtype, copying),
  }, refuse);
}

function tensorIn(
  { bytes, dtype: own }: Storage,
  offset: number,
  shape: readonly number[],
  strides: readonly number[],
  given: FileDType | null,
  copying: (bytes: number) => void,
): FileTensor {
  const dtype = given ?? own ?? refuse("a tensor has no dtype");
  if (!Object.hasOwn(fileDTypes, dtype) || fileDTypes[dtype].bits < 8) refuse(`a tensor has dtype ${dtype}: it is not known here`);
  if (shape.length !== strides.length) refuse(`a tensor has ${shape.length} lengths and ${strides.length} strides`);
  const each = fileDTypes[dtype].bits / 8;
  const there = Math.floor(bytes.length / each);
  const size = shape.reduce((n, length) => n * length, 1);
  const last = shape.reduce((at, length, i) => at + (length - 1) * strides[i], offset);
  if (size > 0 && !(last < there)) refuse(`a tensor of shape [${shape}] lies at ${offset} to ${last} of a storage of ${there}`);
  // Each element once: one number that is expanded to many would let a few bytes ask for any memory.
  if (size > there) refuse(`a tensor of shape [${shape}] has more elements than its storage, which has ${there}`);
  const length = size * each;
  if (size === 0 || isContiguous(shape, strides)) {
    const from = size === 0 ? 0 : offset * each;
    const part = bytes.subarray(from, from + length);
    if (part.byteOffset % fileDTypes[dtype].array.BYTES_PER_ELEMENT !== 0 || !(part.buffer instanceof ArrayBuffer)) copying(length);
    return { data: elementsOf(dtype, part), shape: [...shape], dtype };
  }
  copying(length);
  const gathered = new Uint8Array(length);
  const index = shape.map(() => 0);
  let from = offset * each;
  for (let to = 0; to < length; to += each) {
    for (let i = 0; i < each; i++) gathered[to + i] = bytes[from + i];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis] * each;
      if (++index[axis] < shape[axis]) break;
      from -= index[axis] * strides[axis] * each;
      index[axis] = 0;
    }
  }
  return { data: elementsOf(dtype, gathered), shape: [...shape], dtype };
}

function isContiguous(shape: readonly number[], strides: readonly number[]): boolean {
  let size = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    if (shape[i] !== 1 && strides[i] !== size) return false;
    size *= shape[i];
  }
  return true;
}

/**
 * Writes a file that `torch.load` reads, with `weights_only=True` as with False: an `optimizer.pt` from {@linkcode optimizerStateDict}. Equal values give equal bytes. Keys that are
 * digits become integers, whole numbers `int`, and lists under PyTorch's names for pairs (`betas`, `eps`, …) tuples. TypeError for a value or an element type that such files do
 * not hold, RangeError for more than 4 GiB.
 */
export function writeTorch(value: TorchValue): Uint8Array<ArrayBuffer> {
  const storages = new Map<
    FileArray,
    { readonly type: string; readonly key: string; readonly length: number; readonly bytes: Uint8Array }
  >();
  const pickle = writePickle(value, ({ data, shape, dtype }) => {
    const [type] = Object.entries(storageTypes).find(([, one]) => one === dtype) ?? [];
    if (type === undefined || !isWhole({ data, shape, dtype })) {
      throw new TypeError(
        `Cannot write a tensor of ${dtype} and shape [${shape}] into a PyTorch file: its array does not hold that, or no storage does`,
      );
    }
    let storage = storages.get(data);
    if (storage === undefined) {
      const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
      storage = { type, key: String(storages.size), length: bytes.length * 8 / fileDTypes[dtype].bits, bytes };
      storages.set(data, storage);
    }
    return storage;
  });
  const text = new TextEncoder();
  return writeZip([
    ["archive/data.pkl", pickle],
    ["archive/byteorder", text.encode("little")],
    ...[...storages.values()].map(({ key, bytes }) => [`archive/data/${key}`, bytes] as const),
    ["archive/version", text.encode("3\n")],
  ]);
}
