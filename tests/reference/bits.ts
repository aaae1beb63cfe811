/**
 * 16-bit patterns as the numbers they stand for.
 *
 * @module
 */

/** The values of a tensor's data, whatever holds them. */
export function widen(data: ArrayLike<number>, dtype: string | undefined): ArrayLike<number> {
  if (!(data instanceof Uint16Array)) return data;
  if (dtype === "bfloat16") return new Float32Array(Uint32Array.from(data, (bits) => bits << 16).buffer);
  return Float32Array.from(data, half);
}

/** IEEE binary16; no engine's own, which Node 20 lacks. */
function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1, exponent = bits >> 10 & 31, fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
}
