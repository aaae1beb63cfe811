/**
 * The forms that bodies of tensors have, one row each: what a request says of them, how they are read and written, and how large they may be.
 *
 * @module
 */
import type { Backend } from "../../../core/types.ts";
import type { Limits } from "../guard/limits.ts";
import type { FileReader } from "./file_reader.ts";
import { mediaTypeOf, mediaTypes, type TensorForm } from "./media.ts";
import { Problem } from "./problem.ts";
import { readJson, refuseLongHeader, type TensorBody, writeFile, writeJson } from "./tensors.ts";

/** What must be known of a form. */
export interface TensorFormat {
  /** Media types that mean it; the first is that of answers. */
  readonly types: readonly string[];
  /** Bytes of a body in it. */
  mostBytes(limits: Required<Limits>): number;
  /** Looks at the first bytes of a body: 400 where the rest need not come. */
  begins?(bytes: Uint8Array<ArrayBuffer>, limits: Required<Limits>): boolean;
  /** Reads a body: 400 where it is broken, 422 where what it holds is refused. */
  read(bytes: Uint8Array<ArrayBuffer>, limits: Required<Limits>, backend: Backend, files: FileReader): TensorBody;
  /** Writes a body; 406 where it cannot be said in this form. `from` is the form that the request came in. */
  write(body: TensorBody, from: TensorForm, limits: Required<Limits>, backend: Backend): string | Uint8Array<ArrayBuffer>;
}

/** The forms. */
export const tensorForms: Readonly<Record<TensorForm, TensorFormat>> = {
  safetensors: {
    types: [mediaTypes.safetensors, "application/octet-stream"],
    mostBytes: ({ bodyBytes }) => bodyBytes,
    begins: refuseLongHeader,
    read: (bytes, limits, _, files) => files.read(bytes, limits),
    write: writeFile,
  },
  json: {
    types: [mediaTypes.json],
    mostBytes: ({ jsonBytes }) => jsonBytes,
    read: readJson,
    write: writeJson,
  },
};

const forms: readonly TensorForm[] = /* @__PURE__ */ Object.keys(tensorForms) as TensorForm[];
const allTypes: readonly string[] = /* @__PURE__ */ forms.flatMap((form) => tensorForms[form].types);

/** The form of a body of tensors; 415. */
export function tensorFormOf(headers: Headers): TensorForm {
  const type = mediaTypeOf(headers, allTypes);
  return forms.find((form) => tensorForms[form].types.includes(type))!;
}

/** The form of the answer by Accept: the one it prefers, else the body's own; 406. */
export function acceptedForm(headers: Headers, own: TensorForm): TensorForm {
  const accept = headers.get("accept");
  if (accept === null) return own;
  const ranges = accept.split(",").map((range) => {
    const [type, ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    const [weight = "1"] = parameters.filter((parameter) => parameter.startsWith("q=")).map((parameter) => parameter.slice(2));
    return { type, weight: Number(weight) || 0 };
  });
  const weightOf = (form: TensorForm): number => {
    const fitting = [tensorForms[form].types, ["application/*"], ["*/*"]].map((some) => ranges.filter(({ type }) => some.includes(type)));
    const [closest = []] = fitting.filter((some) => some.length > 0);
    return Math.max(0, ...closest.map(({ weight }) => weight));
  };
  const best = forms.reduce((best, form) => weightOf(form) > weightOf(best) ? form : best, own);
  if (weightOf(best) > 0) return best;
  const detail = `Accept ${accept.slice(0, 80)} names no form that tensors have here`;
  throw new Problem("not-acceptable", detail, [{ in: "header", name: "Accept", detail, allowed: allTypes }]);
}
