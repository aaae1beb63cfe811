/**
 * Small wrong changes to the code, and the tests that must notice each. Run by mutants.ts.
 *
 * A change is made where a mistake would be easy and give wrong results, not where the program would only stop: a test that cannot fail is found here, and so
 * is a piece of code that nobody holds. Whoever changes a line that stands in this table changes the row with it.
 *
 * @module
 */

/** One wrong change. */
export interface Mutant {
  /** What is wrong then, as a sentence. */
  readonly name: string;
  /** Where, from the root. */
  readonly file: string;
  /** What stands there, exactly once. */
  readonly text: string;
  /** What stands there instead. */
  readonly replacement: string;
  /** Test files, one of which must fail. */
  readonly tests: readonly string[];
  /** Of these files only tests whose names match; a regular expression. */
  readonly named?: string;
}

type Row = readonly [name: string, text: string, replacement: string, named?: string];

/** Changes to one file that the same test files must notice. */
function of(file: string, tests: readonly string[], rows: readonly Row[]): Mutant[] {
  return rows.map(([name, text, replacement, named]) => ({ name, file, text, replacement, tests, ...named && { named } }));
}

const brokenPlugins = "tests/plugins/testing/broken_test.ts";
const kitReference = "tests/plugins/testing/reference_test.ts";
const newPluginTest = "tests/plugins/new_plugin_test.ts";
const passes = "tests/kernels/passes_test.ts";
const fuzz = "tests/kernels/fuzz_test.ts";
const memory = "tests/kernels/memory_test.ts";
const lowered = "tests/kernels/webgpu/lower_test.ts";
const gpuFactors = "tests/kernels/webgpu/factors_test.ts";
const loweredBuiltins = "tests/kernels/webgpu/builtins_test.ts";
const bits = "tests/kernels/bits_test.ts";
const kept = "tests/kernels/kept_test.ts";
const jaxJsTest = "tests/plugins/adapters/jax_js_test.ts";
const onnxruntimeTest = "tests/plugins/adapters/onnxruntime_test.ts";
const placement = "tests/kernels/placement_test.ts";
const carried = "tests/kernels/carried_test.ts";
const foreignArrays = "tests/core/foreign_arrays_test.ts";
const operations = "tests/kernels/operations_test.ts";
const threadsTest = "tests/kernels/threads_test.ts";
const bands = "tests/kernels/bands_test.ts";
const matrices = "tests/kernels/matrix_test.ts";
const controlBlock = "tests/kernels/control_block_test.ts";
const plans = "tests/core/plans_test.ts";
const scheduled = "tests/core/schedules_test.ts";
const httpSchedules = "tests/plugins/http/schedules_test.ts";
const jsonPlugins = "tests/core/json_plugin_test.ts";
const reference = "tests/reference/reference_test.ts";
const field = "tests/reference/field_test.ts";
const linalg = "tests/kernels/linalg_test.ts";
const parts = "tests/core/parts_test.ts";
const wholeMatrices = "tests/reference/whole_matrices_test.ts";
const sparse = "tests/reference/sparse_adam_test.ts";
const fieldRules = "tests/plugins/optimizers_test.ts";
const schedules = "tests/plugins/schedules_test.ts";
const tfjs = "tests/plugins/adapters/tfjs_test.ts";
const algebra = "tests/plugins/algebra_test.ts";
const moreSchedules = "tests/plugins/more_schedules_test.ts";
const recordedSchedules = "tests/plugins/recorded_schedules_test.ts";
const torchSchedules = "tests/plugins/torch_schedules_test.ts";
const bounds = "tests/plugins/http/bounds_test.ts";
const conventions = "tests/plugins/http/conventions_test.ts";
const limits = "tests/plugins/http/limits_test.ts";
const keptOptimizers = "tests/plugins/http/kept_optimizers_test.ts";
const attacks = "tests/plugins/http/attacks_test.ts";
const guard = "tests/plugins/http/guard_test.ts";
const accumulators = "tests/plugins/accumulators_test.ts";
const safetensors = "tests/plugins/formats/safetensors_test.ts";
const checkpoints = "tests/plugins/formats/checkpoints_test.ts";
const checkpointCrashes = "tests/plugins/formats/checkpoint_crashes_test.ts";
const torchFiles = "tests/plugins/formats/torch_files_test.ts";
const torchRuns = "tests/plugins/formats/pytorch_runs_test.ts";
const safetensorsFiles = "tests/plugins/formats/safetensors_files_test.ts";
const optimizers = "tests/core/optimizer_test.ts";

/** All of them. */
export const mutants: readonly Mutant[] = [
  // ---- kernels: the language

  ...of("kernels/language/parse.ts", ["tests/kernels/parse_test.ts"], [
    ["Products are read from the right", "left = call(op, left, unary());", "left = call(op, left, product());"],
    ["A sum's operators bind as closely as a product's", "let left = product();\n    for", "let left = unary();\n    for"],
    ["A minus before a product belongs to all of it", 'value = call("neg", unary());', 'value = call("neg", product());'],
  ]),
  ...of("kernels/language/values.ts", [passes], [
    [
      "A group slot differs between tensors with different t",
      'const spread = value.cls !== cls || cls === "group";',
      "const spread = value.cls !== cls;",
    ],
    ["The second sum over all tensors of the same words is the first one", "all: `${text}#${nth}`", "all: text"],
    [
      "A sum over all tensors that this text does not read is not computed",
      "      ...sums,\n",
      "",
    ],
  ]),
  ...of("kernels/language/rounds.ts", [passes], [
    [
      "A slot is stored in the round of a reader over another domain",
      "const least = domain === cls && routine === null ? round : round + 1;",
      "const least = round;",
    ],
    [
      "A slot is stored before its old content is read",
      "if (Math.max(stores.get(key)!.round, late.get(key)?.round ?? 0) < least)",
      "if (late.size > 99)",
    ],
    [
      "A loop loads the new content of a slot that is not stored yet",
      "stores.get(slot)!.round < round) return slot",
      "stores.get(slot)!.round <= round) return slot",
    ],
    [
      "A reduction's result is used in the round that sums it",
      "if (isMade(v)) return next(sumRound(v));",
      "if (isMade(v)) return sumRound(v);",
    ],
    ["Wishes that cost more are kept", "layout.cost < best.cost", "layout.cost > best.cost"],
  ]),
  // ---- kernels: routines

  ...of("kernels/language/rounds.ts", [matrices], [
    [
      "A parameter is stored in the round in which a routine reads it",
      "const least = domain === cls && routine === null ? round : round + 1;",
      "const least = domain === cls ? round : round + 1;",
    ],
    [
      "A copy for a routine is read in the round that makes it",
      "copy !== undefined && sumRound(copy).round < round",
      "copy !== undefined && sumRound(copy).round <= round",
    ],
  ]),
  ...of("kernels/language/compile.ts", [matrices], [
    ["A matrix takes the memory of one that is read in the same round", "one.until < madeIn(v)", "one.until <= madeIn(v)"],
  ]),
  ...of("kernels/language/values.ts", [matrices], [
    ["A product's sides need not agree", "if (equal !== null && equal[0] !== equal[1]) needSquare(draft, s);", ""],
    ["A sum's sides need not agree", "if (other !== undefined) needSquare(draft, s);", ""],
  ]),
  ...of("kernels/backends/wasm/matmul.ts", [matrices], [
    [
      "The rows below the last three are left out of a product",
      "loopUntil([rowsLeft, i32.isZero], [single, advance(row, i32.const(1))]),",
      "",
    ],
    ["The last products of a row are left out", "[step(unrolled), step(1)]", "[step(unrolled)]"],
    [
      "The third vector of a panel is packed as the second",
      "v128.load(16 * u), v128.store(16 * u)]);",
      "v128.load(16 * (u & 1)), v128.store(16 * u)]);",
    ],
    ["Every matrix of a batch is multiplied with the first", "matrixStep(y, inner, cols), ", ""],
  ]),
  ...of("kernels/backends/wasm/transpose.ts", [matrices], [
    [
      "The columns right of the last four are left out of a transpose",
      "localGet(colsAtOnce), localGet(END), 1, one)",
      "localGet(END), localGet(END), 1, one)",
    ],
  ]),
  ...of("kernels/backends/wasm/orders.ts", [matrices], [
    ["Equal numbers are sorted backwards", "[get(j), get(i), i32.lessUnsigned], i32.and", "[get(i), get(j), i32.lessUnsigned], i32.and"],
    ["What is no place in an order is a place", "unless(get(isPlace), [get(to)", "unless(i32.const(1), [get(to)"],
  ]),
  ...of("kernels/backends/js/qr.ts", [linalg], [
    ["Reflections are applied the other way round", "for (let k = end - 1; k >= 0; k--) {", "for (let k = 0; k < end; k++) {", "^qr"],
  ]),
  ...of("kernels/backends/js/householder.ts", [linalg], [
    ["Reflections have the sign of LAPACK's no more", "beta = alpha < 0 ? norm : -norm;", "beta = alpha < 0 ? -norm : norm;", "^qr"],
  ]),
  ...of("kernels/backends/js/eigh.ts", [linalg], [
    ["Eigenvectors come as they are found", "vectors[order[j] * width + i]", "vectors[j * width + i]", "^eigh"],
    ["The last rotations are forgotten", "  rotate(vectors, width, rotations);\n  return true;", "  return true;", "^eigh"],
  ]),
  ...of("kernels/backends/wasm/householder.ts", [linalg], [
    ["The rows after the last four are not reflected", "[rows(together), rows(1)],", "[rows(together)],", "^qr"],
    [
      "Rows that are reflected together share a factor",
      "xs.map((x, r) => [at(x), [at(x), v128.load(offset)], [localGet(ws[r])",
      "xs.map((x) => [at(x), [at(x), v128.load(offset)], [localGet(ws[0])",
      "^qr",
    ],
  ]),
  ...of("kernels/backends/wasm/eigh.ts", [linalg], [
    ["A row that was rotated last is not stored", "[get(held), when(store)],\n      advance(strip", "advance(strip", "^eigh"],
    ["A row is taken for the next rotation's", "unless([get(held), get(second), i32.eq], [", "unless(get(held), [", "^eigh"],
    ["The last eigenvalues are not looked for in WASM", "    rotate(locals, places),\n  ];", "  ];", "^eigh"],
  ]),
  ...of("kernels/routines/padded.ts", [linalg], [
    ["An infinite matrix has a basis", "if (!(largest <= 3.5e38)) return 0;", "if (!(largest >= 0)) return 0;", "^a number"],
  ]),
  ...of("kernels/plan/matrix_memory.ts", [matrices], [
    ["Matrices that outlive their wave take turns", "if (waves.size > 1) {", "if (waves.size > 99) {", "^matrices that are read"],
    [
      "No matrices take turns",
      "const fitting = free.filter((one) =>",
      "const fitting = [].filter((one: Region) =>",
      "^matrices of tensors",
    ],
  ]),
  ...of("kernels/backends/wasm/local_memory.ts", [matrices], [
    ["Every stage has memory of its own", "one.arena !== arena ||", "one.users > 0 ||", "^what routines need"],
  ]),
  ...of("kernels/language/condition.ts", [parts], [
    ["A part stands where its condition is NaN", "return value < 0 || value > 0;", "return value !== 0;", "^A condition that is NaN"],
    ["A condition may read a slot", "if (known.includes(e.name)) return;", "return;", "^Wrong parts"],
  ]),
  ...of("core/optimizer/programs.ts", [parts], [
    ["Combinations of parts are not looked at", "  checkParts(text);\n", "", "^A local of a part"],
  ]),
  ...of("core/optimizer/plans.ts", [parts], [
    ["A plan serves steps with other parts", " || kept.left[i] !== left[i]", "", "^A part stands"],
  ]),
  ...of("core/optimizer/splice.ts", [parts], [
    [
      "What follows a direction stands in every step",
      "directions.every((line) => line.when === when) ? { when }",
      "false ? { when }",
      "^What follows",
    ],
  ]),
  ...of("plugins/optimizers/soap.ts", [wholeMatrices], [
    ["The second moment is not reordered with its basis", "  ${side.gather}\n", "", "^SOAP"],
    ["Columns are ordered from the least", "e = -colsum(", "e = colsum(", "^SOAP"],
  ]),
  ...of("core/plugin/options.ts", ["tests/core/rebase_test.ts"], [
    [
      "A list of numbers may hold anything",
      "else if (ofNumbers || numbers !== undefined) {",
      "else if (numbers !== undefined) {",
      "cannot be rebased",
    ],
  ]),
  ...of("plugins/schedules/pow32.ts", ["tests/plugins/pow32_test.ts"], [
    ["The engine's own power is believed", "low === Math.fround(near * (1 + margin)) ? low", "near === near ? low"],
    ["The margin is nothing", "2 ** -40", "0"],
    ["The margin is so wide that the exact power is always asked", "2 ** -40", "2 ** -20"],
  ]),
  ...of("plugins/optimizers/normuon.ts", [wholeMatrices], [
    ["Rows keep their sizes", "X/(sqrt(s) + eps)", "X/(1 + eps)", "^NorMuon"],
  ]),
  ...of("plugins/optimizers/adamuon.ts", [wholeMatrices], [
    ["The second moment is not corrected", "sqrt(v/c2)", "sqrt(v)", "^AdaMuon"],
    ["A number is divided at once", "*${round}(1/n))", "/n)", "^AdaMuon"],
  ]),
  ...of("plugins/optimizers/newton_schulz.ts", [wholeMatrices], [
    ["A product keeps its float32", "${round && `A = ${round}(A)`}", "", "^NorMuon"],
    ["What is iterated begins unrounded", "${X} = ${dtype}(${name})", "${X} = ${name}", "^NorMuon"],
  ]),
  ...of("plugins/optimizers/apollo.ts", [wholeMatrices], [
    ["Decay is not corrected", '"stepSize*"}weightDecay', '"0*"}weightDecay', "^APOLLO"],
  ]),
  ...of("plugins/optimizers/sparse_adam.ts", [sparse], [
    ["Moments of rows without a gradient decay", "where(k == 0, m, m + (1 - beta1)*(g - m))", "m + (1 - beta1)*(g - m)", "^Backend js"],
  ]),
  ...of("kernels/backends/js/routines.ts", [matrices], [
    ["A product is added before it is rounded", "fround(a * y[from + col])", "a * y[from + col]"],
  ]),
  ...of("kernels/tables/ops.ts", [matrices], [
    ["% has the sign of its first argument", "rest < 0 === b < 0 ? rest : rest + b", "rest"],
  ]),
  // ---- kernels: plans

  ...of("kernels/plan/partition.ts", [bands], [
    ["The last, shorter band is not cut", "const cuts = Math.ceil(rows / step);", "const cuts = Math.floor(rows / step);", "^colmean"],
    ["Bands of a second matrix overwrite those of the first", "? b * cuts + k : -1", "? k : -1", "^colmean"],
  ]),
  ...of("kernels/plan/partition.ts", [fuzz], [
    [
      "The last matrices are left out where several make a unit",
      "for (let b = 0; b < batch; b += step) units.push",
      "for (let b = 0; b + step <= batch; b += step) units.push",
      "^every reduction",
    ],
  ]),
  ...of("kernels/plan/sums.ts", [bands], [
    [
      "Column partials beyond two bands are lost",
      "const bands = units.length / unitFields / batch;",
      "const bands = Math.min(2, units.length / unitFields / batch);",
      "^colmean",
    ],
    [
      "The last band is dropped where columns are joined",
      "for (let k = 0; k < bands; k++) {",
      "for (let k = 0; k < Math.max(2, bands - 1); k++) {",
      "^colmean",
    ],
    [
      "A column mean divides by as many rows as if all bands were full",
      "finish(sums[c], rows);",
      "finish(sums[c], bands * Math.ceil(rows / bands));",
      "^colmean",
    ],
    [
      "The second column reduction of a kernel reads the first one's partials",
      "((nth * batch + b) * bands + k) * cols",
      "(b * bands + k) * cols",
      "^several reductions",
    ],
  ]),
  ...of("kernels/plan/sums.ts", [fuzz], [
    [
      "A tensor's sum leaves out its last unit",
      "for (let unit = 0; unit < unitCount; unit++)",
      "for (let unit = 0; unit < Math.max(1, unitCount - 1); unit++)",
      "^every reduction",
    ],
  ]),
  ...of("kernels/plan/stages.ts", [bands], [
    [
      "A sum over all tensors is complete after the first of several waves",
      "wave === waves.at(-1) ? complete : []",
      "wave === waves[0] ? complete : []",
      "^A sum over more tensors",
    ],
    [
      "Tensors of a wave that is full are left out",
      "if (room <= 0) waves.push([]), room = elements;",
      "if (waves.length === 0) waves.push([]), room = elements;\n    if (room <= 0) continue;",
      "^A sum over more tensors",
    ],
  ]),
  ...of("kernels/backends/webgpu/kernel_code.ts", [loweredBuiltins], [
    ["The half word behind a tensor of odd length is written in WGSL", "& 0xffff0000u;", "& 0u;", "^adamw in WGSL"],
  ]),
  ...of("kernels/backends/webgpu/loop_code.ts", [loweredBuiltins], [
    ["An odd element takes its even neighbour's bits in WGSL", ">> (16u * (${place} & 1u))", ">> (0u * (${place} & 1u))", "^adamw in WGSL"],
  ]),
  ...of("kernels/backends/webgpu/tile_code.ts", [lowered], [
    ["A tile ends after its first chunk of rows", "chunk < chunks; chunk++", "chunk < 1u; chunk++", "^sum of tensors"],
    ["Rows end with their first strip", 'joinOf(row, "strips"', 'joinOf(row, "1u"', "^sum of tensors"],
    ["Columns end with their first band", 'joinOf(col, "bands"', 'joinOf(col, "1u"', "^sum of tensors"],
    ["A tile adds nothing to totals", "part${nth}`)}`", "rowSum`)}`", "^norm of tensors"],
  ]),
  ...of("kernels/backends/webgpu/sums_code.ts", [lowered], [
    ["Half of a workgroup's threads count for nothing in WGSL", "h = ${all >> 1}u", "h = ${all >> 2}u", "^norm of tensors"],
  ]),
  ...of("kernels/backends/webgpu/expressions.ts", [lowered], [
    [
      "A compiler sees that a number is taken off itself, and gives 0 also for NaN",
      "`${a} - hidden(${b})`",
      "`${a} - ${b}`",
      "^what is no number",
    ],
    [
      "The least of two zeros is the wrong one in WGSL",
      "bitcast<u32>(a) | bitcast<u32>(b)",
      "bitcast<u32>(a) & bitcast<u32>(b)",
      "^what is no number",
    ],
  ]),
  ...of("kernels/backends/webgpu/machine.ts", ["tests/kernels/webgpu/machine_test.ts"], [
    ["A loss is said twice", "word && !/^(the )?device was lost\\.?$/i.test(word)", "word", "^A loss is said once"],
    ["Pipelines heap up", "pipelines.size >= mostPipelines", "false", "^Pipelines of ever other texts"],
    ["The pipeline that is asked for most goes first", "pipelines.delete(key + code);", "", "^Pipelines of ever other texts"],
  ]),
  ...of("kernels/backends/webgpu/device_memory.ts", ["tests/kernels/webgpu/device_memory_test.ts"], [
    [
      "What was given back is taken again as it was",
      "device.queue.writeBuffer(block.buffer, at, new Uint8Array(size));",
      "",
      "^What was given back",
    ],
    ["A free range is not joined with the one before it", "before.at + before.size === at ?", "false ?", "^What was given back"],
    ["A free range is not joined with the one behind it", "after.at === at + size ?", "false ?", "^What was given back"],
    ["A long tensor that begins first is overlooked", "Math.max(end, inside.ends.at(-1) ?? 0)", "end", "^Tensors of many"],
    ["Tensors that have got a buffer since share with nobody", "if (opened !== memory.opened)", "if (opened < 0)", "^Tensors of many"],
  ]),
  ...of("kernels/backends/webgpu/lower.ts", [lowered], [
    ["Of tensors in one buffer each has passes of its own", "if (set.length === 1) continue;", "continue;", "^passes are as many"],
    [
      "Joined passes bind more buffers than the device does",
      "clusters[0].list.length + 2 > ",
      "clusters[0].list.length > ",
      "^passes are as many",
    ],
    ["Records of tensors that are bound together are spread out", "if (!one.isJoined) words", "words", "^passes are as many"],
    ["A sum over tensors is made of finished sums of tensors", "kindOf(f, !isShare)", "kindOf(f, true)", "^norm of tensors"],
  ]),
  ...of("kernels/backends/webgpu/qr_code.ts", [gpuFactors], [
    [
      "Reflections have the sign of LAPACK's no more on the device",
      "select(norm, -norm, alpha < 0.0)",
      "select(-norm, norm, alpha < 0.0)",
      "^qr",
    ],
    [
      "A small column's squares are 0 on the device",
      "let scale = bitcast<f32>(clamp(254u",
      "let scale = 1.0 + 0.0 * bitcast<f32>(clamp(254u",
      "^Columns",
    ],
    ["Reflections of a panel do not know those before them", "w -= ${", "w -= 0.0 * ${", "^qr"],
    ["Q is made of reflections in the order of R", "(k) => 4 + k % 2)", "(k) => 4 + (k + 1) % 2)", "^qr"],
  ]),
  ...of("kernels/backends/webgpu/eigh_code.ts", [gpuFactors], [
    ["Eigenvectors come as they are found on the device", "if (other < value ||", "if (false && other < value ||", "^eigh"],
    ["A matrix of several pairs is left after its first sweep", "+ 2u * pairs - 1u); }", "+ 0u); }", "^eigh"],
    ["Where a pair stood before it was turned counts for nothing", "+ select(0.0, 1.0, row == p.x);", "+ 0.0;", "^eigh"],
  ]),
  ...of("kernels/backends/webgpu/scale_code.ts", [gpuFactors], [
    ["A number that is not finite has factors on the device", "most < 0x7f800000u", "most <= 0x7fc00000u", "^Matrices of zeros"],
    ["Upper triangles count for eigh's scale", "if (i % cols > i / cols) { continue; }", "", "^eigh on the device reads"],
  ]),
  ...of("kernels/backends/webgpu/clusters.ts", [lowered], [
    [
      "Many tensors are bound together beyond what the device binds",
      "if (joined === undefined || !fits(joined))",
      "if (joined === undefined)",
      "^passes are as many",
    ],
    ["What lies in one buffer begins where the buffer is bound", "(offset - list[last].offset) / 4", "0", "^products, transposes"],
    ["Many tensors begin where their buffer is bound", "(offset - ranges[of.get(key)!].from) / 4", "0", "^numbers that depend"],
  ]),
  ...of("core/emit_wgsl.ts", ["tests/core/emit_wgsl_test.ts"], [
    ["Numbers that a rule carries from step to step stay as they begin", "      plan.advance();\n", "", "^nadam with ema"],
    ["A step's numbers are given for another step's parts", "if (other >= 0) {", "if (other > 1) {", "^emitWgsl.. refuses"],
    ["The passes of a step are those of all parts", "when === undefined || stand[conditions.indexOf(when)]", "true", "^soap, emitted"],
    ["An option that changes a rule's text is taken between steps", "=== rules) return;", '!== "") return;', "^emitWgsl\\(\\) refuses"],
    ["A refused option counts at the next step", "      settledParts(group, how.options, tensor);\n", "", "^emitWgsl\\(\\) refuses"],
  ]),
  ...of("kernels/tables/ops.ts", [fuzz], [
    ["A root mean square is a norm", "finish: (sum, n) => Math.sqrt(sum / n)", "finish: (sum) => Math.sqrt(sum)", "^every reduction"],
  ]),
  ...of("kernels/language/values.ts", [bits], [
    [
      "A 16-bit slot keeps more bits than it has until it is stored",
      'isNumber(cls) || dtype === "float32" ? right : rounded(draft, right, dtype)',
      "right",
      "^js ",
    ],
  ]),
  ...of("kernels/language/lower.ts", [operations], [
    [
      "A 16-bit slot's new content is loaded as float32",
      'slot === undefined ? v.dtype : slotType.get(slot)?.dtype ?? "float32"',
      "v.dtype",
      "small slot",
    ],
  ]),
  ...of("kernels/language/lower.ts", [kept], [
    [
      "Kernels that store other element types are taken for the same",
      "pointers.map((p) => [p.role, p.dtype])",
      "pointers.map((p) => [p.role])",
      "element type",
    ],
  ]),
  ...of("kernels/plan/partition.ts", [bands], [
    ["Sums are cut by the number of threads", "(kernel.reductions.length > 0 ? chunk : Math.min(share, most))", "share", "^sums of long"],
  ]),
  ...of("kernels/plan/sums.ts", [bands], [
    ["A mean over all tensors divides by the first one's size", "    n += classes[", "    n ||= classes[", "in the third round"],
  ]),
  ...of("kernels/plan/stages.ts", [plans], [
    [
      "A round does not wait for the sum over tensors that it needs",
      "(code.needs[next.get(code)!] ?? []).every((key) => done.has(key))",
      "true",
      "^A sum",
    ],
    [
      "A sum over tensors is complete when one of its texts has summed",
      "list.every(({ code, round }) => next.get(code)! > round)",
      "list.some(({ code, round }) => next.get(code)! > round)",
      "^A sum",
    ],
  ]),
  ...of("kernels/plan/plan.ts", [bits], [
    [
      "Slots that are numbers keep the values of the last round",
      "for (const { groups, items, round } of closing) computeNumbers(groups, items, round);",
      "",
      "^js ",
    ],
  ]),
  ...of("kernels/plan/numbers.ts", [optimizers], [
    ["Tensors share numbers though theirs differ", "if (shared[i].values === values) return shared[i];", "return shared[i];"],
  ]),
  ...of("kernels/plan/numbers.ts", [passes], [
    ["A norm of numbers adds them unsquared", "reductions[f].element(numbers[arg])", "numbers[arg]", "^an all… reduction of one number"],
  ]),
  ...of("kernels/plan/numbers.ts", [plans], [
    [
      "A group slot is each tensor's own where their steps differ",
      'if (i > 0 && code.program.values[ids[k]].op === "as")',
      "if (i < 0)",
      "^A group's number",
    ],
  ]),
  ...of("kernels/tables/ops.ts", [bits], [
    ["A greatest number is 0 at least", "max: { identity: -Infinity,", "max: { identity: 0,", "^js "],
  ]),
  ...of("kernels/tables/ops.ts", [operations], [
    ["NaN differs from NaN", "evaluate: (a, b) => truth(a < b || a > b)", "evaluate: (a, b) => truth(a !== b)"],
    ["where() looks at a NaN as at a truth", "condition < 0 || condition > 0 ? a : b", "condition !== 0 ? a : b"],
    ["The sign of NaN is 0", "a > 0 ? 1 : a < 0 ? -1 : a }", "a > 0 ? 1 : a < 0 ? -1 : 0 }"],
    ["clamp() lets NaN through as its bound", "Math.min(Math.max(a, low), high)", "a < low ? low : a < high ? a : high"],
  ]),

  // ---- kernels: backends

  ...of("kernels/half.ts", ["tests/kernels/half_test.ts"], [
    ["bfloat16 rounds half up", "((word >>> 16) & 1)) >>> 16", "1) >>> 16"],
    ["Half of the least float16 is 0", "if (shift > 24) return sign;", "if (shift > 23) return sign;"],
    ["float16 rounds half up", "0xfff + ((size >>> 13) & 1)", "0x1000"],
  ]),
  ...of("kernels/math.ts", ["tests/kernels/math_test.ts"], [
    ["exp() has a wrong coefficient", "r * (1 / 5040", "r * (1 / 5050"],
    ["cos() loses the low part of its argument", "(series - zLow / 2)", "series"],
    ["pow() goes on with the logarithm of another base", "if (size !== powerBase[0]) {", "if (powerBase[0] === 0) {"],
    ["2^-1024 is nothing", "for (let i = 1; i <= 16; i++)", "for (let i = 1; i <= 15; i++)"],
    ["Powers of what is below 0 are taken for usual ones", "if (x > 0 && x < Infinity && x !== 1", "if (x < Infinity && x !== 1"],
    ["The ends of waves are all at their top", "return (n & 2) === 0 ? 1 : -1;", "return 1;"],
  ]),
  ...of("kernels/backends/js/bind.ts", [bands], [
    [
      "A band's second column sum overwrites its first",
      "(k * (units.length / unitFields) + region) * cols",
      "region * cols",
      "^several reductions",
    ],
    ["Column sums of a band go on from those of the band before", "  columns.forEach(clear);\n", "", "^colsum"],
  ]),
  ...of("kernels/backends/wasm/sixteen_bits.ts", ["tests/kernels/sixteen_bits_test.ts"], [
    ["WASM rounds bfloat16 half up", "[upperHalf(registers, localGet(x)), vector(1), v128.and],", "[vector(1)],"],
    [
      "WASM takes NaN for infinity in float16",
      "[localGet(x), vector(0x7fffffff), v128.and, vector(most), f32x4.pmin,",
      "[vector(most), localGet(x), vector(0x7fffffff), v128.and, f32x4.pmin,",
    ],
    [
      "WASM takes float16's subnormal numbers for others",
      "[vector(0), localGet(size), vector(225 << 23), f32x4.sub, f32x4.pmin],",
      "[vector(0)],",
    ],
    ["WASM rounds what is too large for float16 by infinity", ", vector(most), i32x4.minUnsigned]", "]"],
    ["WASM rounds negative numbers to float16 more finely", "vector((13 << 23) + (1 << 22))", "vector(13 << 23)"],
    ["WASM stores float16 without its sign", "registers.vector(0x80008000), v128.and, v128.or]", "registers.vector(0), v128.and, v128.or]"],
  ]),
  ...of("kernels/backends/wasm/codegen.ts", ["tests/kernels/sixteen_bits_test.ts"], [
    [
      "A NaN of float32 is taken for one of 16 bits",
      "anyNaN: mayBeAnyNaN(kernel),",
      "anyNaN: false,",
    ],
    [
      "What another pass compared is asked for where it was",
      'condition.role === "col" || (frame.waiting.has(args[0]) && frame.masks[args[0]].length === 0)',
      'condition.role === "col"',
    ],
    ["A comparison is left for another pass without its number", " && !frame.waiting.has(index)) return mask", ") return mask"],
    ["A number that only fma asks for is not read", " || frame.wide.has(index)", ""],
    ["Passes share the memory between them", "blockBytes * waiting.indexOf(index)", "0 * waiting.indexOf(index)"],
    [
      "A pass goes over a whole block where less is left",
      "[localGet(left), i32.const(block), [localGet(left), i32.const(block), i32.lessUnsigned], select, localSet(size)],",
      "[i32.const(block), localSet(size)],",
    ],
  ]),
  ...of("kernels/backends/wasm/passes.ts", ["tests/kernels/sixteen_bits_test.ts"], [
    ["A rounded number that is used again is not computed", "for (const node of used) found.delete(node);", ""],
    ["A pass stores what a later one reads", "...[node, ...loads].map", "...[node].map"],
  ]),
  ...of("kernels/backends/wasm/codegen.ts", ["tests/kernels/agree_test.ts"], [
    ["A slot is written before it has been read", "Math.max(places.get(node) ?? -1, readAt.get(pointer) ?? -1)", "places.get(node) ?? -1"],
    ["Twenty-four elements are summed otherwise than eight", "(2 * u + (high ? 1 : 0)) % pairsOfSums", "(2 * u + (high ? 1 : 0)) & 1"],
  ]),
  ...of("kernels/backends/wasm/arena.ts", [memory], [
    ["Memory from a hole is not zeroed", "    new Uint8Array(arena.buffer, address, bytes).fill(0);\n", ""],
    ["Memory that was given back at the end is not zeroed", "    new Uint8Array(arena.buffer, last.address, last.bytes).fill(0);\n", ""],
  ]),
  ...of("kernels/backends/wasm/arena.ts", [kept], [
    ["Neighbours that were given back stay apart", "a.address + a.bytes === b.address", "a.bytes < 0", "^Backend wasm: memory"],
    [
      "What is left of a piece that is larger than wanted is lost",
      "{ address: address + bytes, bytes: begin + size - address - bytes }",
      "{ address: address + bytes, bytes: 0 }",
      "^Backend wasm: memory",
    ],
    [
      "What is left of a piece that is larger than wanted begins too early",
      "{ address: address + bytes, bytes: begin + size - address - bytes }",
      "{ address: address + bytes - 64, bytes: begin + size - address - bytes + 64 }",
      "^Backend wasm: memory",
    ],
  ]),
  ...of("kernels/backends/wasm/arena.ts", [placement], [
    [
      "What is left out before a tensor is lost",
      "if (address > arena.top) free.push({",
      "if (address < 0) free.push({",
      "^wasm: what is left",
    ],
  ]),
  ...of("kernels/backends/wasm/placement.ts", [placement], [
    ["A tensor may lie at another's place of 4 KiB", "inOtherPlaces(at) && inOtherBanks(at)", "inOtherBanks(at)", "^wasm: .* lie apart"],
    ["A tensor may lie among another's banks", "inOtherPlaces(at) && inOtherBanks(at)", "inOtherPlaces(at)", "^wasm: .* lie apart"],
    ["Any number of bytes may be left out", "Math.max(page, Math.floor(bytes / 100))", "bytes", "^A place that"],
  ]),
  ...of("kernels/backends/wasm/memory.ts", [placement], [
    [
      "Tensors that would fit one behind the other are refused",
      "takeAll(arena, wanted, others) ?? takeAll(arena, wanted, null)",
      "takeAll(arena, wanted, others)",
      "^wasm: tensors that fill",
    ],
    ["Tensors of allocate lie anywhere", "take(arena, bytes, left, memory.latest)", "take(arena, bytes, left)", "^wasm: .* lie apart"],
    [
      "A parameter's slots lie anywhere to the parameter",
      "takeAll(arena, wanted, others) ??",
      "takeAll(arena, wanted, []) ??",
      "^wasm: .* lie apart",
    ],
  ]),
  ...of("core/optimizer/step.ts", [foreignArrays], [
    ["Parameters are written before all gradients are read", "!buffers.has(buffer) && ", "", "another parameter's array"],
    [
      "Parameters that were carried stay where they were",
      "if (p !== null && writesParams) p.into = param.elements;",
      "",
      "arrays of its own$",
    ],
  ]),
  ...of("kernels/plan/carried.ts", [carried], [
    ["What a routine reads is carried", "if (routines.flat()", "if (routines.slice(9).flat()", "carries nothing"],
  ]),
  ...of("kernels/backends/threads/threads.ts", [carried], [
    ["Units are ready as they were in the run before", "if (carrying !== null) resetUnits(carrying, units);", "", "^three hundred"],
    ["What is finished last is not copied out", "      takeRest();\n", "", "^three hundred"],
  ]),
  ...of("kernels/backends/threads/carrying.ts", [carried], [
    [
      "A copy that fails holds a worker up",
      "    attempt(carrying.bring, brought);\n",
      "    carrying.bring(brought);\n",
      "^an array that cannot",
    ],
    [
      "A unit that waits for a worker is copied out",
      "Atomics.load(words, at(carrying, taken, FINISHED)) === 1",
      "taken >= 0",
      "^three hundred",
    ],
  ]),
  ...of("kernels/backends/wasm/executor.ts", [threadsTest], [
    ["Tiny units are shared out", "elements >= units * Math.min(", "elements >= 0 * Math.min(", "^workers take units above"],
  ]),
  ...of("kernels/backends/wasm/executor.ts", [bands], [
    ["Units that sum are run as one on one thread", 'shape === "flat" && reductions.length === 0', 'shape === "flat"', "^sums of long"],
  ]),
  ...of("kernels/backends/run.ts", [kept], [
    [
      "run() takes a kept plan for other tensors",
      "`${names} ${given[0].tensor.shape} ${ids}`",
      "`${names} ${given[0].tensor.shape}`",
      "is another run",
    ],
    [
      "Plans over memory that was given back are kept",
      "if (data !== undefined && !ids.includes(idOf(data))) continue;",
      "if (data !== undefined) continue;",
      "goes with it",
    ],
  ]),
  ...of("kernels/backends/wasm/memory.ts", [memory], [
    ["Tensors that find no room together keep what they took", "      taken.forEach(give);\n", ""],
    ["Memory that was given back still counts", "  memory.allocated -= block.bytes;\n", ""],
    ["A piece of scratch is given back twice", "if (!memory.scratch.delete(block)) return;", "memory.scratch.delete(block);"],
  ]),
  ...of("kernels/backends/wasm/executor.ts", [fuzz], [
    ["All units leave their sums at one place", "job.totals.byteOffset + partials * unit", "job.totals.byteOffset", "^every reduction"],
  ]),
  ...of("kernels/backends/threads/control_block.ts", [controlBlock], [
    [
      "The new table's count is stored before the old one is closed",
      "  Atomics.store(control, NEXT, open | closed);\n  Atomics.store(control, COUNT, units);",
      "  Atomics.store(control, COUNT, units);\n  Atomics.store(control, NEXT, open | closed);",
    ],
    [
      "The table is opened before its address is stored",
      "  Atomics.store(control, TABLE, address);\n  Atomics.store(control, DONE, 0);\n  Atomics.store(control, NEXT, open);",
      "  Atomics.store(control, DONE, 0);\n  Atomics.store(control, NEXT, open);\n  Atomics.store(control, TABLE, address);",
    ],
    [
      "The table is opened before its count of finished units is set back",
      "  Atomics.store(control, DONE, 0);\n  Atomics.store(control, NEXT, open);",
      "  Atomics.store(control, NEXT, open);\n  Atomics.store(control, DONE, 0);",
    ],
    [
      "Workers are told of a table before it is open",
      "  Atomics.store(control, NEXT, open);\n  Atomics.store(control, GENERATION, generation);",
      "  Atomics.store(control, GENERATION, generation);\n  Atomics.store(control, NEXT, open);",
    ],
    ["The old table is not closed", "  Atomics.store(control, NEXT, open | closed);\n", ""],
    ["The generation does not stand beside the number of the next unit", "const open = generation << unitBits;", "const open = 0;"],
    [
      "A unit is claimed by a store",
      "if (Atomics.compareExchange(control, NEXT, next, next + 1) === next) return unit;",
      "Atomics.store(control, NEXT, next + 1);\n    return unit;",
    ],
    [
      "A unit is claimed though another took it",
      "if (Atomics.compareExchange(control, NEXT, next, next + 1) === next) return unit;",
      "Atomics.compareExchange(control, NEXT, next, next + 1);\n    return unit;",
    ],
    [
      "A unit more is claimed than there are",
      "if (unit >= Atomics.load(control, COUNT)) return -1;",
      "if (unit > Atomics.load(control, COUNT)) return -1;",
    ],
    [
      "The caller goes on a unit early",
      "for (let spin = 0; spin < spins; spin++) if (Atomics.load(control, DONE) >= units) return;",
      "for (let spin = 0; spin < spins; spin++) if (Atomics.load(control, DONE) >= units - 1) return;",
    ],
    [
      "Workers that shall end are not woken",
      "  Atomics.add(control, GENERATION, 1);\n  Atomics.notify(control, GENERATION);",
      "  Atomics.add(control, GENERATION, 1);",
    ],
    [
      "Workers that shall end are woken before they are told to",
      "  Atomics.store(control, STOP, 1);\n  Atomics.add(control, GENERATION, 1);\n  Atomics.notify(control, GENERATION);",
      "  Atomics.add(control, GENERATION, 1);\n  Atomics.notify(control, GENERATION);\n  Atomics.store(control, STOP, 1);",
    ],
  ]),

  // ---- core

  ...of("core/optimizer/plans.ts", [plans], [
    ["A plan is used again for another gradient in place", " || gradients[i] !== memory", ""],
    ["A plan is used again after an option changed the text", " || texts[i] !== param.text", ""],
    ["A plan that nobody will use again is not given back", "kept.shift()!.plan.dispose()", "kept.shift()"],
  ]),
  ...of("core/optimizer/gradients.ts", [optimizers], [
    [
      "A gradient in another tensor's gradient memory is read after that was written",
      "source: apart(raw, dtype, memory) }",
      "source: raw }",
    ],
    ["A gradient in memory that the step writes is read where it lies", "  if (liesIn(memory, tensor)) return null;\n", ""],
  ]),
  ...of("core/optimizer/current.ts", [scheduled], [
    [
      "Only the first of several schedules is applied",
      "for (const one of scheduled) {",
      "for (const one of scheduled.slice(0, 1)) {",
      "act together",
    ],
  ]),
  ...of("core/optimizer/current.ts", ["tests/core/optimizer_test.ts", "tests/core/groups_test.ts"], [
    [
      "A scheduled value may leave its option's range",
      'if (Number.isFinite(value) && option === "lr") return;',
      "if (Number.isFinite(value)) return;",
    ],
    [
      "A group's own option gives way to the optimizer's",
      "own.has(option) ? own.get(option) : base[option]",
      "base[option] ?? own.get(option)",
    ],
  ]),
  ...of("core/optimizer/refresh.ts", [plans], [
    ["A changed option leaves the numbers of earlier steps", "  group.numbers.clear();\n", "", "^A changed option"],
  ]),
  ...of("core/optimizer/refresh.ts", ["tests/core/groups_test.ts", "tests/core/optimizer_test.ts"], [
    ["A changed option leaves the rule's text", "    params.forEach((param, i) => param.text = texts[i]);\n", ""],
    ["A rule whose text needs other slots is taken", "if (slotsText(parts) !== param.slotsText)", "if (parts.length === 0)"],
  ]),
  ...of("core/optimizer/loaded_state.ts", [scheduled], [
    [
      "A state that is refused leaves the schedules before the wrong one changed",
      "schedules.forEach(({ schedule }, i) => schedule.state = before[i]);",
      "",
      "^A state whose",
    ],
    [
      "Tensors are loaded before the schedules say whether they take their part",
      "  assignSchedules(schedules);\n",
      "  for (const one of taken) write(one);\n  assignSchedules(schedules);\n",
      "^A state whose",
    ],
    [
      "A group's count is loaded before the schedules say whether they take their part",
      "  assignSchedules(schedules);\n",
      "  for (const group of of.groups) group.count = groupSteps.get(group.index) ?? group.count;\n  assignSchedules(schedules);\n",
      "count of a group",
    ],
  ]),
  ...of("core/optimizer/loaded_state.ts", ["tests/core/state_test.ts"], [
    [
      "A state without metadata counts the steps of its tensor with the fewest",
      "Math.max(...counts.values())",
      "Math.min(...counts.values())",
    ],
    ["Weights alone set the steps back", "counts.size === 0 ? of.steps :", "counts.size === 0 ? 0 :"],
    [
      "Of a state's faults only the first is said",
      "faults.map(({ message }) => message)",
      "faults.slice(0, 1).map(({ message }) => message)",
    ],
    ["A partial load takes a tensor that does not fit", "!sameShape(tensor.shape, shape)", "!sameShape(shape, shape)"],
    [
      "A slot that starts as its parameter starts from the one before the load",
      "  for (const one of taken) if (isParam(one)) write(one);\n",
      "",
      "^A slot that starts",
    ],
  ]),
  ...of("core/optimizer/saved_count.ts", ["tests/core/state_test.ts"], [
    ["A state with half a step is taken", "Number.isSafeInteger(count) && count >= 0", "count >= 0"],
    ["A count of bfloat16 is its bits", "? widenBfloat16(first as number)", "? Number(first)"],
    ["A count is read from an array of another type", "!arrays[dtype].includes(tagOf(data)) || ", ""],
  ]),
  ...of("core/optimizer/saved_state.ts", ["tests/core/state_test.ts"], [
    ["A saved state has no counts of groups", "metadata[`group.${index}.step`] = String(count);", "void count;"],
  ]),
  ...of("core/optimizer/optimizer_state.ts", [optimizers], [
    ["A tensor's steps are counted with the optimizer's", "    default:\n      return count;", "    default:\n      return steps;"],
    ["The coming step's t is that of the last one", "return countOf(state, param) + 1;", "return Math.max(1, countOf(state, param));"],
  ]),
  ...of("core/optimizer/param_state.ts", [optimizers], [
    ["A slot that starts as the parameter takes it at every step", "  if (param.primed) return;\n", ""],
    [
      "A slot of another element type takes the parameter's bits",
      "if (tensor.dtype === p.dtype) copyTensor(backend, p, tensor);",
      "if (tensor !== null) copyTensor(backend, p, tensor);",
    ],
  ]),
  ...of("kernels/language/parse.ts", ["tests/kernels/parse_test.ts"], [
    ["Terms beside each other count as nested", "    depth--;\n", "", "^only what is nested"],
  ]),
  ...of("kernels/language/rounds.ts", [passes], [
    ["The search for fewer passes has no end", "    left -= layout.work;\n", "", "^the search"],
  ]),
  ...of("kernels/plan/plan.ts", [passes], [
    ["A plan that fails keeps its memory", "  } catch (error) {\n    dispose();", "  } catch (error) {", "a plan that is refused"],
  ]),
  ...of("core/optimizer/programs.ts", [plans], [
    ["Texts that differ at the end are taken for one", "rule.after, rule.last,", "rule.after,", "^Optimizers of one backend"],
    ["Texts over slots of other dtypes are taken for one", "[name, cls, dtype]", "[name, cls]", "^Optimizers of one backend"],
    ["Texts with and without a number are taken for one", "      scope,\n      scalars,", "      scope,", "^Optimizers of one backend"],
  ]),
  ...of("core/optimizer/param_state.ts", [optimizers], [
    [
      "A gradient that lies in another parameter is read after that one's step",
      "      memory.lent.push(lying);\n",
      "",
      "lie in another parameter",
    ],
  ]),
  ...of("core/optimizer/saved_state.ts", ["tests/core/state_test.ts"], [
    ["A group slot without a key is saved as null", ".filter(([, name]) => name !== null)", "", "^A slot without a key"],
  ]),
  ...of("core/optimizer/gradients.ts", [plans], [
    ["Every new gradient gets a plan of its own", "inPlace.length >= mostInPlace || ", "", "^Of gradients that take turns"],
  ]),
  ...of("core/optimizer/numbers.ts", [plans], [
    ["Numbers are kept for every step", "  if (numbers.size >= mostKept) numbers.clear();\n", "", "^A group keeps its numbers"],
  ]),
  ...of("kernels/language/matrices.ts", ["tests/core/splice_test.ts"], [
    ["A product of matrices fits any cut", "Object.hasOwn(routines, e.f) || ", "", "^Who speaks of rows"],
    ["Dimensions fit any cut", "dimensions[e.name as keyof Extent]", "false", "^Who speaks of rows"],
  ]),
  ...of("core/optimizer/splice.ts", ["tests/core/splice_test.ts"], [
    [
      "after follows the first line that assigns u",
      'update.findLastIndex(({ name }) => name === "u")',
      'update.findIndex(({ name }) => name === "u")',
    ],
  ]),
  ...of("core/optimizer/match.ts", ["tests/core/groups_test.ts"], [
    ["The last group that matches has a tensor", "finders.findIndex(", "finders.findLastIndex("],
    [
      "A global expression matches every other name",
      "    pattern.lastIndex = 0; // a global or sticky expression would go on from its last match\n",
      "",
    ],
    ["A glob's star takes all or nothing", "[star + 1, from + 1, from + 1]", "[star + 1, name.length, name.length]"],
  ]),
  ...of("core/optimizer/on_device.ts", ["tests/core/webgpu_test.ts"], [
    [
      "A step that was held back on a device stays counted",
      "if (known.has(run) && run.held.length > 0) count",
      "if (false) count",
      "^A step with a number",
    ],
    [
      "What the device holds comes to no array",
      "if (param.ahead) param.elements.set",
      "if (false) param.elements.set",
      "^Arrays are moved",
    ],
  ]),
  ...of("core/optimizer/param_state.ts", ["tests/core/webgpu_test.ts"], [
    ["An old array is uploaded before each step on a device", "if (isCopied && !param.ahead)", "if (isCopied)", "^Arrays are moved"],
  ]),
  ...of("core/optimizer/submitted.ts", ["tests/core/webgpu_test.ts"], [
    ["Options change before it is known what was held back", "last.version !== version", "false", "^What a step's numbers"],
  ]),
  ...of("kernels/backends/webgpu/webgpu.ts", ["tests/core/webgpu_test.ts"], [
    [
      "A loaded number does not come to the device",
      "if (cell !== undefined) cell.known = undefined;",
      "void cell;",
      "^Numbers that follow",
    ],
  ]),
  ...of("kernels/backends/webgpu/device_plan.ts", ["tests/core/webgpu_mistakes_test.ts"], [
    ["The host's numbers stay ahead of a step that the device refused", "one.putBack();", "void one;", "^A refused step"],
    [
      "A plan has more rows than the device binds at once",
      "rows = rowsOf(machine, recordBytes)",
      "rows = mostRows",
      "^A device that allows no more",
    ],
  ]),
  ...of("kernels/backends/webgpu/windows.ts", ["tests/core/webgpu_test.ts"], [
    ["Numbers of the host stay ahead of a step that was held back", "  window.rows[rows].putBack();\n", "", "^A step with a number"],
  ]),
  ...of("kernels/backends/webgpu/device_memory.ts", ["tests/core/webgpu_test.ts"], [
    ["A tensor ends behind its buffer", "offset + wordBytes(byteLength) > buffer.size", "false", "^Bad tensors"],
    ["A buffer that kernels cannot bind is taken", "(buffer.usage & usage.storage) === 0", "false", "^Bad tensors"],
    ["A state is loaded into a buffer that takes none", "(data.buffer.usage & flag) === 0", "false", "^A state is refused as a whole"],
    [
      "A gradient that the device refuses is copied apart from the step that it is of",
      "if (memory.waiting.some((copy) => shareWords(copy.from, into) || shareWords(copy.into, into))) flush(memory);",
      "flush(memory);",
      "^A gradient that is copied from a destroyed",
    ],
  ]),
  ...of("core/optimizer/points.ts", ["tests/core/apart_test.ts"], [
    [
      "A parameter is a point of itself only where this thread reads it",
      "copyTensor(backend, contentOf(param), target)",
      "rawOf(target.data).set(param.elements)",
    ],
  ]),
  ...of("core/optimizer/param_state.ts", ["tests/core/apart_test.ts"], [
    ["A slot starts as what this thread reads of the parameter", "copyTensor(backend, p, tensor)", "backend.upload(tensor, elements)"],
  ]),
  ...of("core/optimizer/memory.ts", ["tests/core/apart_test.ts"], [
    ["What the backend owns is written by this thread", "if (!backend.owns(into)) return", "if (true) return"],
  ]),
  ...of("core/optimizer/points.ts", [optimizers], [
    ["A point is computed from what kernels saw last", "for (const param of computed) uploadParam(backend, param);\n", "\n"],
  ]),
  ...of("core/training/trainer.ts", ["tests/core/trainer_test.ts"], [
    ["A trainer forgets the tensors that had a gradient before", "      for (const name of names) ever.add(name);\n", ""],
    ["A trainer keeps what it has stepped with", "    accumulator.reset();\n", ""],
  ]),
  ...of("core/training/trainer.ts", ["tests/core/trainer_state_test.ts"], [
    ["A refused state leaves what it had gathered", "    gathered?.undo();\n", "", "^Faults of"],
    ["A state leaves gathered what belonged to another run", "  gathered!.finish();\n", "", "own state"],
    ["What was wrong with the gathered is not said", "    faults.push(error);\n", "    void error;\n", "^Faults of"],
  ]),
  ...of("core/training/gathered.ts", ["tests/core/trainer_state_test.ts"], [
    [
      "What another accumulator has gathered is taken",
      "gathering === undefined || gathered.name !== gathering.name",
      "gathering === undefined",
      "another accumulator",
    ],
    ["Gathered tensors are lost where a parameter has their key", "Object.hasOwn(tensors, key)", "false", "^A parameter under a key"],
  ]),
  ...of("core/training/differences.ts", ["tests/core/trainer_state_test.ts"], [
    ["Options of two algorithms are compared", "return before.name === now.name;", "return true;", "^differences"],
  ]),
  ...of("core/plugin/schedules.ts", ["tests/core/groups_test.ts"], [
    [
      "A schedule of values is taken for one of factors",
      'schedule.returns === "value" ? given : ',
      'schedule.returns === "values" as string ? given : ',
    ],
  ]),
  ...of("core/plugin/options.ts", ["tests/core/options_test.ts"], [
    ["A bound that is excluded is included", "value < exclusiveMaximum", "value <= exclusiveMaximum"],
  ]),
  ...of("core/plugin/options.ts", [scheduled], [
    [
      "An array option that is assigned anew changes nothing where its length is the same",
      "a.length === b.length && a.every((x, i) => Object.is(x, b[i]))",
      "a.length === b.length",
      "^An array option",
    ],
    [
      "Of an array option only the first element is looked at",
      "a.every((x, i) => Object.is(x, b[i]))",
      "Object.is(a[0], b[0])",
      "^An array option",
    ],
    [
      "An array option is the caller's own array",
      "Array.isArray(value) ? Object.freeze([...value]) : value",
      "value",
      "^An array that was given",
    ],
  ]),
  ...of("core/tensors.ts", ["tests/core/tools_test.ts"], [
    [
      "A gradient of another shape and as many elements is taken",
      "!sameShape(shape, place.shape)",
      "false",
      "^A plugin's tensors",
    ],
    ["A gradient of another 16-bit dtype is taken", 'dtype !== place.dtype && dtype !== "float32"', "false", "^A plugin's tensors"],
  ]),
  ...of("core/plugin/schedules.ts", ["tests/core/tools_test.ts", "tests/core/registry_test.ts"], [
    [
      "A nested schedule is made over 1",
      "makeSchedule(plugin, options, base, find)",
      "makeSchedule(plugin, options, undefined, find)",
      "^A plugin",
    ],
    ["A plugin may make what it does not say", "plugin.returns !== undefined && plugin.returns !== returns", "false", "^A plugin"],
  ]),
  ...of("core/optimizer/schedules.ts", [scheduled], [
    [
      "An option whose schedule gives values can be assigned, and nothing follows",
      "  if (one !== undefined) throw replacedError(plugin, option, one);",
      "",
      "^A schedule of values",
    ],
    [
      "A group may set an option whose schedule gives values",
      "if (!set.has(name) || values.get(one) !== false) continue;",
      "if (option) continue;",
      "^A schedule of values",
    ],
  ]),
  ...of("core/optimizer/step.ts", [optimizers], [
    ["A step without gradients uses those of an earlier step", "!state.givesGradients && ", "false && ", "^A step without gradients"],
  ]),
  ...of("core/optimizer/match.ts", ["tests/core/groups_test.ts"], [
    ["A parameter in two groups' lists goes to the first", "if (other !== i) {", "if (other < 0) {", "^Groups refuse a parameter"],
  ]),
  ...of("core/tensors.ts", ["tests/core/webgpu_test.ts"], [
    ["A bare GPUBuffer is refused without a word", "mapAsync !== undefined", "false", "^Bad tensors"],
  ]),
  ...of("core/tensors.ts", [optimizers], [
    ["A tensor's dims are passed over", "if (!isPlainObject(like)) return;", "if (like) return;", "^A plain object with"],
  ]),
  ...of("core/training/trainer.ts", ["tests/core/trainer_test.ts"], [
    ["A recipe that would never step is taken", "?.default !== null || every", "?.default === null || every", "and no every is refused"],
  ]),

  // ---- plugins: schedules

  ...of("plugins/schedules/linear.ts", [reference], [
    [
      "linear falls from the first step on",
      "Math.max(1, numTrainingSteps - numWarmupSteps)",
      "Math.max(1, numTrainingSteps)",
      "^get_linear_schedule",
    ],
  ]),
  ...of("plugins/schedules/cosine.ts", [schedules], [
    ["cosine goes half as far", "numCycles * 2 * progress", "numCycles * progress", "^cosine "],
    ["cosine goes on where it should hold", "const s = Math.min(step, last);", "const s = step;", "^cosine "],
    ["cosine's warmup starts at 0 whatever its offset", "(s + warmupOffset)", "s", "starts its warmup"],
  ]),
  ...of("plugins/schedules/cosine_with_restarts.ts", [schedules], [
    ["cosine_with_restarts takes JavaScript's remainder", "cycles - Math.floor(cycles)", "cycles % 1", "Python's remainder"],
  ]),
  ...of("plugins/schedules/polynomial.ts", [schedules], [
    ["polynomial with power 0 falls at its end", "step > numTrainingSteps", "step >= numTrainingSteps", "^polynomial "],
    ["polynomial measures lrEnd against the optimizer's value alone", "lrInit ?? base.value", "base.value", "^polynomial "],
    ["polynomial ends at lrEnd as a factor", "return lrEnd / init;", "return lrEnd;", "^polynomial "],
  ]),
  ...of("plugins/schedules/inverse_sqrt.ts", [schedules], [
    ["inverse_sqrt forgets how long the warmup was", "const shift = scale - numWarmupSteps;", "const shift = scale;", "^inverse_sqrt "],
    [
      "inverse_sqrt's timescale is 10,000 also after a warmup",
      "= timescale ?? (numWarmupSteps || 10_000)",
      "= timescale ?? 10_000",
      "^inverse_sqrt ",
    ],
  ]),
  ...of("plugins/schedules/constant_with_warmup.ts", [reference], [
    [
      "constant_with_warmup reaches its value a step late",
      "/ Math.max(1, numWarmupSteps)",
      "/ Math.max(1, numWarmupSteps + 1)",
      "constant_schedule_with",
    ],
  ]),
  ...of("plugins/schedules/reduce_lr_on_plateau.ts", [schedules], [
    ["A plateau cuts an update early", "numBadEpochs <= patience", "numBadEpochs < patience", "^reduce_lr"],
    ["A plateau makes cuts that are too small to count", "value - next > eps &&", "value - next > 0 &&", "^reduce_lr"],
    [
      "A plateau saves values",
      "cooldownCounter, factors: [...factors] };",
      "cooldownCounter, factors: factors.map((x, i) => x * bases[i]) };",
      "^reduce_lr",
    ],
    ["A plateau's threshold has the metric's sign where it should not", "Math.abs(best)", "best", "^reduce_lr"],
    ["A plateau takes NaN for an improvement", 'mode === "min" ? metric < mark', 'mode === "min" ? !(metric >= mark)', "^reduce_lr"],
    [
      "A plateau counts bad metrics while it cools down",
      "cooldownCounter -= 1;\n          numBadEpochs = 0;",
      "cooldownCounter -= 1;",
      "^reduce_lr",
    ],
    ["A plateau's cooldown is not restored", "cooldownCounter = state.cooldownCounter;", "", "^reduce_lr"],
  ]),
  ...of("plugins/schedules/warmup.ts", [schedules], [
    ["warmup's decay goes on from the warmup's end", "decay(step - warmupSteps)", "decay(step)", "^warmup "],
    ["warmup does not scale a decay that returns factors", 'decay.returns === "value" ? 1 : initialLearningRate', "1", "^warmup "],
  ]),
  ...of("plugins/schedules/cosine_decay.ts", [schedules, reference], [
    ["cosine_decay falls during its warmup", "f(f(s - warmup) / decay)", "f(s / decay)", "cosine_decay|CosineDecay "],
    [
      "cosine_decay takes a decay over no steps",
      'type: "number", exclusiveMinimum: 0, unit',
      'type: "number", minimum: 0, unit',
      "^cosine_decay refuses",
    ],
  ]),
  ...of("plugins/schedules/cosine_with_min_lr.ts", [reference], [
    ["cosine_with_min_lr ends at 0", "* (1 - rate) + rate)", "* 1)", "min_lr_schedule"],
  ]),
  ...of("plugins/schedules/warmup_stable_decay.ts", [torchSchedules], [
    [
      "The training's length counts before that of the plateau",
      "options.numStableSteps ?? numTrainingSteps! -",
      "numTrainingSteps! -",
      "^warmup_stable",
    ],
  ]),
  ...of("plugins/schedules/greedy.ts", [torchSchedules], [
    ["greedy loses its warmup when it is saved", 'warmupCounter: count("warmupCounter")', "warmupCounter: 0", "^greedy goes on"],
    ["greedy never starts again", "if (now.resetStart <= 0) now = nothing();", "", "^greedy starts again"],
  ]),
  ...of("plugins/schedules/one_cycle.ts", [torchSchedules], [
    ["one_cycle holds the value of totalSteps", "Math.min(step, total - 1)", "Math.min(step, total)", "^one_cycle refuses"],
    ["one_cycle answers behind its cycle", "s > total || ", "", "^one_cycle refuses"],
  ]),
  ...of("plugins/schedules/cosine_annealing.ts", [torchSchedules], [
    [
      "cosine_annealing ends other groups elsewhere",
      "const lr = baseOf(base, group);",
      "const lr = base.value;",
      "^cosine_annealing and its restarts",
    ],
  ]),
  ...of("plugins/schedules/cosine_annealing_warm_restarts.ts", [torchSchedules], [
    ["A wave begins a step late", "while (at >= length)", "while (at > length)", "^cosine_annealing_warm_restarts finds"],
  ]),
  ...of("plugins/schedules/values_by_group.ts", [torchSchedules], [
    [
      "Values that are each group's own stand in place of a group's",
      "isShared ? shared",
      "curves.length > 0 ? shared",
      "^one_cycle and cyclic take",
    ],
  ]),
  ...of("plugins/http/wire/curve.ts", [torchSchedules], [
    [
      "The service asks for the first group's curve alone",
      "= schedule(steps[i], group);",
      "= schedule(steps[i], 0);",
      "^a service and a picture",
    ],
  ]),
  ...of("plugins/http/routes/shelf.ts", ["tests/plugins/http/lazy_plugins_test.ts"], [
    ["What could not be loaded is never tried again", ".finally(() => coming.delete(name))", ""],
    ["A schedule is loaded once for each that waits for it", "coming.set(name, loading);", "", "loads each schedule once"],
  ]),
  ...of("core/optimizer/current.ts", ["tests/core/scheduled_elements_test.ts"], [
    [
      "A scheduled element is put into its neighbour",
      "i === element ? scheduled : one",
      "i === 0 ? scheduled : one",
      "^steps with a scheduled",
    ],
    [
      "A second element's schedule undoes the first's",
      "put(values[name], one, value)",
      "put(base[name], one, value)",
      "^steps with a scheduled",
    ],
  ]),
  ...of("core/optimizer/schedules.ts", ["tests/core/group_schedules_test.ts"], [
    ["A group has the optimizer's schedule beside its own", "&& !isOwn(one)", "", "^a group's own value beside"],
    [
      "A group's own schedule is made over the optimizer's value",
      "const value = elementOf(unscaledValue(group, base, name), element);",
      "const value = elementOf(base[name], element);",
    ],
    ["Groups save their schedules under one key", "`group.${group}.schedule.${option}`", "`schedule.${option}`", "^a group's metric"],
    [
      "A list is assigned where an element of it would not be used",
      "one.name === option && isOfValues(one))",
      "one.option === option && isOfValues(one))",
      "^a list is not",
    ],
    [
      "A value is refused that some group would use",
      "if (taking.some((group) => replacing(group, option) === undefined)) return;",
      "",
      "^an assigned value",
    ],
  ]),
  ...of("core/plugin/schedules.ts", ["tests/core/group_schedules_test.ts"], [
    [
      "A group's own schedule is asked for its place among all groups",
      "own === undefined ? group : 0",
      "group",
      "^a group's own schedule is made",
    ],
  ]),
  ...of("plugins/schedules/compose.ts", [algebra], [
    [
      "Factors beside values are not times the base value",
      "? (step, group) => baseOf(base, group) * given(step, group) : given;",
      "? given : given;",
      "^where values and factors",
    ],
    [
      "A product's factors are times the base value",
      "isValue && !raw && !givesValues(part);",
      "isValue && !givesValues(part);",
      "^a product takes",
    ],
    [
      "Values that all groups share take a group",
      "const perGroup = parts.some(",
      "const perGroup = true || parts.some(",
      "^a list of ends",
    ],
    ["A metric's factors are those of the question before", "for (const one of asked) one.forget();", "", "^a warmup goes"],
    [
      "A metric is asked once more for each group",
      "let factors = seen.get(step);",
      "let factors = undefined as readonly number[] | undefined;",
      "^a schedule that follows",
    ],
    ["A state that is refused is half taken", "          put(before, i);\n", "", "^the state of a composition"],
    [
      "Values beside a metric are not over the base value",
      "isValue ? valueOf(step, group) / lr",
      "isValue ? valueOf(step, group)",
      "^values beside",
    ],
  ]),
  ...of("plugins/schedules/sequence.ts", [algebra], [
    ["A schedule of a sequence goes on counting", "step - milestones[turn - 1], group", "step, group", "^compositions of factors"],
    ["A plateau behind a warmup hears its metrics", "turnAt(lastUpdate(step))", "turnAt(step)", "^a metric goes to"],
  ]),
  ...of("core/optimizer/view.ts", [algebra], [
    [
      "A composition is not told of which step a metric is",
      "schedule.update(metric, state.steps)",
      "schedule.update(metric)",
      "^in front of",
    ],
  ]),
  ...of("core/facts/sums.ts", ["tests/core/facts_test.ts"], [
    ["Near 1 a geometric sum loses its digits", "Math.abs(count * x) > 0.01", "count > 0", "^facts of long"],
    ["A wave's sum is its middle times its steps", "sine(count * angle / 2) / sine(angle / 2)", "count", "^facts of cosine"],
    ["What a schedule says of its stretches is believed", "return start === end;", "return true;", "^what a schedule says"],
  ]),
  ...of("core/plugin/rebase.ts", ["tests/core/rebase_test.ts"], [
    ["A horizon that stays is noted", "horizons.from === horizons.to", "false", "^over its own horizon"],
  ]),
  ...of("plugins/recipes/from_torch.ts", ["tests/plugins/foreign_configs_test.ts"], [
    [
      "An optimizer with betas cycles a momentum",
      '"betas") ? "betas[0]" : "momentum"',
      '"betas") ? "momentum" : "momentum"',
      "fromTorch.* cycles",
    ],
    [
      "A momentum is cycled that is not there",
      'cycled === "momentum" && !Object',
      "false && !Object",
      "of a cycled momentum",
    ],
  ]),
  ...of("core/facts/pieces.ts", ["tests/core/facts_test.ts"], [
    [
      "A wave is not cut where it turns",
      'if (law.law !== "wave") return yield piece;',
      "if (law.law) return yield piece;",
      "^facts of cosine",
    ],
  ]),
  ...of("core/plugin/rebase.ts", ["tests/core/rebase_test.ts"], [
    ["Lengths are rounded by themselves", "place(begin + steps) - place(begin)", "place(steps)", "^lengths that add up"],
    ["A schedule within begins at step 0 of the whole", "origin + start, notes)", "0, notes)", "^lengths that add up"],
    ["A period's rounding may add up", "Math.abs(whole - exact) * (to / exact)", "Math.abs(whole - exact)", "^a length that repeats"],
    ["What must be above 0 may come to nothing", "exclusiveMinimum === 0 && length <= 0", "false", "^a rebased description"],
    ["Defaults that had to change are left out", "!isSame(changed[option], resolved[option])", "false", "^a rebased description"],
  ]),
  ...of("plugins/schedules/exponential.ts", ["tests/core/rebase_test.ts"], [
    ["The rate of each step stays over another horizon", "maths.pow(gamma, 1 / ratio)", "maths.pow(gamma, ratio)", "^exponential over"],
  ]),
  ...of("plugins/schedules/piecewise_interpolate.ts", ["tests/core/rebase_test.ts"], [
    ["Of boundaries that have become one the last is left", "(scaled[at] ?? 1) * scale", "scale", "^a rebased description"],
  ]),
  ...of("plugins/http/page/horizons.ts", ["tests/plugins/http/page_state_test.ts"], [
    [
      "The end of a shifted schedule stands behind it",
      'name === "shift" ? -value',
      'name === "shift" ? value',
      "^the end of what is moved",
    ],
    ["A schedule that begins again ends", " || beginsAgain({ name, options })", "", "^the end of what is moved"],
    ["A warmup in front is left out of an end", "leadOf({ name, options }) * each", "0", "^the end of what is moved"],
    ["The last schedule of a sequence begins at its step 0", "before + last * each", "before", "^the end of schedules"],
  ]),
  ...of("plugins/http/page/curves.ts", ["tests/plugins/http/page_state_test.ts"], [
    [
      "Links have options in the order in which they were set",
      "Object.keys(options).sort()",
      "Object.keys(options)",
      "^curves that are the same",
    ],
  ]),
  ...of("core/facts/jumps.ts", ["tests/core/facts_test.ts"], [
    [
      "The turn of a wave at the end of a range is a jump",
      "step === to ? [-1, -2] : step === from + 1 ? [1, 2] : [-1, 1]",
      "[-1, 1].filter((by) => step + by > from && step + by <= to)",
      "^facts tell",
    ],
    ["Cuts in neighbouring steps hide each other", 'if (law === "constant") return 0;', "", "^facts tell"],
    ["The jump behind those that are told is told too", "found.length < MOST_JUMPS", "found.length <= MOST_JUMPS", "^facts sum what jumps"],
  ]),
  ...of("core/facts/pieces.ts", ["tests/core/facts_test.ts"], [
    ["A cut at every step is a jump at every step", "run.length >= CURVE || isCurve", "isCurve", "^what changes at every step"],
    ["The rest of a long curve is cut into steps", "|| isCurve && run.length > 0", "", "^what changes at every step"],
  ]),
  ...of("core/facts.ts", ["tests/core/facts_test.ts"], [
    [
      "What is said of a short stretch is believed",
      'leaps(given) || given.law.law === "constant"',
      "leaps(given)",
      "^what a schedule says",
    ],
  ]),
  ...of("plugins/schedules/composed_stretches.ts", ["tests/core/facts_test.ts"], [
    ["A wave that is cut begins anew", "{ phase: one.phase + one.angle * (first - from) }", "{ phase: one.phase }", "^facts of long"],
    [
      "Bounds are not looked for inside a stretch",
      "if (sideOf(middle) === side) left = middle;",
      "if (sideOf(middle) === side || side === 0) left = middle;",
      "^facts over",
    ],
  ]),
  ...of("core/plot/stairs.ts", ["tests/core/plot_test.ts"], [
    ["The end of a plateau before a slope is a step", "jump > JUMP * after", "jump >= after", "draws steps as steps"],
    ["Steps are drawn aslant", "drawn.values.push(values[i - 1]);", "drawn.values.push(values[i]);", "draws steps as steps"],
  ]),
  ...of("core/plot/tags.ts", ["tests/core/plot_test.ts"], [
    ["Numbers stand below the floor", "tag.y = Math.min(tag.y, lowest);", "", "numbers the ends"],
  ]),
  ...of("plugins/schedules/simpler.ts", ["tests/core/normal_form_test.ts"], [
    [
      "Terms behind the second change places",
      "[second, first, ...rest]",
      "[second, first, ...[...rest].reverse()]",
      "^a normal form gives",
    ],
    [
      "Steps that are rounded are added",
      "steps.every((step) => Number.isSafeInteger(step))",
      "steps.every((step) => Number.isFinite(step))",
      "^what rounds",
    ],
  ]),
  ...of("plugins/schedules/sum.ts", ["tests/core/normal_form_test.ts"], [
    ["Factors beside values are added before they are scaled", "kinds.size === 1", "kinds.size > 0"],
  ]),
  ...of("plugins/schedules/rex.ts", [recordedSchedules], [
    ["rex is a straight line", "rest / (0.5 + 0.5 * rest)", "rest"],
  ]),
  ...of("plugins/schedules/swalr.ts", [recordedSchedules], [
    ["swalr ends every group at the first one's value", "ends[group ?? 0] ?? ends[0]", "ends[0]"],
  ]),
  ...of("plugins/schedules/cosine_timm.ts", [moreSchedules], [
    ["cosine_timm takes the wave before", "if (starts[middle] <= t) low", "if (starts[middle] < t) low", "^cosine_timm's waves"],
  ]),
  ...of("plugins/schedules/warmup_decay.ts", [moreSchedules], [
    ["warmup_decay falls to 0", "low + (most[group] - low) * gamma(step)", "most[group] * gamma(step)", "^warmup_decay"],
  ]),
  ...of("plugins/http/routes/schedules.ts", [algebra], [
    ["A path takes a query's steps for a delay's", "if (clash !== undefined) {", "if (false as boolean) {", "^a service composes"],
  ]),
  ...of("plugins/schedules/check_step.ts", [schedules], [
    ["A schedule answers a negative step", "&& step >= 0 && step < Infinity", "&& step < Infinity", "negative, infinite or missing"],
    [
      "A schedule answers a missing step",
      'typeof step === "number" && step >= 0 && step < Infinity',
      "!((step as number) < 0) && step !== Infinity",
      "negative, infinite or missing",
    ],
  ]),
  ...of("plugins/schedules/cosine_decay_restarts.ts", [schedules], [
    [
      "cosine_decay_restarts does not go back to an earlier wave",
      "while (near > 0 && s < ends[near - 1]) near -= 1;",
      "",
      "^cosine_decay_restarts is a function",
    ],
  ]),
  ...of("plugins/schedules/polynomial_decay.ts", [schedules, reference], [
    ["polynomial_decay begins its cycle with NaN", "cycle && s !== 0 ?", "cycle ?", "olynomial_?[dD]ecay"],
  ]),
  ...of("plugins/schedules/exponential_decay.ts", [reference], [
    ["exponential_decay's stairs are half a step off", "staircase ? Math.floor(q)", "staircase ? Math.round(q)", "^ExponentialDecay"],
  ]),
  ...of("plugins/schedules/piecewise_constant_decay.ts", [schedules], [
    ["piecewise_constant_decay changes at its boundary", "step > boundaries[middle]", "step >= boundaries[middle]", "^piecewise"],
  ]),

  // ---- plugins: optimizers

  ...of("plugins/optimizers/adamw.ts", [reference], [
    ["adamw adds eps under the root", "u  = stepSize*m / (sqrt(v) + eps)", "u  = stepSize*m / sqrt(v + eps)", "^AdamW of"],
    [
      "adamw follows the square by the first moment's decay",
      "v  = beta2*v + (1 - beta2)*g*g",
      "v  = beta2*v + (1 - beta1)*g*g",
      "^AdamW of",
    ],
    ["adamw decays by the corrected step", '"p -= lr*weightDecay*p"', '"p -= stepSize*weightDecay*p"', "^AdamW of"],
    ["adamw in 16 bits rounds its divisor once", "round(round(sqrt(v)) + round(eps))", "round(sqrt(v) + eps)", "^AdamW of"],
    ["adamw corrects the second moment by the first one's decay", "1 - pow(beta2, t)", "1 - pow(beta1, t)", "^AdamW of"],
  ]),
  ...of("plugins/optimizers/adamw.ts", ["tests/plugins/adamw_test.ts"], [
    ["adamw in 16 bits does not round its decay", '"p -= round(round(lr*weightDecay)*p)"', '"p -= lr*weightDecay*p"', "16 bits"],
    [
      "adamw in 16 bits rounds its decay's factor alone",
      '"p -= round(round(lr*weightDecay)*p)"',
      '"p -= round(lr*weightDecay)*p"',
      "16 bits",
    ],

    [
      "adamw decays upwards",
      '${weightDecay > 0 ? "p -= lr*weightDecay*p"',
      '${weightDecay !== 0 ? "p -= lr*weightDecay*p"',
      "negative decay",
    ],
  ]),
  ...of("plugins/optimizers/moment_dtype.ts", ["tests/plugins/adamw_state_test.ts"], [
    ["float16 parameters have float16 moments", 'dtype === "float16" ? "float32" : "param"', '"param"'],
    ["float16 moments are not to be had", "stateDtype ?? ", 'stateDtype === "float32" ? stateDtype : '],
  ]),
  ...of("plugins/optimizers/keras_clipping.ts", ["tests/plugins/tf_optimizers_test.ts"], [
    ["adam_weight_decay clips to 0", "Math.fround(clipping[option]) !== 0", "true"],
  ]),
  ...of("plugins/optimizers/adamw_torch.ts", [reference], [
    ["adamw_torch does not use the greatest second moment", 'const w = amsgrad ? "w" : "v";', 'const w = "v";', "^torch.optim.AdamW"],
    [
      "adamw_torch corrects the root by the uncorrected share",
      "(sqrt(${w})*(1/sqrt(c2)) + eps)",
      "((sqrt(${w}) + eps)*(1/sqrt(c2)))",
      "^torch.optim.AdamW",
    ],
  ]),
  ...of("plugins/optimizers/sgd.ts", [reference], [
    [
      "sgd dampens its first gradient",
      "where(t == 1, g, momentum*b + (1 - dampening)*g)",
      "momentum*b + (1 - dampening)*g",
      "^torch.optim.SGD",
    ],
  ]),
  ...of("plugins/optimizers/adam.ts", [reference], [
    [
      "adam decays before it turns the gradient round",
      ': "g += weightDecay*p"',
      ': "g -= weightDecay*p"',
      "^torch.optim.Adam of",
    ],
  ]),
  ...of("plugins/optimizers/rmsprop.ts", [reference], [
    [
      "rmsprop adds eps under its root",
      '${centered ? "v - a*a" : "v"}) + eps)',
      '${centered ? "v - a*a" : "v"} + eps))',
      "^torch.optim.RMSprop",
    ],
  ]),
  ...of("plugins/optimizers/adagrad.ts", [reference], [
    ["adagrad's rate falls from the first step on", "(t - 1) * lrDecay)", "t * lrDecay)", "^torch.optim.Adagrad"],
  ]),
  ...of("plugins/optimizers/adadelta.ts", [reference], [
    ["adadelta adds eps to its roots", "sqrt(a + eps)/sqrt(v + eps)*g", "(sqrt(a) + eps)/(sqrt(v) + eps)*g", "^torch.optim.Adadelta"],
  ]),
  ...of("plugins/optimizers/adamax.ts", [reference], [
    ["adamax adds eps to the maximum", "max(beta2*v, abs(g) + eps)", "max(beta2*v, abs(g)) + eps", "^torch.optim.Adamax"],
  ]),
  ...of("plugins/optimizers/nadam.ts", [reference], [
    ["nadam looks ahead with this step's momentum", "nu: momentum(t + 1)", "nu: momentum(t)", "^torch.optim.NAdam"],
  ]),
  ...of("plugins/optimizers/radam.ts", [reference], [
    ["radam trusts its second moment from 4 on", "where(rho > 5, rect", "where(rho > 4, rect", "^torch.optim.RAdam"],
  ]),
  ...of("plugins/optimizers/rprop.ts", [reference], [
    ["rprop steps where the sign has turned", "where(s < 0, 0, g)", "g", "^torch.optim.Rprop"],
  ]),
  ...of("plugins/optimizers/asgd.ts", [reference], [
    ["asgd averages from the start", "1/max(1, t - t0)", "1/max(1, t)", "^torch.optim.ASGD"],
  ]),
  ...of("plugins/optimizers/adafactor_torch.ts", ["tests/plugins/optimizers_test.ts"], [
    ["adafactor_torch takes lr whatever the step", "Math.min(lr, 1 / Math.sqrt(t))", "lr", "^adafactor_torch"],
  ]),
  ...of("plugins/optimizers/adafactor_torch.ts", [reference], [
    [
      "adafactor_torch measures the parameter after its decay",
      "max(eps2, rms(p))*rho",
      "max(eps2, rms(p*(1 - lr*weightDecay)))*rho",
      "^torch.optim.Adafactor",
    ],
  ]),
  ...of("plugins/optimizers/nadamw.ts", [reference], [
    ["nadamw does not look ahead", "(beta1*m + (1 - beta1)*g)/c1", "m/c1", "^C-NAdamW"],
  ]),
  ...of("plugins/optimizers/lion.ts", [reference], [
    ["lion keeps the momentum that it steps with", "m += (1 - beta2)*(g - m)", "m += (1 - beta1)*(g - m)", "^Lion"],
  ]),
  ...of("plugins/optimizers/lamb.ts", [reference], [
    [
      "lamb scales its update before the decay joins it",
      '? "p -= lr*weightDecay*p" : "u += weightDecay*p"',
      '? "p -= lr*weightDecay*p" : "p -= lr*weightDecay*p"',
      "^LAMB of timm",
    ],
  ]),
  ...of("plugins/optimizers/lars.ts", [reference], [
    ["lars scales its gradient without the decay", "(g + weightDecay*p)*", "weightDecay*p + g*", "^LARS of timm"],
  ]),
  ...of("plugins/optimizers/adan.ts", [reference], [
    ["adan's first difference is the gradient", "where(t == 1, 0, g + q)", "g + q", "^Adan of timm"],
  ]),
  ...of("plugins/optimizers/adopt.ts", [reference], [
    [
      "adopt divides by a second moment that holds this gradient",
      "n  = g/max(sqrt(v), eps)",
      "n  = g/max(sqrt(beta2*v + (1 - beta2)*g*g), eps)",
      "^ADOPT of timm",
    ],
  ]),
  ...of("plugins/optimizers/ademamix.ts", [reference], [
    ["ademamix takes alpha whole from the start", "Math.min(t * alpha / T, alpha)", "alpha", "^AdEMAMix"],
  ]),
  ...of("plugins/optimizers/came.ts", [reference], [
    ["came does not clip its update", "u /= max(1, rms(u)/clipThreshold)", "", "^CAME"],
  ]),
  ...of("plugins/optimizers/prodigy.ts", [reference], [
    ["prodigy takes the estimate of this step alone", "D  = max(D, h)", "D  = h", "^Prodigy"],
  ]),
  ...of("plugins/optimizers/tiger.ts", [field], [
    ["tiger takes the sign of the gradient", "u  = sign(m)", "u  = sign(g)", "^Tiger"],
  ]),
  ...of("plugins/optimizers/adabelief.ts", [field], [
    ["adabelief stores its variance without eps", "(g - m)*(g - m) + eps", "(g - m)*(g - m)", "^AdaBelief of timm"],
    ["adabelief's rectified step looks at the greatest variance", "m/(sqrt(v) + eps), m)", "m/(sqrt(w) + eps), m)", "^AdaBelief of timm"],
  ]),
  ...of("plugins/optimizers/laprop.ts", [field], [
    ["laprop adds eps before the correction", "sqrt(v/b) + eps", "(sqrt(v) + eps)/sqrt(b)", "^LaProp"],
  ]),
  ...of("plugins/optimizers/laprop.ts", [fieldRules], [
    ["laprop divides by what the first lr made of the momentum", "where(a > 0, lr/a, 0)*u", "1/(1 - beta1)*u", "^laprop's first step"],
  ]),
  ...of("plugins/optimizers/novograd.ts", [field], [
    ["novograd's first norm counts as the others", "where(v == 0, n, beta2*v + (1 - beta2)*n)", "beta2*v + (1 - beta2)*n", "^NvNovoGrad"],
  ]),
  ...of("plugins/optimizers/sm3.ts", [field], [
    ["sm3 takes the greater of row and column", "beta*min(r, c)", "beta*max(r, c)", "^SM3"],
    ["sm3 keeps the maximum of a scalar", "beta > 0 && shape.length > 0", "beta > 0", "^SM3"],
  ]),
  ...of("plugins/optimizers/stable_adamw.ts", [field, fieldRules], [
    ["stable_adamw does not shrink its step", "lr/max(1, sqrt(mean(g*g/max(v, eps*eps))))", "lr", "^StableAdamW"],
    ["stable_adamw adds what it has added", "s += q - p", "", "^stable_adamw moves 16-bit"],
  ]),
  ...of("plugins/optimizers/dadapt_adam.ts", [field], [
    [
      "dadapt_adam's estimate looks at the new moments",
      "e  = g*(s/(sqrt(v) + eps))",
      "e  = g*(s/(sqrt(beta2*v + (1 - beta2)*g*g) + eps))",
      "^DAdaptAdam",
    ],
    ["dadapt_adam's estimate may fall", "max(d, ${growthRate", "max(0, ${growthRate", "^DAdaptAdam"],
  ]),
  ...of("plugins/optimizers/mars.ts", [field], [
    [
      "mars' first change is the gradient",
      "where(t == 1, g, (g - q)*(gamma*(beta1/(1 - beta1))) + g)",
      "(g - q)*(gamma*(beta1/(1 - beta1))) + g",
      "^Mars",
    ],
    ["mars clips nothing", "c  = c/max(norm(c), 1)", "", "^Mars"],
  ]),
  ...of("plugins/optimizers/yogi.ts", [field], [
    ["yogi's second moment only grows", "v -= (1 - beta2)*sign(v - g*g)*g*g", "v += (1 - beta2)*g*g", "^optax.yogi"],
  ]),
  ...of("plugins/optimizers/fromage.ts", [field, fieldRules], [
    ["fromage does not shrink", "(shrink - 1)*p - lr*shrink*u", "0 - lr*shrink*u", "^optax.fromage"],
    ["fromage's bound is of each step's own norm", "where(t == 1, pBound*norm(p), b)", "pBound*norm(p)", "^fromage's tensors"],
  ]),
  ...of("plugins/optimizers/optimistic_sgd.ts", [field], [
    ["optimistic_sgd's first change is the gradient", "where(t == 1, g, q)", "q", "^optax.optimistic"],
  ]),
  ...of("plugins/optimizers/ftrl.ts", [field], [
    ["ftrl shrinks by half", "2*shrinkage*p", "shrinkage*p", "Ftrl"],
    ["ftrl's power is short of an eighth", "eighths & (4 >> i)", "eighths & (2 >> i)", "Ftrl"],
  ]),
  ...of("plugins/optimizers/schedule_free_adamw.ts", [reference], [
    ["schedule_free_adamw does not correct its second moment", "sqrt(v/c2)", "sqrt(v)", "^ScheduleFreeAdamW"],
  ]),
  ...of("plugins/optimizers/schedule_free_sgd.ts", [reference], [
    ["schedule_free_sgd weighs all steps alike", "w  = pow(t, r)*pow(L, power)", "w  = 1", "^ScheduleFreeSGD"],
  ]),
  ...of("plugins/optimizers/schedule_free_radam.ts", [reference], [
    ["schedule_free_radam trusts its second moment from 5 on", "rho > 4 ? Math.sqrt", "rho > 5 ? Math.sqrt", "^ScheduleFreeRAdam"],
  ]),
  ...of("plugins/optimizers/sophia.ts", [reference], [
    ["sophia bounds the diagonal by its clip", "clamp(m/max(h, eps), -rho, rho)", "clamp(m/max(h, rho), -rho, rho)", "^SophiaH"],
  ]),
  ...of("plugins/optimizers/adafactor.ts", [reference], [
    ["adafactor factors vectors of rank 2 no more", "shape.length >= 2", "shape.length > 2", "^Adafactor of"],
    ["adafactor does not clip its update", "u /= max(1, rms(u)/clipThreshold)", "", "^Adafactor of"],
  ]),
  ...of("plugins/optimizers/adafactor.ts", ["tests/plugins/adafactor_test.ts"], [
    [
      "adafactor divides by one mean of the row factor for all matrices",
      "u = 1/sqrt(r/colmean(r))",
      "u = 1/sqrt(r/mean(r))",
      "a batch of matrices",
    ],
    ["adafactor's relative rate is that of the step before", "1 / Math.sqrt(t)", "1 / Math.sqrt(Math.max(1, t - 1))", "relative lr"],
    ["adafactor stands still where a parameter is NaN", "rel*where(RMS > eps2, RMS, eps2)", "rel*max(RMS, eps2)", "goes by eps"],
  ]),
  ...of("plugins/optimizers/adam_weight_decay.ts", ["tests/plugins/tf_optimizers_test.ts"], [
    ["adam_weight_decay decays by the corrected rate", '"p -= lr*p*weightDecayRate"', '"p -= alpha*p*weightDecayRate"', "plain lr"],
    ["adam_weight_decay counts the step that it takes among those before", "f(decay) * f(t - 1)", "f(decay) * f(t)", "divides the lr"],
    ["adam_weight_decay excludes what is included too", "if (isIn(includeInWeightDecay)) return true;", "", "decays"],
    [
      "adam_weight_decay computes its coefficients in float64",
      "const [beta1, beta2] = betas.map(f);",
      "const [beta1, beta2] = betas;",
      "coefficients are float32",
    ],
  ]),
  ...of("plugins/optimizers/adam_keras.ts", ["tests/plugins/tf_optimizers_test.ts"], [
    ["adam_keras replaces eps 0", "eps: f(eps),", "eps: f(eps || 1e-7),", "keeps eps 0"],
  ]),

  // ---- plugins: accumulators, transforms

  ...of("plugins/accumulators/sum.ts", [accumulators], [
    ["A sum forgets its weights", "        weight += w;", "        weight += 1;"],
    ["A merged sum counts as one micro-batch", "count += other.count;", "count += 1;"],
    ["A reset sum keeps its numbers", "sums.forEach(clear);", ""],
    [
      "Repeated rows of a sparse gradient overwrite each other",
      "data[indices[i] * row + j] += Math.fround",
      "data[indices[i] * row + j] = Math.fround",
    ],
    ["A weight of 0 spreads NaN", "if (w !== 0) addOne(name, gradient, w);", "addOne(name, gradient, w);"],
    ["A sum is due a micro-batch late", "count >= every;", "count > every;"],
  ]),
  ...of("plugins/accumulators/mean.ts", [accumulators, "tests/core/trainer_test.ts"], [
    [
      "A mean is over the calls and not over the weights",
      "const weight = count === 0 ? 1 : sums.weight;",
      "const weight = count === 0 ? 1 : count;",
    ],
    [
      "A mean goes on giving tensors that had no gradient since the last step",
      "        sums.reset();\n        present.clear();",
      "        sums.reset();",
    ],
    ["A merged mean adds the other's mean", '"sums" in other ? other.sums as Grads : other.gradients', "{}"],
  ]),
  ...of("plugins/accumulators/sum.ts", ["tests/core/resume_test.ts", "tests/core/trainer_state_test.ts"], [
    ["A sum that goes on has forgotten what it gave zeros for", "more: [...sums.keys()].sort()", "more: []"],
    ["A saved sum is the memory itself", "data: tensor.data.slice()", "data: tensor.data"],
    ["A sum goes on from what it had of tensors that the state lacks", "if (!saved.has(name)) clear(tensor);", "void name, tensor;"],
    ["A sum goes on with the weight that it had", "({ count, weight } = state);", "({ count } = state);"],
  ]),
  ...of("plugins/accumulators/mean.ts", ["tests/core/resume_test.ts", "tests/core/trainer_state_test.ts"], [
    ["A mean goes on with the tensors that it had", "for (const name of names) present.add(name);", ""],
  ]),
  ...of("plugins/transforms/clip_global_norm.ts", ["tests/plugins/transforms_test.ts"], [
    ["clip_global_norm scales each tensor by its own norm", "allnorm(g)", "norm(g)"],
    ["clip_global_norm scales up too", "min(1, maxNorm/(norm + 1e-6))", "maxNorm/(norm + 1e-6)"],
  ]),
  ...of("kernels/language/rounds.ts", ["tests/core/hold_test.ts"], [
    ["Tensors are stored before a run is known not to be held back", "later(later(least, decided),", "later(later(least, start),"],
    ["What decides waits for a row that waits for it", "new Set(subject.deciding.slots)", "new Set<string>()"],
  ]),
  ...of("kernels/plan/numbers.ts", ["tests/core/hold_test.ts"], [
    ["A held run keeps its group slots to itself", "used > 0 && held.has(scope)", 'used > 0 && held.has(scope) && scope === ""'],
    ["A held run lets all group slots move", "used > 0 && held.has(scope)", "used > 0"],
  ]),
  ...of("kernels/plan/sums.ts", ["tests/core/hold_test.ts"], [
    ["A group's sum is that of all", "items.filter(({ group }) => group.slots === slots)", "items"],
  ]),
  ...of("core/optimizer/view.ts", ["tests/core/hold_test.ts"], [
    ["A step that was held back counts", "const applied = prepared !== null && held.length === 0", "const applied = prepared !== null"],
  ]),
  ...of("plugins/transforms/skip_nonfinite.ts", ["tests/core/hold_test.ts"], [
    ["maxConsecutive is one too few", "inARow <= maxConsecutive", "inARow < maxConsecutive"],
  ]),
  ...of("plugins/transforms/loss_scale.ts", ["tests/plugins/transforms_record_test.ts", "tests/core/hold_test.ts"], [
    ["The scale grows to infinity", "where(scale*growthFactor < 3.4028235677973366e38, scale*growthFactor, scale)", "scale*growthFactor"],
    ["A held step leaves the growth tracker", "where(bad, 0, good + 1)", "where(bad, good, good + 1)"],
  ]),
  ...of("core/optimizer/add.ts", ["tests/core/add_test.ts"], [
    ["Added parameters may lie in others' memory", "...params.map(({ info, elements }) => [info.name, elements] as const),", ""],
    ["A parameter that is there is added again", "if (tensors.has(name)) throw", "if (tensors.size === 0) throw"],
    ["An added group meets a schedule of values", "refuseClashes(all, [plain], base);", ""],
    ["An added group has no schedules", "scheduledOf(plain, all)", "[]"],
  ]),
  ...of("core/training/gathering.ts", ["tests/core/add_test.ts"], [
    ["What was gathered is lost when parameters come", "return into.loadState(from.saveState());", "return;"],
  ]),
  ...of("plugins/transforms/zclip.ts", ["tests/plugins/transforms_record_test.ts"], [
    ["zclip's moments go on from the norm before clipping", "alpha*mu + (1 - alpha)*to", "alpha*mu + (1 - alpha)*n"],
    ["zclip's first variance is no mean", "sum/warmupSteps", "sum"],
  ]),
  ...of("plugins/transforms/lookahead.ts", ["tests/plugins/transforms_record_test.ts"], [
    ["Lookahead's slow weights are left behind", "s = where(sync, s + alpha*(p - s), s)", "s = where(sync, s, s)"],
  ]),
  ...of("plugins/transforms/ema.ts", ["tests/plugins/transforms_record_test.ts"], [
    ["An average that is warmed up starts late", "t - updateAfterStep - 1", "t - updateAfterStep"],
  ]),
  ...of("plugins/transforms/sam.ts", ["tests/plugins/transforms_record_test.ts", "tests/reference/sam_test.ts"], [
    ["Sam goes back where it never went up", 'before: "p = where(up, q, p)"', 'before: "p = q"'],
  ]),
  ...of("core/optimizer/param_state.ts", ["tests/plugins/transforms_test.ts"], [
    ["A transform's group slots are each group's own", "part.scope !== parts[0].scope", "false"],
  ]),
  ...of("plugins/transforms/clip_value.ts", ["tests/plugins/transforms_test.ts"], [
    ["clip_value clips on one side", "clamp(g, -value, value)", "min(g, value)"],
  ]),

  // ---- plugins: formats

  ...of("plugins/formats/safetensors_header.ts", [safetensors], [
    [
      "Names are written in the order of UTF-16",
      "|| compareBytes(a.key, b.key));",
      "|| (a.name < b.name ? -1 : 1));",
      "order of their UTF-8",
    ],
    [
      "Metadata are written in the order of UTF-16",
      "strings.sort((a, b) => compareBytes(a.key, b.key))",
      "strings.sort((a, b) => a.written < b.written ? -1 : 1)",
      "order of their UTF-8",
    ],
    [
      "A name that begins with another comes before it",
      "return a.length - b.length;",
      "return b.length - a.length;",
      "order of their UTF-8|written with",
    ],
    [
      "Smaller element types are written first",
      "orders.indexOf(b.tensor.dtype) - orders.indexOf(a.tensor.dtype)",
      "orders.indexOf(a.tensor.dtype) - orders.indexOf(b.tensor.dtype)",
    ],
    ["A header longer than readers take is written", "if (bytes <= mostHeaderBytes) return;", "if (bytes < Infinity) return;"],
    ["Elements past 64 bits on the way to 0 are read", "|| least >= each * 2 ** 64", ""],
    ["The header is not filled up to eight bytes", "Math.ceil(written.length / 8) * 8", "written.length"],
    ["Tensors may overlap", "if (from !== end || to < from)", "if (from > end || to < from)"],
    ["Bytes behind the last tensor are taken for nothing", "if (end !== dataBytes)", "if (end > dataBytes)"],
  ]),
  ...of("plugins/formats/byte_sources.ts", [safetensorsFiles], [
    ["Reads of one open file run across each other", "const mine = last.then(run, run);", "const mine = run();", "one place for all"],
    ["A file that changed on its server is read on", "|| now !== version", "", "changes on its server"],
    ["A server's answer is taken for the range that was asked for", "Number(first) !== from || ", "", "begins too late"],
    ["A server that ignores ranges is read", "if (status === 200) {", "if (status === 999) {", "ignores ranges"],
  ]),
  ...of("plugins/formats/safetensors_shards.ts", [safetensorsFiles], [
    ["A file may have tensors that its index does not know", "if (places.get(tensor) !== name) {", "if (false) {", "as their index says"],
    ["A file's name may lead out of the folder", "/^[^/\\\\\\0]+$/.test(name)", "name.length > 0", "as their index says"],
    ["A file may take more than its size", "if (inPart > shardBytes) {", "if (inPart - byteLength > shardBytes) {", "is cut into files"],
  ]),
  ...of("plugins/formats/checkpoint_disk.ts", [checkpointCrashes], [
    [
      "A checkpoint gets its name before its bytes are on the disk",
      "await handle.sync();\n          } finally",
      "} finally",
      "Power is lost",
    ],
    ["A write that took fewer bytes is taken for whole", "done += bytesWritten;", "done = bytes.length;", "Power is lost"],
    [
      "A file of a live process is taken for one that is left over",
      "now - mtimeMs > abandoned",
      "now - mtimeMs >= 0",
      "nobody wrote to it",
    ],
    ["A save whose file was removed is given up", "attempt === 3", "attempt === 1", "written anew"],
  ]),
  ...of("plugins/formats/checkpoint_keeping.ts", [checkpointCrashes], [
    ["A folder is not synced", "await store.sync();", "", "Power is lost"],
    [
      "Old checkpoints go before the new one is safe",
      "await store.sync();",
      "for (const one of old) await store.remove(one);\n  await store.sync();",
      "Power is lost",
    ],
    [
      "A process keeps its own and removes the other's",
      ".slice(keep);",
      ".filter((one) => one !== name).slice(keep - 1);",
      "at the same moment",
    ],
    [
      "A checkpoint that was removed meanwhile ends the search",
      "if (file === null) continue;",
      "if (file === null) return { name: undefined, skipped };",
      "not missed",
    ],
  ]),
  ...of("plugins/formats/checkpoint_file.ts", [checkpoints], [
    ["A file's checksum is not looked at", "if (wanted !== textOf(checksum)) {", "if (false) {", "Every bit"],
    [
      "The header is left out of the checksum",
      "let checksum = crc32(start);\n  const tensors",
      "let checksum = 0;\n  const tensors",
    ],
    ["A small tensor overtakes those that wait", "filled > 0 && filled + part.length > gathered.length", "false", "small and large"],
  ]),
  ...of("plugins/formats/checkpoints.ts", [checkpoints], [
    [
      "Saves into one folder run across each other",
      "(last.get(key) ?? Promise.resolve()).then(run)",
      "Promise.resolve().then(run)",
      "overlap",
    ],
    ["NaN is saved as null", "return Number.isFinite(value) ? undefined : refuse(String(value));", "return;", "cannot be meant"],
    [
      "Holes of a list are saved as null",
      "for (let i = 0; i < value.length; i++) checkJson(`${path}[${i}]`, value[i], inside);",
      "value.forEach((element, i) => checkJson(`${path}[${i}]`, element, inside));",
      "cannot be meant",
    ],
  ]),
  ...of("plugins/formats/stream_safetensors.ts", [safetensorsFiles], [
    [
      "A tensor is written though it is another than it said",
      "read.data.byteLength !== tensor.byteLength",
      "false",
      "another than it said",
    ],
  ]),

  ...of("plugins/formats/pickle.ts", [torchFiles], [
    [
      "What a pickle would call is not looked at",
      "if (!callable.includes(path)) return refuse(",
      "if (false) return refuse(",
      "names a function",
    ],
    ["A flag of a tensor is passed over", "Object.values(metadata).some((flag) => flag !== false)", "false", "a conjugate by a flag"],
    ["A list may be within itself", "if (known === 0) return refuse(", "if (false) return refuse(", "within itself"],
    ["0 and its digit are one key", "how.integers !== null && how.integers !== isInteger", "false", "as keys"],
    ["A pickle may be empty lists alone", "if (--left < 0) return refuse(", "if (false) return refuse(", "many empty lists"],
  ]),
  ...of("plugins/formats/torch_files.ts", [torchFiles], [
    ["Checksums are not looked at", "if (checksums && !sound.has(found)", "if (false && !sound.has(found)", "damaged byte"],
    ["A tensor may end beyond its storage", "if (size > 0 && !(last < there))", "if (size > 0 && !(last <= there))", "beyond its storage"],
    ["One number may be expanded to any memory", "if (size > there) refuse(", "if (false) refuse(", "expands a number"],
    ["Copies may take any memory", "if (mayCopy < 0) refuse(", "if (false) refuse(", "once they are copied"],
    ["A transposed tensor is read as it lies", "if (size === 0 || isContiguous(shape, strides)) {", "if (size >= 0) {", "is gathered"],
  ]),
  ...of("plugins/formats/zip_records.ts", [torchFiles], [
    ["A record may reach into the directory", "if (begin + wide.size > from) refuse(", "if (false) refuse(", "longer than the file"],
    [
      "A signature within a comment is taken for the end",
      "&& at + 22 + view.getUint16(at + 20, true) === bytes.length",
      "",
      "with a comment|cut short",
    ],
  ]),
  ...of("plugins/formats/pytorch_optimizers.ts", [torchRuns], [
    ["Positions are in the order of this side", "order.filter((name) => mine.has(name))", "own", "has PyTorch's dictionary"],
    [
      "A state that is loaded is the other parameter's",
      "takeState(name, state[position],",
      "takeState(name, state[names.length - 1 - position],",
      "that began in PyTorch",
    ],
    [
      "The rate that a schedule gave is taken for the base",
      "group.initial_lr ?? scheduler?.baseLrs?.[param_groups.indexOf(group)] ??",
      "",
      "that began in PyTorch",
    ],
    ["The factors of torch's Adafactor lose a dimension", "return [...of.slice(0, -1), 1];", "return shape;", "has PyTorch's dictionary"],
  ]),
  ...of("plugins/formats/pytorch_optimizers.ts", ["tests/plugins/formats/pytorch_states_test.ts"], [
    [
      "A tensor that is not what it says is taken",
      "!isTensor(tensor) || !isWhole(tensor)",
      "!isTensor(tensor)",
      "elements than its shape",
    ],
    [
      "Options that were assigned stay after a refusal",
      "changes.forEach(({ options, option }, i) => assign({ options, option, value: before[i] }, []));",
      "",
      "out of its range",
    ],
    [
      "A plateau begins anew",
      "? group.lr / base : NaN;",
      "? 1 : NaN;",
      "a plateau goes on",
    ],
    ["A run that has gone on takes a state without it", "if (countHere !== 0) {", "if (false) {", "not one that has gone on here"],
    [
      "Plain SGD has had no step",
      "value !== null || !Object.hasOwn(tensors, `${name}.${slot}`)",
      "value !== null",
      "SGD without momentum",
    ],
  ]),
  ...of("plugins/formats/trainer_checkpoint.ts", ["tests/plugins/formats/trainer_checkpoint_test.ts"], [
    ["Names may be in any order", "|| exp_avg.shape?.join() === shape.join()", "|| true", "in another order"],
    ["Norms decay", "shape.length > 1 && !undecayed", "!undecayed", "under any name"],
  ]),
  ...of("plugins/formats/pytorch_schedulers.ts", [torchRuns, "tests/plugins/formats/pytorch_states_test.ts"], [
    ["A greedy schedule is taken for a plateau", 'resetStart: "reset_start_original",', 'resetStart: "none",', "a greedy schedule"],
    ["A scheduler is one step behind", "_step_count: steps + 1", "_step_count: steps", "has PyTorch's dictionary"],
    [
      "A small scheduler.pt asks for any memory",
      "if (total > counts.length + mostRepeats) refuse(`its ${counts.length} milestones are there ${total} times`);",
      "",
      "says nothing known is refused",
    ],
    ["Waves of one length have no end", "T_cur: steps % t0", "T_cur: steps", "warm restarts of one length"],
  ]),

  // ---- http

  ...of("plugins/http/page/numbers.ts", ["tests/plugins/http/page_parts_test.ts"], [
    ["10.000 steps are ten", '(!written.includes(".") || /\\.\\d*[1-9]e/i.test(written))', "true", "^a box for whole numbers"],
    ["10.000 warmup steps are ten", "!unclearFraction.test(written)", "true", "^a box for whole numbers"],
  ]),
  ...of("plugins/http/wire/points.ts", [bounds], [
    ["A range may have one point over the limit", "if (count > most) refuse(", "if (count > most + 1) refuse("],
    [
      "The last point of a range that is no multiple is not counted",
      "const count = strides + (isOnGrid ? 1 : 2);",
      "const count = strides + 1;",
    ],
    ["A range leaves out its last step", "if (!isOnGrid) points[count - 1] = last;", ""],
  ]),
  ...of("plugins/http/wire/parameters.ts", [bounds], [
    ["A list may have one point over the limit", "value.length > limits.points", "value.length > limits.points + 1", "^a list of"],
  ]),
  ...of("plugins/http/guard/recipe.ts", [bounds], [
    ["A + in a stranger's pattern is run", "[^\\\\^$.*+?()[\\]{}|]", "[^\\\\^$.*?()[\\]{}|]", "^a stranger"],
    ["A * in a stranger's pattern is run", "[^\\\\^$.*+?()[\\]{}|]", "[^\\\\^$.+?()[\\]{}|]", "^a stranger"],
    ["Alternatives in a stranger's pattern are run", "[^\\\\^$.*+?()[\\]{}|]", "[^\\\\^$.*+?()[\\]{}]", "^a stranger"],
    [
      "A pattern of a stranger's that is given as source and flags is not looked at",
      "if (!plainPattern.test(source))",
      'if (typeof text === "string" && !plainPattern.test(source))',
      "^a stranger",
    ],
  ]),
  ...of("plugins/http/guard/cache.ts", [bounds], [
    ["The cache forgets how much it has let go", "used -= sizeOf(old, answers.get(old)!);", "", "^a cache"],
    ["The cache counts only what it lets go", "      used += size;", "", "^a cache"],
    ["The cache counts an answer that it has already", " || answers.has(url)) return;", ") return;", "^a cache"],
    [
      "The cache lets go of one answer at a time, however large the new one is",
      "while (used + size > most) {",
      "if (used + size > most) {",
      "^a cache",
    ],
    ["The cache loses a URL when it cuts its list", "[order.slice(oldest), 0]", "[order.slice(oldest + 1), 0]", "^a cache"],
    ["The cache keeps an answer as large as itself", "size > most / 16", "size > most", "^a cache"],
  ]),
  ...of("core/optimizer/saved_state.ts", [keptOptimizers], [
    [
      "A slot that is in no state does not keep an optimizer from being used again",
      "slot.key !== null && slot.input !== true",
      "slot.input !== true",
    ],
  ]),
  ...of("plugins/http/routes/kept_optimizers.ts", [keptOptimizers], [
    ["What is kept for one layout is used for all", "const kept = all.get(layout);", "const kept = [...all.values()].at(-1);", "as long"],
    ["An optimizer that is used again goes on from its own state", "        refill.take();", ""],
    ["A tensor that comes in pieces is its last one", "into.set(some, at - from);", "into.set(some);", "^large steps"],
    ["An answer says the steps of the one before", "!isSame(before.metadata, metadata)", "false"],
    ["What a transform held back is not said of an optimizer that is used again", "skipped === undefined ? metadata", "true ? metadata"],
    ["Optimizers are kept without bound", "while (all.size >= mostOptimizers || used + bytes > mostBytes)", "while (false)", "memory"],
    ["The parameters of what is let go stay in memory", "  release(state.backend, state.params.map(({ given }) => given));", "", "memory"],
  ]),
  ...of("plugins/http/routes/stepper.ts", [keptOptimizers], [
    ["No optimizer is kept", "if (layout !== undefined && isWhole) kept.keep", "if (false) kept.keep", "laid out"],
  ]),
  ...of("plugins/http/wire/file_reader.ts", [keptOptimizers], [
    ["A header that came before says how long a file is", "layout?.fileBytes === length ? layout : undefined", "layout", "another length"],
    ["Tensors are read from where they were in the first file", "bytes.subarray(from, to)", "bytes.slice(0, to - from)"],
  ]),
  ...of("plugins/http/wire/decimals.ts", ["tests/plugins/http/decimals_test.ts"], [
    ["As many steps are taken for the same steps", "if (a[i] !== b[i]) return false;", "", "^steps"],
    ["Steps that begin as others did are taken for them", "if (a.length !== b.length) return false;", "", "^steps"],
    ["Digits are written into memory that the sheet has left", "    view = new DataView(bytes.buffer);\n  };", "  };"],
    ["Half a space is taken for a whole one", "scales.halves[i] = space * power / 2;", "scales.halves[i] = space * power;"],
    ["Half of a last digit is always rounded up", "else if ((lower & 1) === 1) lower++;", "else lower++;"],
    [
      "A number is the nearest of 17 digits, never a shorter one",
      "if (below < half) lower -= digit;\n    else if (10 - below < half) lower += 10 - digit;\n    else if",
      "if",
    ],
    [
      "Digits that carry are lost",
      "    if (lower >= e8) {\n      lower -= e8;\n      upper++;\n    }\n    const before",
      "    const before",
    ],
    ["What is taken of a sheet is overwritten by the next", "bytes.slice(0, at)", "bytes.subarray(0, at)"],
    ["A sheet does not grow", "    if (at + more <= bytes.length) return;", "    return;"],
  ]),
  ...of("plugins/http/guard/seen.ts", [limits], [
    ["What is asked for once takes the room of what is asked for again", "    return false;", "    return true;", "^answers by URL"],
    ["No URL is known again", "    hashes[place] = hash;", "", "^answers by URL"],
  ]),
  ...of("plugins/http/wire/etag.ts", [httpSchedules], [
    ["The last bytes of a body do not count", "i = 4 * whole; i < length", "i = 4 * whole; i < 0", "tells apart"],
    [
      "One word of four does not count",
      "let one = hashInto(hashInto(hashInto(hashInto(length, a), b), c), d);\n  let two = second(second(second(second(~length, d), c), b), a);",
      "let one = hashInto(hashInto(hashInto(length, a), b), d);\n  let two = second(second(second(~length, d), b), a);",
      "tells apart",
    ],
    [
      "Words side by side are taken for each other",
      "let one = hashInto(hashInto(hashInto(hashInto(length, a), b), c), d);\n  let two = second(second(second(second(~length, d), c), b), a);",
      "let one = length ^ a ^ b ^ c ^ d;\n  let two = ~one;",
      "tells apart",
    ],
    [
      "A text's validator is that of what was written before it, too",
      "etag: hashed(words, bytes, written)",
      "etag: hashed(words, bytes, large)",
      "^a text has",
    ],
    ["A text of more bytes than letters is kept as one", "written === body.length ? body : bytes.slice(0, written)", "body", "^a text has"],
    ["What is kept of a text is overwritten by the next one", "bytes.slice(0, written)", "bytes.subarray(0, written)", "^a text has"],
  ]),
  ...of("plugins/http/wire/etag.ts", [bounds], [
    ["A weak validator is not known again", '.replace(/^W\\//, "")', "", "validator"],
    ["Any validator will do, wherever it stands", "=== etag ||", '!== "" ||', "validator"],
    [
      "Only the first of several validators is looked at",
      'ifNoneMatch.split(",").some',
      'ifNoneMatch.split(",").slice(0, 1).some',
      "validator",
    ],
    ["A star is no validator", ' || one.trim() === "*"', "", "validator"],
  ]),
  ...of("plugins/http/guard/budget.ts", [limits], [
    ["What a request held stays in the budget", "held.add(tenant, -own);", "", "^a large answer|^unread|^larger bodies"],
    [
      "The budget has no bound",
      "if (!isShare && used() + bytes <= most) return;",
      "return;",
      "^a large answer|^unread|^larger bodies",
    ],
  ]),
  ...of("plugins/http/guard/tokens.ts", [bounds], [
    ["A token is known by its first digit", "i < a.length; i++", "i < 1; i++", "tokens"],
    ["Any token of the right length opens the gate", "return differ === 0;", "return a.length === b.length;", "tokens"],
  ]),
  ...of("plugins/http/guard/turns.ts", [guard], [
    ["Who has had a turn waits for ever", "waiting = line.length === 0 ? 0 : waiting - first.share;", "", "^who has had"],
    ["All turns come at once", "taken === 0 || taken + share <= 1", "true", "^no two turns"],
    ["A turn ends before its work does", "return await done();", "return done();", "^no two turns"],
    ["Small ones never fill a turn", "taken += share;", "taken = share;", "^small ones"],
  ]),
  ...of("plugins/http/guard/budget.ts", [guard], [
    ["What is released twice is given back twice", "          own = ownComing = 0;", "", "released twice"],
  ]),
  ...of("plugins/http/guard/limits.ts", [guard], [
    ["A large body finds no room for its answer", "Math.max(defaults.bytesInFlight, 2 * bodyBytes)", "defaults.bytesInFlight", "^a limit"],
  ]),
  ...of("plugins/http/guard/recipe.ts", [guard], [
    [
      "Tensors of any rank are taken for one text",
      "shapes.set(`${dtype} ${g} ${Math.min(shape.length, 3)}`,",
      "shapes.set(`${dtype} ${g}`,",
      "^tensors",
    ],
    [
      "A rule that looks at names is counted once",
      'some(({ format }) => format === "regex") ? 2 : 1',
      'some(({ format }) => format === "regex") ? 1 : 1',
      "counted twice",
    ],
    [
      "A group's text is asked for without the optimizer's options",
      "{ ...optimizer.options, ...group.options } : group.options",
      "{ ...group.options } : group.options",
      "^a group's text",
    ],
  ]),
  ...of("plugins/http/guard/metrics.ts", [guard], [
    ["A time at a bucket's bound is not counted there", "seconds <= bounds[i]", "seconds < bounds[i]", "^a time"],
    [
      "Times beyond the last bound are counted in it",
      "i >= 0 && seconds <= bounds[i]; i--",
      "i >= 0 && (i === bounds.length - 1 || seconds <= bounds[i]); i--",
      "^a time",
    ],
  ]),
  ...of("plugins/http/guard/tokens.ts", [guard], [
    [
      "A token may have any length",
      'if (token === "" || token.length > longest) unauthorized();',
      'if (token === "") unauthorized();',
      "^a token",
    ],
  ]),
  ...of("plugins/http/wire/query.ts", ["tests/plugins/http/schedules_test.ts"], [
    [
      "Any option that is an object is taken for the schedule",
      '?.holds === "schedule"',
      '?.type === "object"',
      "^the option that a fault",
    ],
  ]),
  ...of("plugins/http/wire/option_schema.ts", ["tests/plugins/http/schedules_test.ts"], [
    ["Nobody is told which option holds a schedule", "...(holds !== undefined && { holds }),", "", "^the option that a fault"],
  ]),
  ...of("plugins/http/wire/json_body.ts", [limits], [
    ["JSON may nest one level deeper", "if (depth === deepest)", "if (depth === deepest + 1)", "^deep JSON"],
    ["Brackets in strings count as levels", "for (i++; i < length && at(i) !== 0x22; i++) if (at(i) === 0x5c) i++;", "", "^deep JSON"],
  ]),
  ...of("plugins/http/wire/tensor_forms.ts", [conventions], [
    [
      "Accept goes by the last form, whatever its weight",
      "weightOf(form) > weightOf(best) ? form : best",
      "weightOf(form) > 0 ? form : best",
      "^Accept",
    ],
    [
      "A form has the bound of another one",
      "mostBytes: ({ jsonBytes }) => jsonBytes",
      "mostBytes: ({ bodyBytes }) => bodyBytes",
      "^each form",
    ],
  ]),
  ...of("plugins/http/wire/problem.ts", ["tests/plugins/http/steps_test.ts"], [
    ["A pointer does not escape its slashes", '.replaceAll("/", "~1")', "", "null among the data"],
  ]),
  ...of("plugins/http/guard/turns.ts", [attacks], [
    ["A picture is drawn for a client that has gone", "if (signal.aborted) throw", "if (false) throw", "client that has gone"],
    [
      "Who waits to be computed waits in a line without an end",
      "waiting + share > mostWaiting",
      "waiting + share > Infinity",
      "takes long",
    ],
  ]),
  ...of("plugins/http/routes/schedules.ts", [attacks], [
    ["What is small each is computed all at once", "numbers <= few ?", "numbers <= wholeTurn ?", "^short answers"],
  ]),
  ...of("plugins/http/guard/recipe.ts", [attacks], [
    ["A recipe may have any number of passes compiled", "if (all > mostPasses)", "if (all > Infinity)", "^recipes"],
    ["Transforms of strangers are bounded as groups are", "mostTransforms : mostUses", "mostUses : mostUses", "^recipes"],
  ]),
  ...of("plugins/http/guard/budget.ts", [attacks], [
    ["A tenant may take all the room", "before + bytes > most / 2", "before + bytes > most", "^no tenant"],
    [
      "A body is read whose answer finds no room",
      "check(tenant, bytes, 0, held, ...others",
      "check(tenant, 0, 0, held, ...others",
      "^a large step",
    ],
    ["What is about to come is not looked at", "if (more > 0) check(", "if (more < 0) check(", "^of large steps"],
  ]),
  ...of("plugins/http/wire/body.ts", [limits], [
    ["A piece is written over by the next bytes", "last().length - left);\n        from", "0);\n        from", "pieces of any size"],
    [
      "A body that was put together has the room of its last piece",
      "last().subarray(0, last().length - left)",
      "last()",
      "pieces of any size",
    ],
  ]),
  ...of("plugins/http/wire/body.ts", [attacks], [
    ["A body is read to its end, however it begins", "isSeen ||= begins(gathered.first());", "", "^a header that is too long"],
    [
      "What looks at a body's beginning finds a part of it",
      "largestPiece), smallestPiece));",
      "largestPiece)));",
      "^a header that is too long",
    ],
    [
      "Room is taken for what is claimed",
      "    clock.allow(claimed / slowest",
      "    hold.take(claimed);\n    clock.allow(claimed / slowest",
      "^who claims",
    ],
  ]),
  ...of("plugins/http/wire/json_body.ts", [attacks], [
    ["Keys are not counted", "if (++keys > width.keys)", "if (keys > width.keys)", "^width"],
    ["Lists are not counted", "if (count >= width.list)", "if (count >= Infinity)", "^width"],
  ]),
  ...of("plugins/http/wire/query.ts", [attacks], [
    ["Every name that means nothing is told", "if (faults.length === mostFaults) break;", "", "^of ten thousand"],
  ]),
  ...of("plugins/http/serve.ts", [attacks], [
    ["Host may hold a path", "if (host !== null && !plainHost.test(host))", "if (false)", "^a Host"],
  ]),
  ...of("plugins/http/routes/openapi.ts", [attacks], [
    ["The document names private schedules", "const schedules = namesSchedules ?", "const schedules = true ?", "^a document of private"],
  ]),
  ...of("plugins/http/wire/problem.ts", [attacks], [
    ["A step without memory is the request's fault", "if (isMemoryError(error)) return false;", "", "want of memory"],
  ]),

  // ---- what would be lost without a word

  ...of("core/fixed.ts", [optimizers], [
    ["A field may be overwritten", "set: () => set(name) }", "set: () => {} }", "^Fields of"],
    ["A name that is none is taken in silence", "set: (_target, name) => set(String(name))", "set: () => true", "^Fields of"],
  ]),
  ...of("core/optimizer/view.ts", [optimizers], [
    ["JSON asks for gradients", '"grads", { enumerable: false }', '"grads", { enumerable: true }', "^Who lists"],
  ]),
  ...of("plugins/schedules/check_float32.ts", [schedules], [
    ["Steps that float32 does not hold are divided by", "(single !== 0 ||", "(single === single ||", "float32"],
    ["What is infinite in float32 is taken", "Number.isFinite(single) &&", "", "float32"],
  ]),
  ...of("plugins/schedules/check_state.ts", ["tests/core/errors_test.ts"], [
    ["A plateau goes on uphill", "&& (factor as number) >= 0", "", "plateau"],
  ]),
  ...of("plugins/transforms/check_bound.ts", ["tests/plugins/transforms_test.ts"], [
    ["A bound that is 0 in float32 is taken", "Math.fround(bound) > 0", "bound > 0"],
  ]),
  ...of("core/optimizer/schedules.ts", [scheduled], [
    [
      "What a schedule of values never hears of is taken",
      "one.name === option && isOfValues(one) && (one.group",
      "one.name === option && isOfValues(one) && !knowsGroups(one.schedule as Schedule, groups.length) && (one.group",
      "that knows groups",
    ],
  ]),

  ...of("plugins/optimizers/adamw_torch.ts", ["tests/reference/fused_adam_test.ts"], [
    ["The fused step computes on with the rounded momentum", "u  = lr/c1*n /", "m  = n\n          u  = lr/c1*m /", "float16|bfloat16"],
    ["The fused sum of squares rounds twice", "fma((1 - beta2)*g, g, beta2*v)", "(1 - beta2)*g*g + beta2*v", "float32"],
  ]),
  ...of("plugins/schedules/stretches.ts", ["tests/core/facts_test.ts"], [
    ["Stretches are given up at once", "++within > mostWithinStep", "++within > 0", "before a range"],
  ]),
  // ---- plugins in JSON

  ...of("core/json_plugin/read_json.ts", [jsonPlugins], [
    [
      "Unknown keys of a plugin are passed over",
      "if (additionalProperties === false) fail(",
      "if (Number(additionalProperties) > 1) fail(",
      "unknown key",
    ],
    ["A circle is followed", "if (depth > mostDepth)", "if (depth > 4 * mostDepth)", "too deep"],
    ["Values are not counted", "--room.values < 0", "room.values < 0", "too many values"],
  ]),
  ...of("core/json_plugin/expression.ts", [jsonPlugins], [
    ["An option can be assigned", "names.fixed.has(name) ||", "", "assignment to an option"],
    ["Reductions are numbers", "args.length !== ops[f as Op].arity", "false", "one argument"],
  ]),
  ...of("core/json_plugin/lines.ts", [jsonPlugins], [
    ["Rows of a repetition begin again", "Math.min(i, rows.length - 1)", "i % rows.length", "muon.json.*nsSteps.:7"],
    [
      "Too many repetitions are a wrong type",
      "count > mostRepeats ? of.tooLarge",
      "count < 0 ? of.tooLarge",
      "only be known with a tensor",
    ],
    [
      "A text may grow without end",
      "(text.characters += line.length + 1)",
      "(text.characters = line.length + 1)",
      "only be known with a tensor",
    ],
  ]),
  ...of("core/json_plugin/read_plugin.ts", [jsonPlugins], [
    ["The first rule counts for all", "variants.find(({ condition }) => condition(one))", "variants[0]", "muon.json"],
    ["Every group has the optimizer's base", "ofGroups[group] ?? own", "own", "own base"],
    ["Demands hold everywhere", "if (applies(one) && !must(one))", "if (!must(one))", "check names"],
  ]),
  ...of("core/json_plugin/condition.ts", [jsonPlugins], [
    ["NaN holds", "value < 0 || value > 0", "value !== 0", "null is NaN"],
  ]),

  // ---- looks at recipes

  ...of("plugins/lint/curve_rules.ts", ["tests/plugins/lint_test.ts"], [
    ["A length that misses the updates by a batch is found", "if (rest <= Math.max(1, tolerance * updates)) return [];", ""],
    [
      "A wave that is held is said to rise",
      "goesOn(node) && there < peak && highest > there + 1e-3 * peak",
      "there < peak && highest >= there",
    ],
    ["A length in micro-batches is held against the updates", "Math.abs(at - every * updates)", "Math.abs(at - updates)"],
    ["What is asked by the epoch is told to be", "fall === undefined || node.updates !== undefined ||", "fall === undefined ||"],
  ]),
  ...of("plugins/lint/horizons.ts", ["tests/plugins/lint_test.ts"], [
    [
      "What stands behind a warmup begins with it",
      'warm: { option: "numWarmupSteps", sign: 1 }',
      'warm: { option: "numWarmupSteps", sign: -1 }',
    ],
    ["What is repeated need not end in its time", "Math.min(until, from + every)", "until"],
    ["A step that falls lasts one update", "steps: each * Math.ceil(", "steps: Math.ceil("],
  ]),
  ...of("plugins/lint/tensor_rules.ts", ["tests/plugins/lint_test.ts"], [
    ["Weights of 0 count as stuck", "if (x === 0) return;", ""],
    ["One change that moves a weight is not enough", ".every((changed)", ".some((changed)"],
  ]),

  // ---- configurations of others

  ...of("plugins/recipes/from_training_arguments.ts", ["tests/plugins/foreign_configs_test.ts"], [
    ["A share of the training is rounded down", "Math.ceil((training ?? 0) * share)", "Math.floor((training ?? 0) * share)"],
    ["Words that change what is learned are passed over", "suspicious.test(key) && has(key)", "false"],
  ]),
  ...of("plugins/recipes/from_timm.ts", ["tests/plugins/foreign_configs_test.ts"], [
    ["Milestones are cut at, not before", "Math.max(0, epoch * asked.each - 1)", "epoch * asked.each"],
    ["A warmup in front is none in the schedule's time", "warmupPrefix || schedule.name", "!warmupPrefix || schedule.name"],
  ]),
  ...of("plugins/recipes/from_torch.ts", ["tests/plugins/foreign_configs_test.ts"], [
    [
      "The momentum goes with lr",
      'use("cyclic", { baseLr: oneOrAll(high), maxLr: oneOrAll(low)',
      'use("cyclic", { baseLr: oneOrAll(low), maxLr: oneOrAll(high)',
    ],
    ["A chain multiplies what is no factor", "chains: etaMin === 0", "chains: true"],
  ]),
  ...of("plugins/recipes/foreign/python.ts", ["tests/plugins/foreign_code_test.ts"], [
    ["A name may be code", "isNamed && !/^[A-Za-z_]\\w*$/.test(key)", "false"],
    ["A line may end within a text", "[\\u007f-\\uffff]/g, (letter)", "[\\u007f-\\u00ff]/g, (letter)"],
  ]),

  ...of("plugins/http/page/run.ts", ["tests/plugins/http/page_gpu_test.ts"], [
    ["A failed update's images are left out", "position = batches.position;", "", "^a run with|^an update that failed"],
    ["A moved run begins anew", "next.trainer.optimizer.loadState(saved)", "void saved", "^a run with"],
    ["What failed is over", "if (isBroken) await moveTo(work.on);", "", "^an update that failed"],
    ["A run that has ended goes on", "if (isDisposed) return false;\n    position", "position", "^a run that ends"],
    ["A run that has ended waits for its device", "      leave();\n", "", "^a run that ends"],
    ["What was moved is forgotten by a lost device", "return moved;", "return undefined;", "^a run whose device"],
    [
      "Arrays stay as they were before the GPU's step",
      "await Promise.race([trainer.optimizer.sync(), left]);",
      "",
      "^where the browser has WebGPU",
    ],
  ]),
  ...of("plugins/http/page/places.ts", ["tests/plugins/http/page_gpu_test.ts"], [
    ["A GPU is there for those who ask", 'if ("name" in gpu && !hasChosen) chosen = "webgpu";', "", "^where the browser has WebGPU"],
    ["What a GPU refuses is given to it again", "!refused.has(run)", "true", "^an algorithm that the GPU"],
    ["A lost GPU stays chosen", "chosen = hosts[0];\n    refused", "refused", "^a GPU that is lost"],
    ["Runs are said to be where they only go", 'all.some((run) => run.backend === "webgpu")', "false", "^a place that is chosen while"],
    ["A lost GPU is kept", "opening = undefined;", "", "^a GPU that is lost"],
    ["A lost GPU moves runs that had left it", 'if (chosen !== "webgpu") return;', "", "^a GPU that is lost when"],
  ]),
  ...of("plugins/http/page/live.ts", ["tests/plugins/http/page_gpu_test.ts"], [
    ["Two loops update the same runs", "working = working.then(work, work);", "work();", "^runs on a GPU can be stopped"],
  ]),
  ...of("tests/page.ts", ["tests/plugins/http/page_gpu_test.ts"], [
    ["The page's policy forbids its threads", '"worker-src blob:",', "", "^a page that is not isolated"],
  ]),
  ...of("plugins/http/page/pasted.ts", ["tests/plugins/http/page_paste_test.ts"], [
    ["What is deep is followed", "if (depth > deepest)", "if (depth > 50 * deepest)"],
    ["What is wide is read", "if (++values > mostValues)", "if (++values > 50 * mostValues)"],
  ]),
  ...of("plugins/http/page/recognized.ts", ["tests/plugins/http/page_paste_test.ts"], [
    ["timm's arguments are taken for transformers'", 'hasAny(value, "sched", "sched_on_updates", "step_on_epochs")', "false"],
  ]),
  ...of("plugins/adapters/tfjs/host_memory.ts", [tfjs], [
    [
      "a variable of tfjs is read once",
      "if (variable.dataId === dataId) continue;",
      "if (dataId !== null) continue;",
      "assigned to a variable",
    ],
    ["tfjs is given the array that kernels write", "heap === null ? elements.slice() : elements", "elements", "stays as it is"],
    [
      "tfjs' heap is written in place",
      "variable.assign(made);",
      "if (heap === null) variable.assign(made); else (heap.typedArrayFromHeap(variable) as Float32Array).set(elements);",
      "a product after a step",
    ],
    ["what a variable is assigned is kept", "made.dispose();", "", "leave no tensor behind"],
  ]),
  ...of("plugins/adapters/tfjs/host_memory.ts", ["tests/plugins/adapters/tfjs_webgpu_test.ts"], [
    ["what tfjs cannot read at once is told in its words", "atOnce(() => tensor.dataSync())", "tensor.dataSync()", "without a backend"],
  ]),
  ...of("plugins/adapters/tfjs/device_memory.ts", ["tests/plugins/adapters/tfjs_webgpu_test.ts"], [
    ["a step on a GPU writes what clones of tfjs' have", "for (const cell of cells) part(gpu, cell, 2);", "", "clones"],
    [
      "tfjs gives what it read of a variable before the step",
      "over(cell, cell.param as DeviceTensor, true);",
      "if (lent.get(cell) !== cell.variable.dataId) over(cell, cell.param as DeviceTensor, true);",
      "read nothing back",
    ],
    ["a variable ends with its optimizer", "part(gpu, cell, 1);", "", "clones"],
    [
      "a step comes before what tfjs computes of its gradients",
      "flush(gpu);\n      return buffers;",
      "return buffers;",
      "read nothing back",
    ],
    ["a step on a GPU passes over what a variable was assigned", "variable.dataId !== dataId)", "dataId === null)", "clones"],
  ]),
  ...of("plugins/adapters/tfjs/bind.ts", [tfjs], [
    ["a missing gradient of tfjs is passed over", "(name) => grads[name] !== undefined", "() => true", "refuses gradients"],
    ["a step that is held back assigns", "if (hasMoved(report)) memory.write(moving);", "memory.write(moving);", "holds back"],
    ["each late variable has a group of its own", "state.restGroup ??= next;", "", "late variables"],
    ["late variables are matched by themselves", "if (index < groups.length) return addTo(here, { group: index });", "", "late variables"],
    ["the end leaves variables at another point", "comeBack(state);\n  state.isDisposed", "state.isDisposed", "another point"],
    [
      "a bound optimizer keeps a shared backend's memory",
      "memory.release([...cells.values()]);",
      "",
      "shared backend",
    ],
    ["a refused bind keeps memory", "memory.release(cells);", "", "takes no memory"],
    ["a load shows in no variable", "state.memory.write(all);\n      return report;", "return report;", "loadState"],
  ]),
  ...of("plugins/adapters/tfjs/optimizer.ts", [tfjs], [
    ["a model's step wants a gradient of every variable", "[...still, ...pairs]", "[...pairs]", "come later join"],
    ["tfjs takes the underscores out of a recipe", '.replaceAll("_", "\\\\u005f")', "", "loaded goes on|another one saved"],
    ["groups are matched by the names of the copy", "return { all: variables, names };", "return { all: variables };", "loaded goes on"],
    [
      "weights of a model that was not trained yet are not saved again",
      "this.#bound === undefined ? this.#kept : await keptOf",
      "this.#bound === undefined ? undefined : await keptOf",
      "loaded goes on",
    ],
    ["frozen variables are bound", "variable === undefined || !variable.trainable ? []", "variable === undefined ? []", "frozen"],
    ["what getWeights gave is never disposed", "for (const { tensor } of this.#given) tensor.dispose();", "", "loaded goes on"],
  ]),
  ...of("plugins/adapters/tfjs/recipe.ts", [tfjs], [
    ["flags of an expression are passed over", 'match instanceof RegExp && match.flags !== ""', "false", "JSON"],
  ]),
  ...of("plugins/testing/described.ts", [brokenPlugins], [
    ["the kit asks for no source", "!citations.some((words) => words.test(description))", "false", "no source"],
    ["the kit reads code without powers of its sign", "(?<!\\b2\\s*)\\*\\*", "(?!)", "by their sign"],
  ]),
  ...of("plugins/testing/pure.ts", [brokenPlugins], [
    ["the kit takes any second answer", "again.text !== answer.text", "false", "counter|counts its calls"],
  ]),
  ...of("plugins/testing/rules.ts", [brokenPlugins], [
    ["the kit compares no step with what came before", "text !== first", "false", "the greatest step"],
  ]),
  ...of("plugins/testing/stepped.ts", [brokenPlugins], [
    ["the kit resumes from nothing", "optimizer.loadState(saved);", "", "has no fault"],
    [
      "the kit's resumed run is the uninterrupted one",
      "const is = using(make(setup, zeros, backend)",
      "const is = should ?? using(make(setup, zeros, backend)",
      "not saved",
    ],
  ]),
  ...of("plugins/testing/downhill.ts", [brokenPlugins], [
    ["the kit lets optimizers climb", "along > 0", "along > Infinity", "uphill"],
  ]),
  ...of("plugins/testing/optimizer.ts", [brokenPlugins], [
    ["the kit takes a transform that holds every step", "if (applied === false)", "if (applied === null)", "holds every step back"],
  ]),
  ...of("plugins/testing/schedule.ts", [brokenPlugins], [
    [
      "the kit looks at no other schedule's options",
      "if (told.length === 0) checkOwn(",
      "if (told.length < 0) checkOwn(",
      "the last that was made",
    ],
    ["the kit tries no rebase", "  checkRebased(faults, plugin,", "  if (reference === null) checkRebased(faults, plugin,", "a rebase"],
    ["the kit looks at no simpler form", "if (plugin.simplify === undefined || ", "if (plugin.simplify !== undefined || ", "simpler form"],
    [
      "the kit asks backwards of the same schedule",
      '["backwards", other, backwards]',
      '["backwards", other, someSteps]',
      "own last value|has no fault",
    ],
    ["the kit resumes a metric schedule from nothing", "resumed.state = JSON.parse(JSON.stringify(saved));", "", "has no fault"],
  ]),
  ...of("plugins/testing/effects.ts", [brokenPlugins], [
    ["the kit lets options do nothing", "if (!found)", "if (found)", "without effect"],
  ]),
  ...of("plugins/testing/reference.ts", [kitReference], [
    ["the kit takes any number for the reference's", "if (isNear) continue;", "continue;"],
    ["the kit's tolerance is of each number", "<= tolerance * largest", "<= tolerance * Math.abs(should[i])"],
    ["the kit takes a reference without numbers", "Object.keys(one).length === 0", "false", "misspelt"],
  ]),
  ...of("plugins/new_plugin/command.ts", [newPluginTest], [
    ["new-plugin writes over what is there", "readdirSync(into).length > 0", "readdirSync(into).length > 99", "over"],
    [
      "new-plugin takes built-in names",
      "plugin.kind === kind && plugin.name === names.name",
      "plugin.kind === kind && plugin.name === names.folder + 1",
      "refuses lion",
    ],
  ]),
  ...of("plugins/adapters/jax_js_memory.ts", [jaxJsTest], [
    ["a read in jax-js that fails keeps a reference", "while (array.refCount > refCount) array.dispose();", "", "an error leaves"],
    ["arrays of jax-js lose their shape", "{ shape: [...shape], dtype, device }", "{ dtype, device }", "shapes and places"],
  ]),
  ...of("plugins/adapters/jax_js_memory.ts", ["tests/plugins/adapters/jax_js_webgpu_test.ts"], [
    ["a backend on another device than jax-js' is taken", "deviceOfJax(getWebGPUDevice) !== device", "false", "refuses other devices"],
    ["arrays of a host are looked for on a GPU", 'if (device === "webgpu") continue;', "continue;", "refuses other devices"],
    ["parameters of jax-js are stepped in its own buffers", "return taken;", "return from;", "steps match"],
    [
      "new arrays of jax-js hold zeros",
      "copies.push(copyOf(elements as DeviceTensor, writable(array)));",
      "writable(array);",
      "steps match",
    ],
    ["copies of 16 bits are of 32", '(from.dtype === "float16" ? 2 : 4)', "4", "16 bits"],
    ["copies touch parts of words", "Math.ceil(sizeOf(from.shape)", "Number(sizeOf(from.shape)", "16 bits"],
    ["what a GPU's arrays cannot give is said in jax-js' words", 'if (array.device !== "webgpu") throw error;', "throw error;", "says so"],
  ]),
  ...of("plugins/adapters/jax_js.ts", ["tests/plugins/adapters/jax_js_webgpu_test.ts"], [
    ["a refused bind keeps memory of the GPU", "memory.release(tensors);\n    throw error;", "throw error;", "refuses other devices"],
    ["the end of an optimizer over jax-js keeps memory of the GPU", "taken.forEach(memory.release);\n", "\n", "refuses other devices"],
  ]),
  ...of("plugins/adapters/jax_js.ts", [jaxJsTest], [
    ["a step in jax-js without gradients does nothing", "if (tree === undefined || tree === null)", "if (false)", "an error leaves"],
    ["a branch of null is missing in jax-js", "name.startsWith(`${path}.`)", "false", "names are paths"],
    ["a missing branch stands still in jax-js", "if (branch === null) empty", "if (branch == null) empty", "an error leaves"],
    ["a step in jax-js leaves its gradients behind", "arrays.forEach((array) => array.dispose());", "", "takes the parameters over"],
    [
      "a step in jax-js gives the parameters of before",
      "    state.isFresh = false;\n    arrays",
      "    arrays",
      "takes the parameters over",
    ],
    [
      "parameters of jax-js that were are kept",
      "letGo(state.tree);\n      Object",
      "Object",
      "let go at the next",
    ],
    [
      "a bound tree of jax-js is never let go",
      "taken.forEach(memory.release);\n    letGo(state.tree);",
      "taken.forEach(memory.release);",
      "let go at the next",
    ],
    ["one array of jax-js may have two names", "if (other !== undefined) {", "if (false) {", "one array in two places"],
    ["jax-js' arrays are read after they are freed", "if (refCount === 0)", "if (refCount === -1)", "what is freed"],
    [
      "a state that is loaded does not come to jax-js",
      "state.isFresh = false;\n      return report;",
      "return report;",
      "states are loaded",
    ],
    ["later parameters of jax-js replace others", "if (clash !== undefined)", "if (false)", "come later"],
  ]),
  ...of("plugins/adapters/bound.ts", [tfjs], [
    ["another parameter's gradient is proposed", "known(given.there)", "known(given.there, missing)", "does not propose"],
  ]),
  ...of("plugins/adapters/bound.ts", [onnxruntimeTest], [
    ["an adapter does not say which gradient is missing", "{ tensor: missing }", "{}", "a step that is refused"],
    [
      "an adapter looks names up among the built-in plugins alone",
      "finderOf(registry?.plugins ?? plugins)",
      "finderOf(plugins)",
      "beside the registry",
    ],
    [
      "an adapter takes anything for a registry",
      "registry !== undefined && !Array.isArray(registry?.plugins)",
      "false",
      "registry that is none",
    ],
  ]),
  ...of("plugins/adapters/onnxruntime_tensors.ts", [onnxruntimeTest], [
    ["onnxruntime's adapter reads what lies on a GPU", "if (!onDevice)", "if (false)", "on a GPU"],
    [
      "onnxruntime's adapter takes float16 for another type",
      'data: given.data as Tensor["data"], shape: dims, dtype: type',
      'data: given.data as Tensor["data"], shape: dims, dtype: "bfloat16"',
      "takes arrays",
    ],
  ]),
  ...of("plugins/adapters/onnxruntime_tensors.ts", ["tests/plugins/adapters/onnxruntime_webgpu_test.ts"], [
    ["an array passes for a tensor on a GPU", "!ArrayBuffer.isView(value) && ", "", "lies elsewhere"],
    ["another device's buffers are found by nobody", "if (error === null) return;", "return;", "lies elsewhere"],
  ]),
  ...of("plugins/adapters/onnxruntime.ts", ["tests/plugins/adapters/onnxruntime_webgpu_test.ts"], [
    ["an update leaves its gradients on the GPU", "letGo(wanted.filter((name) => !others.includes(name)));", "", "dispose gradients"],
    ["parameters on the CPU are moved on the GPU alone", "if (onDevice && !isDeviceTensor(tensor)) {", "if (false) {", "lies elsewhere"],
    ["an update feeds what getData has taken from the GPU", "if (onDevice && !isOnGpu(given)) {", "if (false) {", "lies elsewhere"],
    ["no update asks whose the buffers are", "if (!state.isChecked) {", "if (false) {", "lies elsewhere"],
    [
      "gradients on a GPU are not for a trainer there",
      "isOnnxTensor(param) ? isOnGpu(param) : isDeviceTensor(param)",
      "isOnnxTensor(param)",
      "a trainer",
    ],
    ["parameters on a GPU are made on the CPU", "device === undefined ? tensor", "device !== null ? tensor", "match those"],
  ]),
  ...of("plugins/adapters/onnxruntime.ts", [onnxruntimeTest], [
    [
      "onnxruntime's adapter passes over a missing gradient",
      "(name) => outputOf(name) !== undefined",
      "() => true",
      "a step that is refused|without a gradient",
    ],
    ["onnxruntime's adapter lets nothing stand still", "output === null ? null : ", "", "takes arrays"],
    ["onnxruntime's adapter takes an inherited output", "Object.hasOwn(outputs, name + suffix)", "true", "inherited"],
    [
      "onnxruntime's adapter takes every input for a parameter",
      "outputNames.includes(`${name}${suffix}`)",
      "name !== suffix",
      "digits are learnt|without gradients",
    ],
    ["onnxruntime's adapter takes open dimensions", 'typeof length === "number"', "length !== undefined", "open dimension"],
    [
      "onnxruntime's adapter forgets what comes later",
      "optimizer.add(tensors(parameters, onDevice), to)",
      "optimizer.add(tensors(parameters, onDevice))",
      "come later",
    ],
    [
      "an update runs a session that lacks a gradient",
      "(name) => outputNames.includes(name + suffix)",
      "() => true",
      "to the bits of step",
    ],
    ["an update feeds arrays to onnxruntime", "if (!isOnnxTensor(given)) {", "if (false) {", "to the bits of step"],
    ["an update knows only the first parameters", "state.parameters.set(name, given)", "undefined", "to the bits of step"],
  ]),
];
