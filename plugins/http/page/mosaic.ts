/// <reference lib="dom" />
/**
 * All held-out digits as one picture: those that are read right are pale, those that are read wrong stand out.
 *
 * @module
 */
import type { Batch } from "../../../examples/digits/data.ts";
import { styleOf } from "./element.ts";

/** A picture of digits. */
export interface Mosaic {
  /** Draws anew; 1 for each digit that is read wrong. */
  draw(wrong: Uint8Array): void;
}

const columns = 30;
/** Pixels of a digit's side, and the gap to the next one. */
const side = 8, gap = 2;

/** Draws into a canvas, in one of the page's colours. */
export function createMosaic(canvas: HTMLCanvasElement, { count, pixels }: Batch, colour: string): Mosaic {
  const rows = Math.ceil(count / columns);
  canvas.width = columns * (side + gap) - gap;
  canvas.height = rows * (side + gap) - gap;
  const context = canvas.getContext("2d");
  let last = new Uint8Array(count);

  function draw(wrong: Uint8Array): void {
    last = new Uint8Array(wrong);
    if (context === null) return;
    const image = context.createImageData(canvas.width, canvas.height);
    const ink = rgb(styleOf("--soft"));
    const loud = rgb(styleOf(colour));
    for (let i = 0; i < count; i++) {
      const left = (i % columns) * (side + gap);
      const top = Math.floor(i / columns) * (side + gap);
      for (let k = 0; k < side * side; k++) {
        const at = 4 * ((top + Math.floor(k / side)) * canvas.width + left + (k % side));
        const grey = pixels[i * side * side + k];
        const isWrong = wrong[i] === 1;
        image.data.set(isWrong ? loud : ink, at);
        // A wrong one is a solid tile with a light digit in it: it differs by more than its colour.
        image.data[at + 3] = 255 * (isWrong ? 1 - 0.78 * grey : 0.42 * grey);
      }
    }
    context.putImageData(image, 0, 0);
  }

  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw(last));
  return { draw };
}

function rgb(hex: string): [number, number, number] {
  const value = parseInt(hex.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}
