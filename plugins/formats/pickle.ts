/**
 * Python's pickles, as far as they say data: read as a list of instructions for a small machine that builds lists, dictionaries and tensors, and calls nothing.
 *
 * The instructions: CPython's `Lib/pickletools.py`. Those are known that PyTorch's own reader of untrusted files knows (`torch.load(weights_only=True)`), but for
 * sets and bytes; others, and names that are not in the table, are refused by name. A pickle names what it would call (`os system`): here names are looked
 * up in a table of five.
 *
 * @module
 */
import type { FileDType, FileTensor } from "./file_tensors.ts";
import { utf8Text } from "./utf8_text.ts";
import type { Refuse } from "./zip_records.ts";

/** What a file of PyTorch's holds: numbers, strings, tensors, lists (tuples, too), and dictionaries, whose integer keys are their digits here. */
export type TorchValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | FileTensor
  | readonly TorchValue[]
  | { readonly [key: string]: TorchValue };

/** A storage that a pickle names: bytes that tensors are views of. */
export interface Storage {
  readonly bytes: Uint8Array;
  /** Null where each tensor says its own. */
  readonly dtype: FileDType | null;
}

/** What makes what the pickle names of PyTorch's. */
export interface TensorMakers {
  /** The storage of this type, key and length. */
  storage(type: string, key: string, length: number): Storage;
  /** A tensor within a storage. */
  tensor(storage: Storage, offset: number, shape: readonly number[], strides: readonly number[], dtype: FileDType | null): FileTensor;
}

/** Bytes of a pickle at least, for each list, dictionary and tensor in it: PyTorch's take 25. Many that are empty would take much more memory than the file. */
const bytesEach = 6;
/** As deep as values may lie in one another. */
const mostDepth = 100;

/** Something that a pickle names and that is not called. */
interface Named {
  readonly module: string;
  readonly name: string;
}

/** What stands on the machine's stack. */
type Item = TorchValue | Named | Storage;

/** What may be called, by name. */
const callable = [
  "torch._utils._rebuild_tensor_v2",
  "torch._utils._rebuild_tensor_v3",
  "torch._utils._rebuild_parameter",
  "collections.OrderedDict",
  "collections.Counter",
  "torch.Size",
];

/** Builds what a pickle says. RangeError, by `refuse`, for all that it does not know. */
export function readPickle(bytes: Uint8Array, makers: TensorMakers, refuse: Refuse): TorchValue {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  let stack: Item[] = [];
  const marks: Item[][] = [];
  const memo: Item[] = [];
  const lists = new WeakSet<object>();
  /** Dictionaries, and whether their keys that look like integers are such. */
  const dicts = new WeakMap<object, { integers: boolean | null }>();
  const globals = new Map<string, Named>();
  const named = new WeakSet<object>();
  const storages = new WeakSet<object>();
  let left = 64 + bytes.length / bytesEach;

  const place = (): string => `at byte ${at} of its pickle`;
  const take = (count: number): number => {
    if (at + count > bytes.length) return refuse(`its pickle ends in the middle, ${place()}`);
    at += count;
    return at - count;
  };
  const made = <T extends object>(value: T): T => {
    if (--left < 0) return refuse("it has more lists and dictionaries than a file of its length has");
    return value;
  };
  const pop = (): Item => stack.length === 0 ? refuse(`nothing is there to take, ${place()}`) : stack.pop()!;
  const top = (): Item => stack.length === 0 ? refuse(`nothing is there to take, ${place()}`) : stack[stack.length - 1];
  const popMark = (): Item[] => {
    const items = stack;
    stack = marks.pop() ?? refuse(`nothing was marked, ${place()}`);
    return items;
  };
  const text = (length: number): string => {
    const from = take(length);
    return utf8Text(bytes, from, at) ?? refuse(`a string is not UTF-8, ${place()}`);
  };
  const line = (): string => {
    const from = at;
    while (at < bytes.length && bytes[at] !== 10 && at - from < 300) at++;
    const length = at - from;
    at = from;
    const found = text(length);
    if (bytes[take(1)] !== 10) refuse(`a name does not end, ${place()}`);
    return found;
  };
  const tuple = (items: readonly Item[]): Item => items.length === 0 ? empty : made(items as readonly TorchValue[] as TorchValue[]);
  const empty: readonly TorchValue[] = [];
  const dict = (): Record<string, TorchValue> => {
    const one = made<Record<string, TorchValue>>({});
    dicts.set(one, { integers: null });
    return one;
  };
  const global = (module: string, name: string): Named => {
    const path = `${module}\n${name}`;
    let one = globals.get(path);
    if (one === undefined) {
      one = made({ module, name });
      named.add(one);
      globals.set(path, one);
    }
    return one;
  };
  const isNamed = (item: Item): item is Named => typeof item === "object" && item !== null && named.has(item);
  const isList = (item: Item): item is readonly TorchValue[] => Array.isArray(item);
  const append = (items: readonly Item[]): void => {
    const list = top();
    if (!isList(list) || !lists.has(list)) return refuse(`something is appended to what is no list, ${place()}`);
    for (const item of items) (list as Item[]).push(item);
  };
  const setItems = (items: readonly Item[]): void => {
    const one = top();
    const how = typeof one === "object" && one !== null ? dicts.get(one) : undefined;
    if (how === undefined || items.length % 2 !== 0) return refuse(`a key is set in what is no dictionary, ${place()}`);
    for (let i = 0; i < items.length; i += 2) {
      const key = items[i];
      const isInteger = typeof key === "number" && Number.isSafeInteger(key) || typeof key === "bigint";
      if (!isInteger && typeof key !== "string") return refuse(`a dictionary's key is neither a string nor an integer, ${place()}`);
      const word = String(key);
      if (isInteger || /^-?\d+$/.test(word)) {
        // 0 and "0" are two keys there and would be one here.
        if (how.integers !== null && how.integers !== isInteger) return refuse(`a dictionary has integers and digits as keys, ${place()}`);
        how.integers = isInteger;
      }
      Object.defineProperty(one, word, { value: items[i + 1], enumerable: true, configurable: true, writable: true });
    }
  };
  const integers = (item: Item, what: string): number[] => {
    if (isList(item) && item.every((n) => typeof n === "number" && Number.isSafeInteger(n) && n >= 0)) return item as number[];
    return refuse(`${what} are no list of integers from 0, ${place()}`);
  };
  const integer = (item: Item, what: string): number => integers([item as TorchValue], what)[0];
  const storageIn = (item: Item): Storage =>
    typeof item === "object" && item !== null && storages.has(item)
      ? item as Storage
      : refuse(`a tensor is made of no storage, ${place()}`);
  const rebuild = (args: readonly Item[], dtype: Item | null, metadata: Item | undefined): FileTensor => {
    // A tensor that is conjugated or negated by a flag has other values than its storage.
    if (
      metadata !== undefined && metadata !== null &&
      (typeof metadata !== "object" || Object.values(metadata).some((flag) => flag !== false))
    ) {
      refuse(`a tensor has flags, such as conj, that are not known here: save it as tensor.resolve_conj().resolve_neg(), ${place()}`);
    }
    const [storage, offset, shape, strides] = args;
    const type = dtype === null
      ? null
      : isNamed(dtype) && dtype.module === "torch"
      ? dtype.name
      : refuse(`a tensor has no dtype, ${place()}`);
    const lengths = integers(shape, "a tensor's lengths");
    return made(
      makers.tensor(
        storageIn(storage),
        integer(offset, "a tensor's offset"),
        lengths,
        integers(strides, "a tensor's strides"),
        type as FileDType | null,
      ),
    );
  };
  const call = (item: Item, args: Item): Item => {
    const path = isNamed(item) ? `${item.module}.${item.name}` : "what has no name";
    if (!callable.includes(path)) return refuse(`it would call ${path}: known are ${callable.join(", ")}`);
    if (!isList(args)) return refuse(`${path} is called without a tuple, ${place()}`);
    const [, name] = /([^.]+)$/.exec(path)!;
    if (name === "_rebuild_tensor_v2" && args.length >= 6) return rebuild(args, null, args[6]);
    if (name === "_rebuild_tensor_v3" && args.length >= 7) return rebuild(args, args[6], args[7]);
    if (name === "_rebuild_parameter" && args.length >= 1) return args[0];
    if (name === "OrderedDict" && args.length === 0) return dict();
    if (name === "Counter" && args.length === 1 && dicts.has(args[0] as object)) return args[0];
    if (name === "Size" && args.length === 1) return integers(args[0], "a size's lengths");
    return refuse(`${path} is called with ${args.length} arguments, ${place()}`);
  };
  const persistent = (id: Item): Storage => {
    const [word, type, key, , length] = isList(id) ? id as readonly Item[] : [];
    if (word !== "storage" || !isNamed(type) || typeof key !== "string") return refuse(`a persistent id is no storage, ${place()}`);
    const module = type.module === "torch" || type.module === "torch.storage";
    const storage = makers.storage(module ? type.name : `${type.module}.${type.name}`, key, integer(length, "a storage's length"));
    storages.add(storage);
    return made(storage);
  };
  const remember = (index: number): void => {
    // Python counts from 0 on; another index would make room for those before it.
    if (index > memo.length) refuse(`it remembers something as ${index}, and only ${memo.length} before, ${place()}`);
    memo[index] = top();
  };
  const recall = (index: number): void => {
    stack.push(index < memo.length ? memo[index] : refuse(`it remembers nothing as ${index}, ${place()}`));
  };

  for (;;) {
    const op = bytes[take(1)];
    switch (op) {
      case 0x80: { // PROTO
        const version = bytes[take(1)];
        if (version > 5) refuse(`its pickle has protocol ${version}, and 2 to 5 are known`);
        break;
      }
      case 0x95: // FRAME
        take(8);
        break;
      case 0x28: // MARK
        if (marks.length > 4 * mostDepth) refuse(`its values lie more than ${mostDepth} deep`);
        marks.push(stack);
        stack = [];
        break;
      case 0x4e: // NONE
        stack.push(null);
        break;
      case 0x88: // NEWTRUE
        stack.push(true);
        break;
      case 0x89: // NEWFALSE
        stack.push(false);
        break;
      case 0x4a: // BININT
        stack.push(view.getInt32(take(4), true));
        break;
      case 0x4b: // BININT1
        stack.push(bytes[take(1)]);
        break;
      case 0x4d: // BININT2
        stack.push(view.getUint16(take(2), true));
        break;
      case 0x8a: { // LONG1
        const length = bytes[take(1)];
        const from = take(length);
        let value = 0n;
        for (let i = length - 1; i >= 0; i--) value = value << 8n | BigInt(bytes[from + i]);
        value = BigInt.asIntN(8 * length, value);
        stack.push(Number.isSafeInteger(Number(value)) ? Number(value) : value);
        break;
      }
      case 0x47: // BINFLOAT
        stack.push(view.getFloat64(take(8), false));
        break;
      case 0x58: // BINUNICODE
        stack.push(text(view.getUint32(take(4), true)));
        break;
      case 0x8c: // SHORT_BINUNICODE
        stack.push(text(bytes[take(1)]));
        break;
      case 0x5d: { // EMPTY_LIST
        const list: TorchValue[] = made([]);
        lists.add(list);
        stack.push(list);
        break;
      }
      case 0x29: // EMPTY_TUPLE
        stack.push(empty);
        break;
      case 0x7d: // EMPTY_DICT
        stack.push(dict());
        break;
      case 0x74: { // TUPLE
        const items = popMark();
        stack.push(tuple(items));
        break;
      }
      case 0x85: // TUPLE1
      case 0x86: // TUPLE2
      case 0x87: { // TUPLE3
        const count = op - 0x84;
        if (stack.length < count) refuse(`nothing is there to take, ${place()}`);
        stack.push(tuple(stack.splice(-count)));
        break;
      }
      case 0x61: // APPEND
        append([pop()]);
        break;
      case 0x65: { // APPENDS
        const items = popMark();
        append(items);
        break;
      }
      case 0x73: { // SETITEM
        const value = pop();
        const key = pop();
        setItems([key, value]);
        break;
      }
      case 0x75: { // SETITEMS
        const items = popMark();
        setItems(items);
        break;
      }
      case 0x71: // BINPUT
        remember(bytes[take(1)]);
        break;
      case 0x72: // LONG_BINPUT
        remember(view.getUint32(take(4), true));
        break;
      case 0x94: // MEMOIZE
        remember(memo.length);
        break;
      case 0x68: // BINGET
        recall(bytes[take(1)]);
        break;
      case 0x6a: // LONG_BINGET
        recall(view.getUint32(take(4), true));
        break;
      case 0x63: { // GLOBAL
        const module = line();
        stack.push(global(module, line()));
        break;
      }
      case 0x93: { // STACK_GLOBAL
        const name = pop();
        const module = pop();
        if (typeof module !== "string" || typeof name !== "string") return refuse(`a name is no string, ${place()}`);
        stack.push(global(module, name));
        break;
      }
      case 0x51: // BINPERSID
        stack.push(persistent(pop()));
        break;
      case 0x52: { // REDUCE
        const args = pop();
        stack.push(call(pop(), args));
        break;
      }
      case 0x62: { // BUILD: an ordered dictionary's own attributes, which say nothing of its content
        pop();
        const one = top();
        if (typeof one !== "object" || one === null || !dicts.has(one)) refuse(`something is built that is no dictionary, ${place()}`);
        break;
      }
      case 0x2e: { // STOP
        const value = pop();
        if (stack.length > 0 || marks.length > 0) refuse(`something is left over, ${place()}`);
        return checked(value, named, storages, refuse);
      }
      default:
        return refuse(
          `its pickle has the instruction 0x${op.toString(16).padStart(2, "0")}${nameOf(op)} at byte ${at - 1}, which is not known here`,
        );
    }
  }
}

/** The pickle as a value: nothing in it is a name or a storage, is within itself, or lies too deep. Without recursion, and each part once. */
function checked(value: Item, named: WeakSet<object>, storages: WeakSet<object>, refuse: Refuse): TorchValue {
  const depths = new Map<object, number>(); // 0 while its parts are looked at
  const partsOf = (one: Item): readonly Item[] | null => {
    if (typeof one !== "object" || one === null) return null;
    if (named.has(one)) return refuse(`it holds ${(one as Named).module}.${(one as Named).name} as a value`);
    if (storages.has(one)) return refuse("it holds a storage as a value");
    return Array.isArray(one) ? one : isTensor(one as TorchValue) ? null : Object.values(one as object);
  };
  const path: { readonly one: object; readonly parts: readonly Item[]; next: number; deepest: number }[] = [];
  const enter = (one: Item): number => {
    const parts = partsOf(one);
    if (parts === null) return 0;
    const known = depths.get(one as object);
    if (known === 0) return refuse("a list or a dictionary in it is within itself");
    if (known !== undefined) return known;
    if (path.length >= mostDepth) return refuse(`its values lie more than ${mostDepth} deep`);
    depths.set(one as object, 0);
    path.push({ one: one as object, parts, next: 0, deepest: 0 });
    return -1;
  };
  enter(value);
  while (path.length > 0) {
    const here = path[path.length - 1];
    if (here.next < here.parts.length) {
      const depth = enter(here.parts[here.next]);
      if (depth < 0) continue; // its parts first; then it is known
      here.next++;
      here.deepest = Math.max(here.deepest, depth);
      continue;
    }
    path.pop();
    if (path.length + here.deepest + 1 > mostDepth) refuse(`its values lie more than ${mostDepth} deep`);
    depths.set(here.one, here.deepest + 1);
  }
  return value as TorchValue;
}

/** True for a tensor among the values of a file. */
export function isTensor(value: unknown): value is FileTensor {
  return typeof value === "object" && value !== null && ArrayBuffer.isView((value as Partial<FileTensor>).data);
}

/** Names of instructions that pickles of others have. */
const opNames: Readonly<Record<number, string>> = {
  0x28: "MARK",
  0x30: "POP",
  0x31: "POP_MARK",
  0x32: "DUP",
  0x42: "BINBYTES",
  0x43: "SHORT_BINBYTES",
  0x46: "FLOAT",
  0x49: "INT",
  0x4c: "LONG",
  0x50: "PERSID",
  0x53: "STRING",
  0x54: "BINSTRING",
  0x55: "SHORT_BINSTRING",
  0x56: "UNICODE",
  0x64: "DICT",
  0x67: "GET",
  0x69: "INST",
  0x6c: "LIST",
  0x6f: "OBJ",
  0x70: "PUT",
  0x81: "NEWOBJ",
  0x82: "EXT1",
  0x83: "EXT2",
  0x84: "EXT4",
  0x8b: "LONG4",
  0x8d: "BINUNICODE8",
  0x8e: "BINBYTES8",
  0x8f: "EMPTY_SET",
  0x90: "ADDITEMS",
  0x91: "FROZENSET",
  0x92: "NEWOBJ_EX",
  0x96: "BYTEARRAY8",
  0x97: "NEXT_BUFFER",
  0x98: "READONLY_BUFFER",
};

const nameOf = (op: number): string => opNames[op] === undefined ? "" : ` (${opNames[op]})`;

/** Keys whose lists are tuples in PyTorch's dictionaries; and one whose dictionary is a `Counter`. */
const tupleKeys = ["betas", "eps", "etas", "step_sizes", "ns_coefficients"];
const counterKey = "milestones";

/** Writes a value as a pickle of protocol 2. A tensor's storage gets a key from `storageOf`; keys that are digits become integers. TypeError for what is none. */
export function writePickle(
  value: TorchValue,
  storageOf: (tensor: FileTensor) => { readonly type: string; readonly key: string; readonly length: number },
): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder();
  let bytes = new Uint8Array(1024);
  let at = 0;
  const room = (count: number): void => {
    if (at + count <= bytes.length) return;
    const more = new Uint8Array(Math.max(2 * bytes.length, at + count));
    more.set(bytes);
    bytes = more;
  };
  const put = (...some: readonly number[]): void => {
    room(some.length);
    for (const one of some) bytes[at++] = one;
  };
  const little = (n: number): void => put(n & 0xff, (n >>> 8) & 0xff, (n >>> 16) & 0xff, n >>> 24);
  const string = (of: string): void => {
    if (!of.isWellFormed()) throw new TypeError(`Cannot write ${JSON.stringify(of)} into a PyTorch file: it has half a surrogate pair`);
    const written = encoded(of);
    put(0x58);
    little(written.length);
    putAll(written);
  };
  const number = (n: number): void => {
    if (Number.isInteger(n) && !Object.is(n, -0) && Math.abs(n) < 2 ** 31) {
      if (n >= 0 && n < 256) put(0x4b, n);
      else {
        put(0x4a);
        little(n);
      }
      return;
    }
    if (Number.isSafeInteger(n) && !Object.is(n, -0)) return integer(BigInt(n));
    put(0x47);
    room(8);
    new DataView(bytes.buffer).setFloat64(at, n, false);
    at += 8;
  };
  const integer = (n: bigint): void => {
    let length = 1;
    while (BigInt.asIntN(8 * length, n) !== n) length++;
    if (length > 255) throw new RangeError(`Cannot write ${n} into a PyTorch file: it is too large`);
    put(0x8a, length);
    for (let i = 0; i < length; i++) put(Number(n >> BigInt(8 * i) & 0xffn));
  };
  const encodings = new Map<string, Uint8Array>();
  /** Names and keys come again and again. */
  const encoded = (of: string): Uint8Array => {
    let bytes = encodings.get(of);
    if (bytes === undefined) encodings.set(of, bytes = text.encode(of));
    return bytes;
  };
  const putAll = (some: Uint8Array): void => {
    room(some.length);
    bytes.set(some, at);
    at += some.length;
  };
  const global = (module: string, name: string): void => {
    put(0x63);
    putAll(encoded(`${module}\n${name}\n`));
  };
  const tuple = (parts: readonly (() => void)[]): void => {
    if (parts.length === 0) return put(0x29);
    put(0x28);
    parts.forEach((part) => part());
    put(0x74);
  };
  const tensor = (one: FileTensor): void => {
    const { type, key, length } = storageOf(one);
    let size = 1;
    const strides = one.shape.map(() => 0);
    for (let i = one.shape.length - 1; i >= 0; i--) {
      strides[i] = size;
      size *= Math.max(1, one.shape[i]);
    }
    global("torch._utils", "_rebuild_tensor_v2");
    tuple([
      () => {
        tuple([() => string("storage"), () => global("torch", type), () => string(key), () => string("cpu"), () => number(length)]);
        put(0x51);
      },
      () => number(0),
      () => tuple(one.shape.map((n) => () => number(n))),
      () => tuple(strides.map((n) => () => number(n))),
      () => put(0x89),
      () => {
        global("collections", "OrderedDict");
        put(0x29, 0x52);
      },
    ]);
    put(0x52);
  };
  const write = (one: TorchValue, depth: number, under: string): void => {
    if (depth > mostDepth) throw new RangeError(`Cannot write a PyTorch file whose values lie more than ${mostDepth} deep`);
    if (one === null) return put(0x4e);
    if (typeof one === "boolean") return put(one ? 0x88 : 0x89);
    if (typeof one === "number") return number(one);
    if (typeof one === "bigint") return integer(one);
    if (typeof one === "string") return string(one);
    if (isTensor(one)) return tensor(one);
    if (Array.isArray(one) && tupleKeys.includes(under)) return tuple(one.map((item: TorchValue) => () => write(item, depth + 1, "")));
    if (Array.isArray(one)) {
      put(0x5d, 0x28);
      for (const item of one) write(item, depth + 1, "");
      return put(0x65);
    }
    if (Object.prototype.toString.call(one) !== "[object Object]") {
      throw new TypeError(
        `Cannot write ${Object.prototype.toString.call(one)} into a PyTorch file: known are numbers, strings, lists, objects and tensors`,
      );
    }
    if (under === counterKey) global("collections", "Counter");
    put(0x7d, 0x28);
    for (const [key, item] of Object.entries(one)) {
      if (/^(0|-?[1-9]\d{0,14})$/.test(key)) number(Number(key));
      else string(key);
      write(item, depth + 1, key);
    }
    put(0x75);
    if (under === counterKey) put(0x85, 0x52);
  };
  put(0x80, 2);
  write(value, 1, "");
  put(0x2e);
  return bytes.slice(0, at);
}
