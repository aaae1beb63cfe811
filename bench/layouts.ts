/**
 * Models as lists of tensors, by name: what the benches run over.
 *
 * @module
 */

/** Tensors by name with their shapes. */
export type Layout = Readonly<Record<string, readonly number[]>>;

/** The layouts that the benches know. */
export const layouts: Readonly<Record<string, () => Layout>> = {
  "1Ki": () => ({ w: [32, 32] }),
  "64Ki": () => ({ w: [256, 256] }),
  "1Mi": () => ({ w: [1024, 1024] }),
  "4Mi": () => ({ w: [2048, 2048] }),
  "16Mi": () => ({ w: [4096, 4096] }),
  "200x4096": () => Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`w${i}`, [4096]])),
  "bert": bert,
};

/** Parameters in all tensors together. */
export function parameters(layout: Layout): number {
  return Object.values(layout).reduce((sum, shape) => sum + size(shape), 0);
}

/** Elements of one tensor. */
export function size(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}

/** BERT-base (arXiv 1810.04805) with query, key and value in one matrix, as `torch.nn.MultiheadAttention` keeps them. */
function bert(): Layout {
  const [vocabulary, positions, types, layers, hidden, inner] = [30522, 512, 2, 12, 768, 3072];
  const layout: Record<string, readonly number[]> = {};
  const linear = (name: string, out: number, input: number) => {
    layout[`${name}.weight`] = [out, input];
    layout[`${name}.bias`] = [out];
  };
  const norm = (name: string) => {
    layout[`${name}.weight`] = [hidden];
    layout[`${name}.bias`] = [hidden];
  };
  layout["embeddings.word.weight"] = [vocabulary, hidden];
  layout["embeddings.position.weight"] = [positions, hidden];
  layout["embeddings.type.weight"] = [types, hidden];
  norm("embeddings.norm");
  for (let i = 0; i < layers; i++) {
    linear(`layer.${i}.attention.input`, 3 * hidden, hidden);
    linear(`layer.${i}.attention.output`, hidden, hidden);
    norm(`layer.${i}.attention.norm`);
    linear(`layer.${i}.inner`, inner, hidden);
    linear(`layer.${i}.output`, hidden, inner);
    norm(`layer.${i}.norm`);
  }
  linear("pooler", hidden, hidden);
  return layout;
}

/** Shapes as a word: `2*64x64,512` are two matrices and a vector. */
export function readShapes(text: string): number[][] {
  return text.split(",").flatMap((part) => {
    const [shape, count = "1"] = part.split("*").reverse();
    return Array.from({ length: Number(count) }, () => shape.split("x").map(Number));
  });
}

/** T5-small (arXiv 1910.10683), 131 tensors of 60.5 million parameters, as {@linkcode readShapes} reads them. */
export const t5Small: string = [
  "32128x512", // words
  "2*32x8", // relative positions, of the encoder and the decoder
  "24*512x512", // six layers' attention in the encoder
  "48*512x512", // and twice as much in the decoder
  "12*2048x512",
  "12*512x2048",
  "12*512", // norms of the encoder's layers
  "18*512",
  "2*512",
].join(",");
