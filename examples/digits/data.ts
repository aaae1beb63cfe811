/**
 * The handwritten digits: data/README.md says where they come from.
 *
 * @module
 */
import type { Generator } from "./generator.ts";

/** Images and what they show. */
export interface Batch {
  /** How many images. */
  readonly count: number;
  /** 64 numbers in [0, 1] an image, one image after another. */
  readonly pixels: Float32Array;
  /** A digit for each image. */
  readonly labels: Uint8Array;
}

/** The images in two parts. */
export interface Digits {
  /** What the network learns from. */
  readonly training: Batch;
  /** Every fifth image, from the first on: what it is tested on. */
  readonly heldOut: Batch;
}

/** Pixels in an image of 8 x 8. */
const SIZE = 64;

/** Reads the gzipped CSV: a row an image, 64 integers from 0 to 16 and then the digit. */
export async function readDigits(gzipped: Uint8Array<ArrayBuffer>): Promise<Digits> {
  const csv = await new Response(new Blob([gzipped]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
  const rows = csv.trim().split("\n").map((line) => line.split(",").map(Number));
  return {
    training: toBatch(rows.filter((_, i) => i % 5 !== 0)),
    heldOut: toBatch(rows.filter((_, i) => i % 5 === 0)),
  };
}

function toBatch(rows: readonly (readonly number[])[]): Batch {
  return {
    count: rows.length,
    pixels: Float32Array.from(rows.flatMap((row) => row.slice(0, SIZE)), (pixel) => pixel / 16),
    labels: Uint8Array.from(rows, (row) => row[SIZE]),
  };
}

/** Where the next batch begins; all that is needed to go on there. */
export interface Position {
  /** State of the generator before it made the round's order. */
  readonly generator: number;
  /** Images of the round that earlier batches had. */
  readonly taken: number;
}

/** Batches, one after another. */
export interface Batches extends Iterable<Batch> {
  /** After the last batch that was asked for. */
  readonly position: Position;
}

/**
 * Batches without end: all images in a new random order, then all of them again in another. A batch may span two rounds, so that
 * every image is seen as often as any other. To go on at a {@linkcode Position}: `createGenerator(position.generator)`, and its `taken`.
 *
 * A round's order is a Fisher-Yates shuffle of 0, 1, 2…: for i from the last place down to the second, places i and `below(i + 1)` change.
 */
export function shuffledBatches(images: Batch, count: number, generator: Generator, taken = 0): Batches {
  let position: Position = { generator: generator.state, taken };
  function* batches(): Iterator<Batch> {
    const batch = { count, pixels: new Float32Array(count * SIZE), labels: new Uint8Array(count) };
    let filled = 0;
    while (true) {
      const { state } = generator;
      const order = Uint32Array.from({ length: images.count }, (_, i) => i);
      for (let i = order.length - 1; i > 0; i--) {
        const j = generator.below(i + 1);
        [order[i], order[j]] = [order[j], order[i]];
      }
      while (taken < order.length) {
        const image = order[taken++];
        batch.pixels.set(images.pixels.subarray(image * SIZE, (image + 1) * SIZE), filled * SIZE);
        batch.labels[filled] = images.labels[image];
        filled++;
        if (filled < count) continue;
        position = { generator: state, taken };
        yield batch;
        filled = 0;
      }
      taken = 0;
    }
  }
  return {
    [Symbol.iterator]: batches,
    get position() {
      return position;
    },
  };
}
