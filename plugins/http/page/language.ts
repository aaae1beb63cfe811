/// <reference lib="dom" />
/**
 * To be imported ahead of uPlot, which while it loads asks `Intl` for the numbers of the browser's language. WebKitGTK takes the language from the
 * system's locale, and where that is C, its name is no language's: `Intl` throws, and nothing of the page would run. The page itself writes English.
 *
 * @module
 */

try {
  new Intl.NumberFormat(navigator.language);
} catch {
  // Node 20, in which the page's parts are tested, has no navigator.
  if (typeof navigator !== "undefined") Object.defineProperty(navigator, "language", { value: "en" });
}
