/**
 * Objects as consoles print them.
 *
 * @module
 */

/** What consoles of Node, Deno and Bun ask for. */
const inspect = Symbol.for("nodejs.util.inspect.custom");

/** Lets consoles print what an object's getters give, where they would print `[Getter]`; `names` are those to print, default all. */
export function showsValues<T extends object>(object: T, names: readonly string[] = Object.keys(object)): T {
  return Object.defineProperty(object, inspect, { value: () => Object.fromEntries(names.map((name) => [name, valueOf(object, name)])) });
}

// A console must not throw.
function valueOf(object: object, name: string): unknown {
  try {
    return (object as Record<string, unknown>)[name];
  } catch (error) {
    return error;
  }
}
