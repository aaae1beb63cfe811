/**
 * One name in the forms that it has in a package.
 *
 * @module
 */

/** A plugin's name, as it stands in different places. */
export interface Names {
  /** Of the package: `@you/my-lion`. */
  readonly packageName: string;
  /** Of its folder: `my-lion`. */
  readonly folder: string;
  /** Of the plugin in registries: `my_lion`. */
  readonly name: string;
  /** Of its file, without an ending: `my_lion`. */
  readonly file: string;
  /** Of the exported constant: `myLion`. */
  readonly constant: string;
  /** Of the type of its options: `MyLionOptions`. */
  readonly optionsType: string;
}

const form = /^(?:(@[a-z0-9][a-z0-9-]*)\/)?([a-z][a-z0-9]*(?:[-_][a-z0-9]+)*)$/;

/** The forms of `my-lion`, `my_lion` or `@scope/my-lion`. TypeError for what is no such name. */
export function namesOf(given: string): Names {
  const found = form.exec(given);
  if (found === null) {
    throw new TypeError(
      `Cannot name a plugin ${JSON.stringify(given)}: a name is small letters, digits and -, as my-lion or @your-scope/my-lion`,
    );
  }
  const [, scope = "@your-scope", bare] = found;
  const words = bare.split(/[-_]/);
  const [first, ...rest] = words;
  const constant = first + rest.map((word) => word[0].toUpperCase() + word.slice(1)).join("");
  if (reserved.has(constant)) throw new TypeError(`Cannot name a plugin ${JSON.stringify(given)}: ${constant} is a word of the language`);
  return {
    packageName: `${scope}/${words.join("-")}`,
    folder: words.join("-"),
    name: words.join("_"),
    file: words.join("_"),
    constant,
    optionsType: `${constant[0].toUpperCase()}${constant.slice(1)}Options`,
  };
}

// Words that no constant of a module may be called, and that of the test's own import.
const reserved: ReadonlySet<string> = /* @__PURE__ */ new Set(
  ("await break case catch class const continue debugger default delete do else enum export extends false finally for function if implements import in " +
    "instanceof interface let new null package private protected public return static super switch this throw true try typeof var void while with " +
    "yield arguments eval test builtins").split(" "),
);
