/**
 * The key of the method that `using` calls, also where the engine has none.
 *
 * @module
 */

/**
 * `Symbol.dispose`, or what bundlers take for it where an engine lacks it, as WebKit does: `using` that esbuild or TypeScript has lowered looks for
 * `Symbol.for("Symbol.dispose")` there.
 */
export const disposeSymbol: typeof Symbol.dispose = /* @__PURE__ */ find();

function find(): typeof Symbol.dispose {
  return Symbol.dispose ?? Symbol.for("Symbol.dispose");
}
