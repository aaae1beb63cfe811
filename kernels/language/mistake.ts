/**
 * Mistakes in rule texts: errors that say where, which name, what is known, and what to write instead of other languages' words.
 *
 * @module
 */

/** Where a mistake is. */
export interface Place {
  /** 1-based line. */
  readonly line: number;
  /** The name or symbol that is wrong. */
  readonly name: string;
  /** The names that are known there. */
  readonly known?: readonly string[];
  /** Whose text it is. */
  readonly scope?: string;
}

/** A mistake in a rule text. */
export function mistake(message: string, place: Place): SyntaxError {
  const { line, scope, known } = place;
  const where = scope ? `line ${line} of ${scope}` : `line ${line}`;
  return ruleError(`Cannot read the rule, ${where}: ${message}${known ? `: known are ${known.join(", ")}` : ""}`, place);
}

/**
 * A SyntaxError with own fields `line`, `name`, `known` and `scope`.
 *
 * `name` is the name in the text, and what consoles print as the class: an error that begins with `momentum:` says nothing. So the stack is made
 * before, `toString` says SyntaxError, and `name` is read through a getter, which Bun's console does not ask.
 */
export function ruleError(message: string, { line, name, known = [], scope }: Place): SyntaxError {
  const error = new SyntaxError(message);
  void error.stack; // engines write its first line when it is first read
  Object.assign(error, { line, known, ...(scope !== undefined && { scope }) });
  Object.defineProperties(error, {
    name: { get: () => name, configurable: true },
    toString: { value: () => `SyntaxError: ${error.message}`, configurable: true },
  });
  return error;
}

/** What other languages write, and what a rule writes. The first that fits what was found counts. */
const hints: readonly (readonly [pattern: RegExp, hint: string])[] = [
  [/\/\*|\*\//, "a comment begins with # and ends with the line"],
  [/\/\/=?/, "a comment begins with #, and of numbers floor(a / b) divides without a rest"],
  [/\*\*=?/, "a power of numbers is pow(a, b), a square of anything a*a"],
  [/\^=?/, "a power of numbers is pow(a, b), a square of anything a*a"],
  [/&&?|\band\b/, "comparisons give 0 or 1, so that both hold where their product is 1: (a > 0)*(b > 0)"],
  [/\|\|?|\bor\b/, "comparisons give 0 or 1, so that one of them holds where max(a > 0, b > 0) is 1"],
  [/===/, "equality is =="],
  [/!==/, "inequality is !="],
  [/!(?!=)|~|\bnot\b/, "comparisons give 0 or 1, and 1 - (a > 0) is the opposite"],
  [/\?|\b(?:if|else|elif)\b/, "a choice is where(condition, a, b)"],
  [/:=|<-/, "an assignment is name = …"],
  [/:/, "a choice is where(condition, a, b), and a line holds nothing but name = …"],
  [/;/, "a statement ends with its line, and each stands on a line of its own"],
  [/\+\+|--/, "a += 1 counts up, a -= 1 down"],
  [/\b(?:let|const|var|float|double|def|function)\b(?!\s*\()/, "a name comes to be where it is assigned first: name = …"],
  [/\breturn\b/, "a line is name = …; what a slot or p holds at the end is kept"],
  [/\b(?:for|while)\b/, "a line is computed for every element by itself, and there are no loops"],
  [/[A-Za-z_]\w*\.[A-Za-z_]*/, "functions and names stand alone: sqrt(x)"],
  [/[[\]{}]/, "a name stands for all elements at once, and none is reached by its number"],
  [/@/, "* multiplies element by element, and a product of matrices is a line of its own, name = matmul(a, b)"],
  [/["'`]/, "a rule knows numbers and names, no texts"],
];

// How far around a mistake another language's word is looked for: a hostile line must not take time.
const nearby = 40;

/** What to write instead of what stands there, in parentheses, or nothing. */
export function hintAt(source: string, offset: number): string {
  const from = Math.max(0, offset - nearby);
  const text = source.slice(from, offset + nearby);
  for (const [pattern, hint] of hints) {
    for (const { 0: found, index } of text.matchAll(new RegExp(pattern, "g"))) {
      if (index <= offset - from && offset - from < index + found.length) return ` (for ${JSON.stringify(found)}: ${hint})`;
    }
  }
  return "";
}
