/**
 * The body of a stateless step, as bench/http.ts posts it.
 *
 * @module
 */
import { writeSafetensors } from "../plugins/formats/safetensors.ts";

/** AdamW's eleventh step over one tensor of so many parameters, with its gradient and its moments. */
export function stepBody(parameters: number): Uint8Array<ArrayBuffer> {
  const tensor = (scale: number) => {
    const data = Float32Array.from({ length: parameters }, (_, i) => scale * ((i * 2654435761 % 1000) / 1000 + 0.5));
    return { data, shape: [parameters], dtype: "float32" as const };
  };
  return writeSafetensors({
    tensors: {
      "w": tensor(1),
      "w.grad": tensor(0.1),
      "w.exp_avg": tensor(0.01),
      "w.exp_avg_sq": tensor(1e-4),
      "w.step": { data: new Float64Array([10]), shape: [], dtype: "float64" },
    },
    metadata: { recipe: JSON.stringify({ optimizer: { name: "adamw", options: { lr: 1e-3, weightDecay: 0.01 } } }) },
  });
}
