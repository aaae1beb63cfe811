/**
 * Training with onnxruntime (`onnxruntime-web`, `onnxruntime-node`): a session whose graph has its gradients as outputs computes, Glissade steps.
 *
 * The graph takes the parameters as inputs, `w`, and gives their gradients as outputs, `w.grad`; examples/onnx/export.py in the repository makes such a
 * file from a PyTorch model. {@linkcode bind} makes an optimizer over the parameters, and its `step` takes what `session.run` gave.
 * {@linkcode parameterShapes} reads names and shapes from the session. For accumulation, {@linkcode gradients} makes of an answer what a trainer takes.
 *
 * Nothing is imported from onnxruntime: what is asked of its tensors is in {@linkcode OnnxTensor}. Parameters are updated in place, so the same feeds go
 * into the next run. On the CPU they lie in typed arrays, which a tensor holds as they were given. Tried with onnxruntime-web 1.30.0 (wasm) in Deno, Node, Bun
 * and Chromium and onnxruntime-node 1.30.0 in Deno, Node and Bun. With onnxruntime-web they may be a backend's own memory, of `backend.allocate`, and are
 * then not copied for a step; onnxruntime-node takes no shared memory.
 *
 * On a GPU, with onnxruntime-web's execution provider `"webgpu"` (tried: 1.30.0 in Deno, Chromium, and Bun with the package `webgpu`), nothing is read back: parameters are tensors over
 * buffers, which {@linkcode createParameters} makes, gradients stay on the GPU with `preferredOutputLocation: "gpu-buffer"`, and the setting `backend`
 * is one on onnxruntime's device.
 *
 * @example On a GPU
 * ```ts ignore
 * import * as ort from "onnxruntime-web/webgpu";
 * import { bind, createParameters } from "@glissade/optim/adapters/onnxruntime";
 * import { createWebGpuBackend } from "@glissade/optim/webgpu";
 *
 * const session = await ort.InferenceSession.create("digits.onnx", { executionProviders: ["webgpu"], preferredOutputLocation: "gpu-buffer" });
 * const backend = await createWebGpuBackend({ device: await ort.env.webgpu.device });
 * const params = createParameters(ort, session, (name, shape) => start(name, shape), { backend });
 * const bound = bind(params, "adamw", { lr: 1e-3 }, { backend });
 * for (const { x, y } of batches) {
 *   const { outputs } = await bound.update(session, { x, y }, ["loss"]); // gradients are disposed
 *   console.log((await outputs.loss.getData(true))[0]); // waits for the GPU, and disposes the loss
 * }
 * ```
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
import { deviceSideOf, takeBackend } from "../../core/backend.ts";
import { about } from "../../core/errors.ts";
import { show } from "../../core/names.ts";
import type { OptimizerPlugin, Plugin } from "../../core/plugin/contract.ts";
import type { NameOf, OptionsOf } from "../../core/plugin/typed.ts";
import { put } from "../../core/tensors.ts";
import type {
  DeviceTensor,
  Disposable,
  Grads,
  Optimizer,
  StepReport,
  Tensor,
  TensorLike,
  Tensors,
  WebGpuBackend,
} from "../../core/types.ts";
import { disposeSymbol } from "../../kernels/dispose.ts";
import type { Builtins } from "../builtins.ts";
import { type BindSettings, optimizerOver, refuseMissing } from "./bound.ts";
import { deviceOf } from "./device.ts";
import { checkDevice, isDeviceTensor, isOnGpu, isOnnxTensor, onGpu, type OnnxTensor, tensorOf } from "./onnxruntime_tensors.ts";

export type { BindSettings } from "./bound.ts";
export type { OnnxTensor } from "./onnxruntime_tensors.ts";

/** Parameters by the names of the graph's inputs: tensors of onnxruntime, or arrays with their shapes. */
export type OnnxParameters = Readonly<Record<string, OnnxTensor | TensorLike | DeviceTensor>>;

/** What `session.run` gives, by the names of the graph's outputs; null for a gradient says that its parameter is to stand still. */
export type OnnxOutputs = Readonly<Record<string, OnnxTensor | null>>;

/** What is asked of a session of onnxruntime from 1.22 on. */
export interface OnnxSession {
  /** Names of the graph's inputs. */
  readonly inputNames: readonly string[];
  /** Names of its outputs. */
  readonly outputNames: readonly string[];
  /** What the inputs are; a dimension that is not fixed is a name. */
  readonly inputMetadata: readonly { readonly name: string; readonly type?: string; readonly shape?: readonly (number | string)[] }[];
}

/** A session that runs. */
export interface OnnxModel<T extends OnnxTensor = OnnxTensor> extends Pick<OnnxSession, "inputNames" | "outputNames"> {
  /** Computes the outputs that `fetches` names. */
  run(feeds: Readonly<Record<string, T>>, fetches: readonly string[]): Promise<Readonly<Record<string, T>>>;
}

/** What is asked of the namespace of onnxruntime. */
export interface Onnxruntime<T extends OnnxTensor = OnnxTensor> {
  /** Its class of tensors. */
  readonly Tensor: { new (type: never, data: never, dims: readonly number[]): T; fromGpuBuffer?(buffer: never, options: never): T };
}

/** What {@linkcode Bound.update} did. */
export interface Update<T extends OnnxTensor = OnnxTensor> extends StepReport {
  /** What was asked for beside the gradients. Those on a GPU are the caller's to dispose. */
  readonly outputs: Readonly<Record<string, T>>;
}

/** An optimizer over the parameters of a session. */
export interface Bound<Options = unknown> extends Disposable {
  /** The optimizer: its options, groups, readings, state. All of it may be used; it holds the same arrays. */
  readonly optimizer: Optimizer<Options>;
  /**
   * One update by what `session.run` gave: the output `w.grad` is the gradient of the parameter `w`. Outputs that are no bound parameter's gradient are
   * passed over, the loss among them. A parameter that is to stand still has null: `bound.step({ ...outputs, "w.grad": null })`.
   *
   * On a GPU it only submits; outputs stay the caller's, to be disposed, which may be done at once. With backend `"webgpu"` gradients may also lie on the
   * CPU, and are copied to the device.
   *
   * An error changes nothing. TypeError for a parameter without a gradient among the outputs, and for one that lies where the optimizer does not reach it;
   * the errors of `optimizer.step`. That a buffer is another device's is told by `optimizer.sync()`.
   */
  step(outputs: OnnxOutputs): StepReport;
  /**
   * Runs a session with the parameters and these inputs, steps, and disposes the gradients that lie on a GPU. `fetches` are the outputs wanted beside
   * the gradients; without it all that there are.
   *
   * An error changes nothing. TypeError for a bound parameter of which the session has no gradient (one that is to stand still is no bound one, but among
   * the inputs), for a parameter that was bound as an array, or went to the CPU since, and for tensors on another device than the backend's; else those of the session and of `step`.
   */
  update<T extends OnnxTensor>(
    session: OnnxModel<T>,
    inputs: Readonly<Record<string, T>>,
    fetches?: readonly string[],
  ): Promise<Update<T>>;
  /** Parameters that come later: as `optimizer.add`. */
  add(parameters: OnnxParameters, to?: { readonly group?: number; readonly options?: Partial<Options> }): void;
  /** Frees the optimizer's memory. Tensors are the caller's and stay. */
  dispose(): void;
}

const suffix = ".grad";

/**
 * Makes an optimizer over a session's parameters, which are updated where they lie: feed the same tensors to every run.
 *
 * TypeError for a parameter of another element type than float32 and float16, one that does not lie where the backend works, and an unknown name; else the
 * errors of `createOptimizer`. After an error no memory is taken.
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
  const onDevice = deviceSideOf(settings?.backend) !== undefined;
  const optimizer = optimizerOver(tensors(parameters, onDevice), named, options, settings);
  const state: State = { optimizer, parameters: new Map(Object.entries(parameters)), onDevice, isChecked: !onDevice };
  return Object.freeze<Bound>({
    optimizer,
    step: (outputs) => optimizer.step(gradients(outputs, optimizer.params)),
    update: (session, inputs, fetches) => update(state, session, inputs, fetches),
    add(parameters, to) {
      optimizer.add(tensors(parameters, onDevice), to);
      for (const [name, given] of Object.entries(parameters)) state.parameters.set(name, given);
      state.isChecked = !onDevice;
    },
    dispose: () => optimizer.dispose(),
    [disposeSymbol]: () => optimizer.dispose(),
  });
}

/** What is bound. */
interface State {
  readonly optimizer: Optimizer;
  /** As they were given. */
  readonly parameters: Map<string, OnnxParameters[string]>;
  /** True where the optimizer works on a GPU. */
  readonly onDevice: boolean;
  /** True once parameters and gradients were found on the backend's device. */
  isChecked: boolean;
}

async function update<T extends OnnxTensor>(
  state: State,
  session: OnnxModel<T>,
  inputs: Readonly<Record<string, T>>,
  fetches?: readonly string[],
): Promise<Update<T>> {
  const { optimizer, parameters, onDevice } = state;
  const names = [...parameters.keys()];
  const { outputNames } = session;
  refuseMissing(names, (name) => outputNames.includes(name + suffix), { where: whereIs, there: outputNames });
  const feeds: Record<string, T> = { ...inputs };
  for (const [name, given] of parameters) {
    if (!isOnnxTensor(given)) {
      const message = `Cannot feed parameter "${name}" to the session: it was bound as an array; bind tensors of onnxruntime`;
      throw about(new TypeError(message), { tensor: name });
    }
    if (onDevice && !isOnGpu(given)) {
      const message = `Cannot feed parameter "${name}" to the session: it lies on the CPU by now, where getData takes a tensor; ` +
        "read parameters by await bound.optimizer.saveStateAsync()";
      throw about(new TypeError(message), { tensor: name });
    }
    put(feeds, name, given as T);
  }
  const wanted = names.map((name) => name + suffix);
  const others = fetches ?? outputNames.filter((name) => !wanted.includes(name));
  const all = await session.run(feeds, [...others.filter((name) => !wanted.includes(name)), ...wanted]);
  const letGo = (of: readonly string[]): void => of.forEach((name) => isOnGpu(all[name]) && all[name].dispose?.());
  try {
    const grads = gradients(all, optimizer.params);
    if (!state.isChecked) {
      const lying = [...Object.values(optimizer.params), ...Object.values(grads)] as (Tensor | DeviceTensor | null)[];
      await checkDevice(deviceOf(takeBackend(optimizer.backend)), lying);
      state.isChecked = true;
    }
    const report = optimizer.step(grads);
    const outputs: Record<string, T> = {};
    for (const name of others) put(outputs, name, all[name]);
    letGo(wanted.filter((name) => !others.includes(name)));
    return { ...report, outputs };
  } catch (error) {
    letGo(Object.keys(all));
    throw error;
  }
}

const whereIs = (name: string): string => `it is the session's output "${name}${suffix}"`;

/**
 * The gradients among a session's outputs, as a trainer's `add` and an accumulator's take them. `of` has the names of the parameters:
 * `trainer.optimizer.params`.
 *
 * TypeError for a parameter that has none, and no null instead, and for a gradient that does not lie where the parameter does, or has another
 * element type.
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
    where: whereIs,
    there: Object.keys(outputs),
  });
  const grads: Record<string, Tensor | DeviceTensor | null> = {};
  for (const name of names) {
    const output = outputOf(name)!;
    put(grads, name, output === null ? null : tensorOf(`gradient of "${name}"`, name, output, isOnDevice(of[name])));
  }
  return grads;
}

const isOnDevice = (param: unknown): boolean => isOnnxTensor(param) ? isOnGpu(param) : isDeviceTensor(param);

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

/**
 * Makes a session's parameters, of the names, shapes and element types that {@linkcode parameterShapes} and the session say: on the CPU, or with a backend
 * of `createWebGpuBackend` in buffers of its device, each its own, which end with `tensor.dispose()`. To read those: `await bound.optimizer.saveStateAsync()`.
 *
 * The errors of `parameterShapes` and of onnxruntime's `Tensor`; TypeError for a package of onnxruntime without a GPU.
 *
 * @example Usage
 * ```ts ignore
 * import * as ort from "onnxruntime-web";
 * import { createParameters } from "@glissade/optim/adapters/onnxruntime";
 *
 * const session = await ort.InferenceSession.create("digits.onnx");
 * const params = createParameters(ort, session, (name, shape) => new Float32Array(shape.reduce((a, b) => a * b, 1)).map(() => Math.random() / 10));
 * ```
 *
 * @param ort The namespace of onnxruntime.
 * @param session Says which parameters there are.
 * @param values The elements of each: a `Float32Array`, and of float16 what onnxruntime takes for it.
 * @param settings Where they lie.
 */
export function createParameters<T extends OnnxTensor>(
  ort: Onnxruntime<T>,
  session: OnnxSession,
  values: (name: string, shape: readonly number[]) => ArrayBufferView,
  { backend }: { readonly backend?: WebGpuBackend } = {},
): Record<string, T> {
  const { Tensor } = ort;
  const device = backend === undefined ? undefined : deviceOf(takeBackend(backend));
  if (device !== undefined && Tensor.fromGpuBuffer === undefined) {
    throw new TypeError(
      "Cannot make parameters on a GPU: this package of onnxruntime has no Tensor.fromGpuBuffer; onnxruntime-web/webgpu has",
    );
  }
  const made: Record<string, T> = {};
  for (const [name, shape] of Object.entries(parameterShapes(session))) {
    const { type = "float32" } = session.inputMetadata.find((input) => input.name === name)!;
    // Made on the CPU first: onnxruntime then says what does not fit.
    const tensor = new Tensor(type as never, values(name, shape) as never, shape);
    const over = (buffer: unknown, more: object): T =>
      Tensor.fromGpuBuffer!(buffer as never, { dataType: type, dims: shape, ...more } as never);
    put(made, name, device === undefined ? tensor : onGpu(over, device, name, tensor.data as ArrayBufferView));
  }
  return made;
}

/** Parameters as core takes them. Arrays on this host would be moved on the GPU alone, and the session fed what they were. */
function tensors(parameters: OnnxParameters, onDevice: boolean): Record<string, Tensors[string]> {
  if (typeof parameters !== "object" || parameters === null) {
    throw new TypeError(`Cannot bind ${show(parameters)}: it takes parameters by the names of the graph's inputs`);
  }
  const taken: Record<string, Tensors[string]> = {};
  for (const [name, given] of Object.entries(parameters)) {
    const tensor = isOnnxTensor(given) ? tensorOf(`parameter "${name}"`, name, given, onDevice) : given;
    if (onDevice && !isDeviceTensor(tensor)) {
      const message =
        `Cannot use parameter "${name}": it lies on this host, and the optimizer works on a GPU; make it with createParameters(…, { backend })`;
      throw about(new TypeError(message), { tensor: name });
    }
    put(taken, name, tensor);
  }
  return taken;
}
