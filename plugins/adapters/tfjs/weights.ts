/**
 * An optimizer's state as the named tensors that tfjs saves beside a model's weights, and back.
 *
 * tfjs keeps float32 and int32 in its files, and no float64: a number in float64, as step counts are, is kept as two int32 of the same bits, and 16
 * bits as one int32. What each tensor was, and in which order the variables came, stands in a tensor of one text.
 *
 * @module
 */
import { about } from "../../../core/errors.ts";
import { isRecord, show } from "../../../core/names.ts";
import { put } from "../../../core/tensors.ts";
import type { StateDict } from "../../../core/types.ts";
import type { TfCore, TfTensor } from "./types.ts";

/** A `tf.NamedTensor`. */
export interface TfNamedTensor {
  /** Its name. */
  readonly name: string;
  /** The tensor. */
  readonly tensor: TfTensor;
}

/** A state without the variables themselves, and their names in order. */
export interface KeptState {
  readonly names: readonly string[];
  readonly state: StateDict;
}

/** The name of the text. */
const textName = "glissade";

type Saved = StateDict["tensors"][string];

/** What the text says. */
interface Text {
  readonly names: readonly string[];
  readonly metadata: StateDict["metadata"];
  readonly tensors: Readonly<Record<string, Pick<Saved, "shape" | "dtype">>>;
}

/** The state as tensors, which are the caller's to dispose. */
export function weightsOf(tf: TfCore, { names, state: { tensors, metadata } }: KeptState): TfNamedTensor[] {
  const tensor = tf.tensor as unknown as (values: unknown, shape: readonly number[], dtype: string) => TfTensor;
  const of: Record<string, Pick<Saved, "shape" | "dtype">> = {};
  for (const [key, { shape, dtype }] of Object.entries(tensors)) put(of, key, { shape, dtype });
  const text: Text = { names, metadata, tensors: of };
  return [
    { name: textName, tensor: tensor([JSON.stringify(text)], [1], "string") },
    ...Object.entries(tensors).map(([name, { data, shape }]) => {
      if (data instanceof Float32Array) return { name, tensor: tensor(data, shape, "float32") };
      const numbers = data instanceof Float64Array ? new Int32Array(data.slice().buffer) : Int32Array.from(data);
      return { name, tensor: tensor(numbers, [numbers.length], "int32") };
    }),
  ];
}

/** The state that tensors were made of. TypeError for those of another optimizer. */
export async function stateOfWeights(weights: readonly TfNamedTensor[]): Promise<KeptState> {
  const by = new Map(weights.map(({ name, tensor }) => [name, tensor]));
  const { names, metadata, tensors: of } = await readText(by.get(textName));
  const tensors: Record<string, Saved> = {};
  for (const [key, { shape, dtype }] of Object.entries(of)) {
    const kept = by.get(key);
    if (kept === undefined) throw about(new TypeError(`${refuse}: "${key}" is missing`), { tensor: key });
    put(tensors, key, { data: elementsIn(key, await kept.data(), dtype), shape, dtype });
  }
  return { names, state: { tensors, metadata } };
}

const refuse = "Cannot set an optimizer's weights";

async function readText(tensor: TfTensor | undefined): Promise<Text> {
  if (tensor?.dtype !== "string") {
    throw new TypeError(`${refuse}: these are no weights of an optimizer of this library, which has a text "${textName}"`);
  }
  const [json] = await tensor.data() as readonly string[];
  const text: unknown = JSON.parse(json);
  const { names, metadata, tensors } = isRecord(text) ? text as Partial<Text> : {};
  if (!Array.isArray(names) || !isRecord(metadata) || !isRecord(tensors)) {
    throw new TypeError(`${refuse}: their text "${textName}" is ${show(json)}`);
  }
  return text as unknown as Text;
}

function elementsIn(key: string, data: unknown, dtype: Saved["dtype"]): Saved["data"] {
  if (dtype === "float32" && data instanceof Float32Array) return data.slice();
  if (dtype !== "float32" && data instanceof Int32Array) {
    return dtype === "float64" ? new Float64Array(data.slice().buffer) : Uint16Array.from(data);
  }
  throw about(new TypeError(`${refuse}: ${show(data)} does not hold "${key}" in ${dtype}`), { tensor: key });
}
