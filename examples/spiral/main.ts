/**
 * A model from nothing: points on three arms of a spiral, a network of 2, 48 and 3 units whose gradients stand in 15 lines, and AdamW.
 *
 * `deno run examples/spiral/main.ts`; where the package is installed also `bun main.ts`. It takes a second.
 *
 * @module
 */
import { builtins } from "@glissade/optim";

// Numbers that look random and are the same everywhere.
let seed = 1;
const random = (): number => (seed = seed * 16807 % 2147483647) / 2147483647;

// 300 points, and which arm each is on.
const points = Array.from({ length: 300 }, (_, i) => {
  const [arm, r] = [i % 3, i / 300];
  const angle = 4 * r + 2 * Math.PI / 3 * arm + 0.2 * (random() - 0.5);
  return { x: [r * Math.cos(angle), r * Math.sin(angle)], arm };
});

const hidden = 48;
const params = {
  "hidden.weight": Float32Array.from({ length: hidden * 2 }, () => 4 * (random() - 0.5)),
  "hidden.bias": Float32Array.from({ length: hidden }, () => 2 * (random() - 0.5)),
  "output.weight": Float32Array.from({ length: 3 * hidden }, () => random() - 0.5),
  "output.bias": new Float32Array(3),
};
const { "hidden.weight": w1, "hidden.bias": b1, "output.weight": w2, "output.bias": b2 } = params;

/** The hidden units and the probability of each arm, at a point. */
function forward([x, y]: readonly number[]): { units: number[]; probabilities: number[] } {
  const units = Array.from(b1, (b, j) => Math.tanh(w1[2 * j] * x + w1[2 * j + 1] * y + b));
  const exps = Array.from(b2, (b, k) => Math.exp(units.reduce((sum, unit, j) => sum + w2[k * hidden + j] * unit, b)));
  const sum = exps.reduce((a, b) => a + b);
  return { units, probabilities: exps.map((e) => e / sum) };
}

/** Adds the gradient of one point's cross-entropy, by the chain rule, and gives the cross-entropy. */
function backward({ x, arm }: typeof points[number], g: typeof params, scale: number): number {
  const { units, probabilities } = forward(x);
  const dOut = probabilities.map((p, k) => scale * (p - Number(k === arm)));
  dOut.forEach((d, k) => {
    g["output.bias"][k] += d;
    units.forEach((unit, j) => g["output.weight"][k * hidden + j] += d * unit);
  });
  units.forEach((unit, j) => {
    const d = (1 - unit * unit) * dOut.reduce((sum, d, k) => sum + d * w2[k * hidden + j], 0);
    g["hidden.bias"][j] += d;
    g["hidden.weight"][2 * j] += d * x[0];
    g["hidden.weight"][2 * j + 1] += d * x[1];
  });
  return -Math.log(probabilities[arm]);
}

const epochs = 120;
const batch = 50;
const trainer = builtins.createTrainer(params, {
  optimizer: { name: "adamw", options: { lr: 0.02, weightDecay: 0.01 } },
  groups: [{ match: "bias$", options: { weightDecay: 0 } }],
  schedules: { lr: { name: "cosine", options: { numWarmupSteps: 20, numTrainingSteps: epochs * points.length / batch } } },
  transforms: [{ name: "clip_global_norm", options: { maxNorm: 1 } }],
});
for (let epoch = 1; epoch <= epochs; epoch++) {
  let loss = 0;
  for (let from = 0; from < points.length; from += batch) {
    const grads = Object.fromEntries(Object.entries(params).map(([name, p]) => [name, new Float32Array(p.length)])) as typeof params;
    // 101 and 300 have no common divisor, so that this meets every point once, in another order in each epoch.
    for (let i = from; i < from + batch; i++) loss += backward(points[101 * (i + 7 * epoch) % 300], grads, 1 / batch) / points.length;
    trainer.add(grads); // params have moved
  }
  const right = points.filter(({ x, arm }) => {
    const { probabilities } = forward(x);
    return probabilities.indexOf(Math.max(...probabilities)) === arm;
  }).length;
  if (epoch % 20 === 0) console.log(`epoch ${epoch}: loss ${loss.toFixed(3)}, ${right} of ${points.length} points right`);
}
trainer[Symbol.dispose]();
