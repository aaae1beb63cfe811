/**
 * Posts one stateless step of so many parameters again and again, and prints the milliseconds of each as JSON: what bench/http.ts starts beside
 * the server. `deno run -A bench/http_steps.ts PORT PARAMETERS TIMES`
 *
 * @module
 */
import process from "node:process";
import { writeSafetensors } from "../plugins/formats/safetensors.ts";

const [port, parameters, times] = process.argv.slice(2).map(Number);
const tensor = (scale: number) => {
  const data = Float32Array.from({ length: parameters }, (_, i) => scale * ((i * 2654435761 % 1000) / 1000 + 0.5));
  return { data, shape: [parameters], dtype: "float32" as const };
};
const body = writeSafetensors({
  tensors: {
    "w": tensor(1),
    "w.grad": tensor(0.1),
    "w.exp_avg": tensor(0.01),
    "w.exp_avg_sq": tensor(1e-4),
    "w.step": { data: new Float64Array([10]), shape: [], dtype: "float64" },
  },
  metadata: { recipe: JSON.stringify({ optimizer: { name: "adamw", options: { lr: 1e-3, weightDecay: 0.01 } } }) },
});
const headers = { "Content-Type": "application/vnd.safetensors", "X-Answer-Bytes": String(12 * parameters + 400) };
const took: number[] = [];
for (let i = 0; i < times + 3; i++) {
  const begin = performance.now();
  const answer = await fetch(`http://127.0.0.1:${port}/v1/steps`, { method: "POST", headers, body });
  const { byteLength } = await answer.arrayBuffer();
  if (answer.status !== 200 || byteLength < 12 * parameters) throw new Error(`${answer.status}, ${byteLength} bytes`);
  if (i >= 3) took.push(performance.now() - begin);
}
console.log(JSON.stringify(took));
