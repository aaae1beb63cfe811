/**
 * Objects whose own fields cannot be assigned, and which say what to do instead.
 *
 * @module
 */

/**
 * Freezes an object. Whoever assigns to one of its fields, or to a name that it does not have, gets what `refuse` makes of the name: an engine's own words
 * name the field and nothing else, and an ordinary field would take the value in silence. Methods stay fields, which engines refuse by themselves.
 */
export function fixed<T extends object>(object: T, refuse: (name: string) => Error): T {
  const set = (name: string): never => {
    throw refuse(name);
  };
  for (const name of Object.getOwnPropertyNames(object)) {
    const { value, get, enumerable } = Object.getOwnPropertyDescriptor(object, name)!;
    if (typeof value === "function") continue;
    Object.defineProperty(object, name, { enumerable, get: get ?? (() => value), set: () => set(name) });
  }
  // Only a proxy is told of every name; it stands behind the object, where nothing but a name that the object lacks is looked for.
  Object.setPrototypeOf(object, new Proxy(Object.prototype, { set: (_target, name) => set(String(name)) }));
  return Object.freeze(object);
}
