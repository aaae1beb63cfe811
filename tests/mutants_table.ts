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

const plans = "tests/core/plans_test.ts";
const bands = "tests/kernels/bands_test.ts";
const schedules = "tests/core/schedules_test.ts";

/** All of them. */
export const mutants: readonly Mutant[] = [
  {
    name: "A plan is used again for another gradient in place",
    file: "core/optimizer/step.ts",
    text: " || laid.gradients[i] !== cell.gradient",
    replacement: "",
    tests: [plans],
  },
  {
    name: "A plan is used again after an option changed the text",
    file: "core/optimizer/step.ts",
    text: " || laid.texts[i] !== cell.text",
    replacement: "",
    tests: [plans],
  },
  {
    name: "A plan that nobody will use again is not given back",
    file: "core/optimizer/step.ts",
    text: "made.shift()!.plan.dispose()",
    replacement: "made.shift()",
    tests: [plans],
  },
  {
    name: "Only the first of several schedules is applied",
    file: "core/optimizer/group.ts",
    text: "for (const one of scheduled) {",
    replacement: "for (const one of scheduled.slice(0, 1)) {",
    tests: [schedules],
    named: "act together",
  },
  {
    name: "A state that is refused leaves the schedules before the wrong one changed",
    file: "core/optimizer/state.ts",
    text: "saved.forEach(({ schedule }, i) => schedule.state = before[i]);",
    replacement: "",
    tests: [schedules],
    named: "^A state whose",
  },
  {
    name: "Tensors are loaded before the schedules say whether they take their part",
    file: "core/optimizer/state.ts",
    text:
      '  loadSchedules(refuse, metadata, schedules);\n  groups.forEach((group, i) => group.count = groupSteps[i]);\n  for (const { entry, data } of checked) {\n    if (entry.dtype === "float64") entry.set(data[0]);\n    else entry.data.set(data);\n  }',
    replacement:
      '  groups.forEach((group, i) => group.count = groupSteps[i]);\n  for (const { entry, data } of checked) {\n    if (entry.dtype === "float64") entry.set(data[0]);\n    else entry.data.set(data);\n  }\n  loadSchedules(refuse, metadata, schedules);',
    tests: [schedules],
    named: "^A state whose",
  },
  {
    name: "A group's count is loaded before the schedules say whether they take their part",
    file: "core/optimizer/state.ts",
    text: "  loadSchedules(refuse, metadata, schedules);\n  groups.forEach((group, i) => group.count = groupSteps[i]);",
    replacement: "  groups.forEach((group, i) => group.count = groupSteps[i]);\n  loadSchedules(refuse, metadata, schedules);",
    tests: [schedules],
    named: "count of a group",
  },
  {
    name: "An array option that is assigned anew changes nothing where its length is the same",
    file: "core/plugin/options.ts",
    text: "a.length === b.length && a.every((x, i) => Object.is(x, b[i]))",
    replacement: "a.length === b.length",
    tests: [schedules],
    named: "^An array option",
  },
  {
    name: "Of an array option only the first element is looked at",
    file: "core/plugin/options.ts",
    text: "a.every((x, i) => Object.is(x, b[i]))",
    replacement: "Object.is(a[0], b[0])",
    tests: [schedules],
    named: "^An array option",
  },
  {
    name: "An array option is the caller's own array",
    file: "core/plugin/options.ts",
    text: "Array.isArray(value) ? Object.freeze([...value]) : value",
    replacement: "value",
    tests: [schedules],
    named: "^An array that was given",
  },

  // ---- kernels: bands, waves, sums
  {
    name: "Column partials beyond two bands are lost",
    file: "kernels/plan/plan.ts",
    text: "const bands = unitCount / batch;",
    replacement: "const bands = Math.min(2, unitCount / batch);",
    tests: [bands],
    named: "^col",
  },
  {
    name: "The last band is dropped where columns are joined",
    file: "kernels/plan/plan.ts",
    text: "for (let k = 0; k < bands; k++) {\n            const at",
    replacement: "for (let k = 0; k < Math.max(2, bands - 1); k++) {\n            const at",
    tests: [bands],
    named: "^col",
  },
  {
    name: "The last, shorter band is not cut",
    file: "kernels/plan/plan.ts",
    text: "const cuts = Math.ceil(rows / step);",
    replacement: "const cuts = Math.floor(rows / step);",
    tests: [bands],
    named: "^col",
  },
  {
    name: "A column mean divides by as many rows as if all bands were full",
    file: "kernels/plan/plan.ts",
    text: "finish(f, sums[c], rows);",
    replacement: "finish(f, sums[c], bands * Math.ceil(rows / bands));",
    tests: [bands],
    named: "^colmean",
  },
  {
    name: "A sum over all tensors is complete after the first of several waves",
    file: "kernels/plan/plan.ts",
    text: "wave === waves.at(-1) ? complete : []",
    replacement: "wave === waves[0] ? complete : []",
    tests: [bands],
    named: "^A sum over more tensors",
  },
];
