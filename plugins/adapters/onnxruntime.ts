/**
 * Training with onnxruntime (`onnxruntime-web`, `onnxruntime-node`): a session whose graph has its gradients as outputs computes, Glissade steps.
 *
 * The graph takes the parameters as inputs, `w`, and gives their gradients as outputs, `w.grad`; examples/onnx/export.py in the repository makes such a
 * file from a PyTorch model. {@linkcode bind} makes an optimizer over the parameters, and its `step` takes what `session.run` gave.
 * {@linkcode parameterShapes} reads names and shapes from the session. For accumulation, {@linkcode gradients} makes of an answer what a trainer takes.
 *
 * Nothing is imported from onnxruntime: what is asked of its tensors is in {@linkcode OnnxTensor}. Parameters lie in typed arrays, which a tensor on the
 * CPU holds as they were given; they are updated in place, so the same feeds go into the next run. Tried with onnxruntime-web 1.30.0 (wasm) in Deno, Node, Bun
 * and Chromium and onnxruntime-node 1.30.0 in Deno, Node and Bun. With onnxruntime-web they may be a backend's own memory, of `backend.allocate`, and are
 * then not copied for a step; onnxruntime-node takes no shared memory.
 *
 * @example Usage
 * ```ts
 * import { bind } from "@glissade/optim/adapters/onnxruntime";
 *
 * // With onnxruntime: session = await ort.InferenceSession.create("digits.onnx"), and parameters of new ort.Tensor("float32", data, dims).
 * const w = { type: "float32", dims: [2], data: new Float32Array([1, -1]) };
 * const session = { run: async () => ({ "loss": { type: "float32", dims: [], data: new Float32Array([1]) }, "w.grad": { ...w, data: new Float32Array([0.5, -0.5]) } }) };
 *
 * const bound = bind({ w }, "adamw_torch", { lr: 0.1 }, { transforms: [{ name: "clip_global_norm", options: { maxNorm: 1 } }] });
 * const { applied, step } = bound.step(await session.run());
 * console.log(applied, step, w.data[0].toFixed(3)); // true 1 0.899
 * bound.dispose();
 * ```
 *
 * @module
 */
import { disposeSymbol } from "../../kernels/dispose.ts";
import { about } from "../../core/errors.ts";
import { known, show } from "../../core/names.ts";
import type { OptimizerPlugin, Plugin } from "../../core/plugin/contract.ts";
import type { NameOf, OptionsOf } from "../../core/plugin/typed.ts";
import { put } from "../../core/tensors.ts";
import type { Disposable, Grads, Optimizer, StepReport, Tensor, TensorLike } from "../../core/types.ts";
import type { Builtins } from "../builtins.ts";
import { type BindSettings, optimizerOver, refuseMissing } from "./bound.ts";

export type { BindSettings } from "./bound.ts";

/** What is asked of a tensor of onnxruntime. */
export interface OnnxTensor {
  /** Element type: `"float32"` or `"float16"`. */
  readonly type: string;
  /** Lengths of the dimensions. */
  readonly dims: readonly number[];
  /** The elements: a `Float32Array`, or a `Uint16Array` or `Float16Array` of float16. */
  readonly data: unknown;
  /** Where it lies; only what lies on the CPU can be used: `"cpu"`, `"cpu-pinned"`, or nothing said. */
  readonly location?: string;
}

/** Parameters by the names of the graph's inputs: tensors of onnxruntime, or arrays with their shapes. */
export type OnnxParameters = Readonly<Record<string, OnnxTensor | TensorLike>>;

/** What `session.run` gives, by the names of the graph's outputs; null for a gradient says that its parameter is to stand still. */
export type OnnxOutputs = Readonly<Record<string, OnnxTensor | null>>;

/** What is asked of a session of onnxruntime from 1.22 on. */
export interface OnnxSession {
  /** Names of the graph's inputs. */
  readonly inputNames: readonly string[];
  /** Names of its outputs. */
  readonly outputNames: readonly string[];
  /** What the inputs are; a dimension that is not fixed is a name. */
  readonly inputMetadata: readonly { readonly name: string; readonly shape?: readonly (number | string)[] }[];
}

/** An optimizer over the parameters of a session. */
export interface Bound<Options = unknown> extends Disposable {
  /** The optimizer: its options, groups, readings, state. All of it may be used; it holds the same arrays. */
  readonly optimizer: Optimizer<Options>;
  /**
   * One update by what `session.run` gave: the output `w.grad` is the gradient of the parameter `w`. Outputs that are no bound parameter's gradient are
   * passed over, the loss among them. A parameter that is to stand still has null: `bound.step({ ...outputs, "w.grad": null })`.
   *
   * An error changes nothing. TypeError for a parameter without a gradient among the outputs, and for one that does not lie on the CPU; the errors of
   * `optimizer.step`.
   */
  step(outputs: OnnxOutputs): StepReport;
  /** Parameters that come later: as `optimizer.add`. */
  add(parameters: OnnxParameters, to?: { readonly group?: number; readonly options?: Partial<Options> }): void;
  /** Frees the optimizer's memory. Tensors are the caller's and stay. */
  dispose(): void;
}

const suffix = ".grad";

/**
 * Makes an optimizer over a session's parameters, which are updated where they lie: feed the same tensors to every run.
 *
 * TypeError for a parameter of another element type than float32 and float16, one that does not lie on the CPU, and an unknown name; else the errors of
 * `createOptimizer`. After an error no memory is taken.
 *
 * @param parameters Tensors of onnxruntime, or arrays with their shapes, by the names of the graph's inputs.
 * @param name Which algorithm.
 * @param options Its options.
 * @param settings Groups, transforms, schedules, a backend, and where their names are found.
 */
export function bind<
  const P extends readonly Plugin[] = Builtins,
  const N extends NameOf<P, "optimizer"> = NameOf<P, "optimizer">,
>(
  parameters: OnnxParameters,
  name: N,
  options?: OptionsOf<P, "optimizer", N>,
  settings?: BindSettings<OptionsOf<P, "optimizer", N>, P>,
): Bound<OptionsOf<P, "optimizer", N>>;
/** The same by a plugin. */
export function bind<Name extends string, Options>(
  parameters: OnnxParameters,
  plugin: OptimizerPlugin<Name, Options>,
  options?: Options,
  settings?: BindSettings<Options>,
): Bound<Options>;
export function bind(parameters: OnnxParameters, named: unknown, options?: unknown, settings?: BindSettings): Bound {
  const optimizer = optimizerOver(tensors(parameters), named, options, settings);
  return Object.freeze<Bound>({
    optimizer,
    step: (outputs) => optimizer.step(gradients(outputs, optimizer.params)),
    add: (parameters, to) => optimizer.add(tensors(parameters), to),
    dispose: () => optimizer.dispose(),
    [disposeSymbol]: () => optimizer.dispose(),
  });
}

/**
 * The gradients among a session's outputs, as a trainer's `add` and an accumulator's take them. `of` has the names of the parameters:
 * `trainer.optimizer.params`.
 *
 * TypeError for a parameter that has none, and no null instead, and for a gradient that does not lie on the CPU or has another element type.
 *
 * @example Accumulation
 * ```ts
 * import { builtins } from "@glissade/optim";
 * import { gradients } from "@glissade/optim/adapters/onnxruntime";
 *
 * const w = new Float32Array([1, -1]);
 * const trainer = builtins.createTrainer({ w }, {
 *   optimizer: { name: "adamw_torch", options: { lr: 0.1 } },
 *   accumulate: { name: "mean", options: { every: 2 } },
 * });
 * const run = async () => ({ "w.grad": { type: "float32", dims: [2], data: new Float32Array([0.5, -0.5]) } }); // session.run(feeds)
 * for (let i = 0; i < 4; i++) trainer.add(gradients(await run(), trainer.optimizer.params));
 * console.log(trainer.steps); // 2
 * trainer.dispose();
 * ```
 */
export function gradients(outputs: OnnxOutputs, of: Readonly<Record<string, unknown>>): Grads {
  if (typeof outputs !== "object" || outputs === null) {
    throw new TypeError(`Cannot use ${show(outputs)} as a session's outputs: await what session.run gives`);
  }
  const names = Object.keys(of);
  const outputOf = (name: string): OnnxTensor | null | undefined =>
    Object.hasOwn(outputs, name + suffix) ? outputs[name + suffix] : undefined;
  refuseMissing(names, (name) => outputOf(name) !== undefined, {
    where: (name) => `it is the session's output "${name}${suffix}"`,
    there: Object.keys(outputs),
  });
  const grads: Record<string, Tensor | null> = {};
  for (const name of names) {
    const output = outputOf(name)!;
    put(grads, name, output === null ? null : onTheCpu(`gradient of "${name}"`, name, output));
  }
  return grads;
}

/**
 * Names and shapes of a session's parameters: the inputs `w` that have an output `w.grad`, in the order of the inputs.
 *
 * TypeError where there is no such input, and where the session does not say its shapes (onnxruntime before 1.22); RangeError for a dimension that the
 * graph leaves open.
 *
 * @example Usage
 * ```ts
 * import { parameterShapes } from "@glissade/optim/adapters/onnxruntime";
 *
 * const session = {
 *   inputNames: ["x", "w"],
 *   outputNames: ["loss", "w.grad"],
 *   inputMetadata: [{ name: "x", shape: ["batch", 64] }, { name: "w", shape: [10, 64] }],
 * };
 * console.log(parameterShapes(session)); // { w: [ 10, 64 ] }
 * ```
 */
export function parameterShapes(session: OnnxSession): Record<string, readonly number[]> {
  const { inputNames, outputNames, inputMetadata } = session;
  if (!Array.isArray(inputNames) || !Array.isArray(outputNames) || !Array.isArray(inputMetadata)) {
    throw new TypeError(
      `Cannot read the parameters of ${
        show(session)
      }: a session of onnxruntime from 1.22 on says inputNames, outputNames and inputMetadata`,
    );
  }
  const shapes: Record<string, readonly number[]> = {};
  for (const name of inputNames.filter((name) => outputNames.includes(`${name}${suffix}`))) {
    const shape = inputMetadata.find((input) => input.name === name)?.shape;
    if (!Array.isArray(shape)) {
      throw about(new TypeError(`Cannot read the shape of parameter "${name}": the session does not say it`), { tensor: name });
    }
    if (!shape.every((length) => typeof length === "number")) {
      throw about(new RangeError(`Cannot use parameter "${name}" of shape ${show(shape)}: each length must be fixed in the graph`), {
        tensor: name,
      });
    }
    put(shapes, name, Object.freeze([...shape as number[]]));
  }
  if (Object.keys(shapes).length > 0) return shapes;
  throw new TypeError(
    `Cannot find a parameter of the session: no input w has an output w${suffix}; its outputs: ${outputNames.join(", ")}`,
  );
}

/** Parameters as core takes them. */
function tensors(parameters: OnnxParameters): Record<string, TensorLike> {
  if (typeof parameters !== "object" || parameters === null) {
    throw new TypeError(`Cannot bind ${show(parameters)}: it takes parameters by the names of the graph's inputs`);
  }
  const taken: Record<string, TensorLike> = {};
  for (const [name, given] of Object.entries(parameters)) {
    put(taken, name, isOnnxTensor(given) ? onTheCpu(`parameter "${name}"`, name, given) : given);
  }
  return taken;
}

/** A tensor of onnxruntime says dims; what is none goes on to core, which takes arrays, and refuses what is nothing. */
const isOnnxTensor = (given: unknown): given is OnnxTensor => typeof given === "object" && given !== null && "dims" in given;

/** A tensor of onnxruntime as one of ours over the same memory. */
function onTheCpu(what: string, name: string, given: OnnxTensor): Tensor {
  const refuse = (why: string): never => {
    throw about(new TypeError(`Cannot use ${what}: ${why}`), { tensor: name });
  };
  if (!isOnnxTensor(given)) return refuse(`${show(given)} is no tensor of onnxruntime`);
  const { type, dims, location = "cpu" } = given;
  if (location === "none") return refuse("it is disposed");
  if (location !== "cpu" && location !== "cpu-pinned") {
    return refuse(`it lies in ${show(location)}; make the session with preferredOutputLocation "cpu", or take await tensor.getData()`);
  }
  if (type !== "float32" && type !== "float16") return refuse(`its type is ${show(type)}; ${known(["float32", "float16"], type)}`);
  return { data: given.data as Tensor["data"], shape: dims, dtype: type };
}
