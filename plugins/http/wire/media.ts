/**
 * Media types of bodies and answers.
 *
 * @module
 */
import { Problem } from "./problem.ts";

/** What bodies and answers are written in. */
export type Form = "json" | "csv" | "svg" | "html" | "text" | "safetensors";

/** Media types of the forms. */
export const mediaTypes: Readonly<Record<Form, string>> = {
  json: "application/json",
  csv: "text/csv; charset=utf-8",
  svg: "image/svg+xml",
  html: "text/html; charset=utf-8",
  text: "text/plain; version=0.0.4; charset=utf-8",
  safetensors: "application/vnd.safetensors",
};

/** How tensors are written. */
export type TensorForm = "safetensors" | "json";

const tensorForms: Readonly<Record<string, TensorForm>> = {
  [mediaTypes.safetensors]: "safetensors",
  "application/octet-stream": "safetensors",
  [mediaTypes.json]: "json",
};

/** Refuses a body of another media type than these, or a packed one; 415. */
export function mediaTypeOf(headers: Headers, allowed: readonly string[]): string {
  const refuse = (name: string, detail: string, allowed: readonly string[]): never => {
    throw new Problem("unsupported-media-type", detail, [{ in: "header", name, detail, allowed }]);
  };
  const encoding = headers.get("content-encoding");
  if (encoding !== null && encoding !== "identity") {
    refuse("Content-Encoding", `Content-Encoding ${encoding.slice(0, 80)} is not read here`, ["identity"]);
  }
  const type = (headers.get("content-type") ?? "").split(";")[0].trim().toLowerCase();
  return allowed.includes(type)
    ? type
    : refuse("Content-Type", `A body of type ${type.slice(0, 80) || "that is not told"} is not read here`, allowed);
}

/** The form of a body of tensors; 415. */
export function tensorFormOf(headers: Headers): TensorForm {
  return tensorForms[mediaTypeOf(headers, Object.keys(tensorForms))];
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
    const types = Object.keys(tensorForms).filter((type) => tensorForms[type] === form);
    const fitting = [types, ["application/*"], ["*/*"]].map((some) => ranges.filter(({ type }) => some.includes(type)));
    const [closest = []] = fitting.filter((some) => some.length > 0);
    return Math.max(0, ...closest.map(({ weight }) => weight));
  };
  const other = own === "json" ? "safetensors" : "json";
  const form = weightOf(other) > weightOf(own) ? other : own;
  if (weightOf(form) > 0) return form;
  const detail = `Accept ${accept.slice(0, 80)} names no form that tensors have here`;
  throw new Problem("not-acceptable", detail, [{ in: "header", name: "Accept", detail, allowed: Object.keys(tensorForms) }]);
}
