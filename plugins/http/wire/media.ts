/**
 * Media types of bodies and answers.
 *
 * @module
 */
import { Problem } from "./problem.ts";

/** What bodies and answers are written in. */
export type Form = "json" | "csv" | "f64" | "svg" | "html" | "text" | "safetensors";

/** Media types of the forms. */
export const mediaTypes: Readonly<Record<Form, string>> = {
  json: "application/json",
  csv: "text/csv; charset=utf-8",
  f64: "application/octet-stream",
  svg: "image/svg+xml",
  html: "text/html; charset=utf-8",
  text: "text/plain; version=0.0.4; charset=utf-8",
  safetensors: "application/vnd.safetensors",
};

/** How tensors are written: the rows of `tensor_forms.ts`. */
export type TensorForm = "safetensors" | "json";

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
