import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { builtins, lintRecipe, type Recipe, type Schedule } from "../../mod.ts";
import { read, root } from "../generated.ts";

interface Example {
  readonly source: string;
  readonly updates: number;
  readonly recipe: Recipe;
}

const names = readdirSync(join(root, "examples/recipes")).filter((file) => file.endsWith(".json")).map((file) => file.slice(0, -5));
const exampleOf = (name: string): Example => JSON.parse(read(`examples/recipes/${name}.json`));
const curves: Readonly<Record<string, { readonly steps: number[]; readonly lr: number[] }>> = JSON.parse(
  read("tests/reference/recipe_curves.json"),
);

test("every example recipe has a recorded curve, and every curve a recipe", () => {
  assertEquals([...names].sort(), Object.keys(curves).sort());
});

for (const name of names) {
  test(`the recipe ${name} has the learning rates of its own code`, () => {
    const { recipe, updates } = exampleOf(name);
    const base = (recipe.optimizer.options as { lr: number }).lr;
    const { lr } = recipe.schedules!;
    const schedule = builtins.createSchedule(lr.name as "linear", lr.options as never, { value: base, groups: [base] }) as Schedule;
    const { steps, lr: expected } = curves[name];
    assert(steps.includes(updates - 1));
    steps.forEach((step, i) => {
      const value = schedule.returns === "value" ? schedule(step) : base * schedule(step);
      const off = Math.abs(value - expected[i]);
      assert(off <= 1e-14 * Math.abs(expected[i]) + 1e-19, `step ${step}: ${value}, where its code has ${expected[i]}`);
    });
  });

  test(`the recipe ${name} trains`, () => {
    const shaped = (shape: readonly number[]) => ({ data: new Float32Array(shape.reduce((a, b) => a * b)).fill(0.1), shape });
    const tensors = { "a.weight": shaped([4, 3]), "a.bias": shaped([4]) };
    using trainer = builtins.createTrainer(tensors, { ...exampleOf(name).recipe, accumulate: undefined });
    assert(trainer.add(tensors));
    const decays = trainer.optimizer.groups.map(({ current }) => (current as unknown as { weightDecay: number }).weightDecay);
    assertEquals(decays.length, exampleOf(name).recipe.groups === undefined ? 1 : 2);
  });

  test(`the recipe ${name} is found to be nothing worse than notes`, () => {
    const { recipe, updates } = exampleOf(name);
    assertEquals(lintRecipe(recipe, { updates }).filter(({ severity }) => severity !== "note"), []);
  });
}
