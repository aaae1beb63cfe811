/// <reference lib="dom" />
/**
 * What people take away: code, links, the picture and the numbers.
 *
 * @module
 */
import { codeOf, commentOf, curvesPath, picturePoints, strideOf } from "./code.ts";
import type { Language } from "./code_of.ts";
import { copyOn } from "./copy.ts";
import { compact, type Curve, isWavy, linked, type Offer } from "./curves.ts";
import { byId, element } from "./element.ts";
import type { SpecsOf } from "./horizons.ts";
import type { Service } from "./service.ts";
import type { Choice } from "./state.ts";
import type { Store } from "./store.ts";

/** The part of the page with the code. */
export interface Code {
  /** Writes it anew. */
  refresh(): void;
  /** Shows another curve's code. */
  choose(curve: number): void;
}

const languages: readonly Language[] = ["deno", "bun", "python", "readme"];

const formats = [["link-svg", ".svg"], ["link-csv", ".csv"], ["link-json", ""]] as const;
/** Characters of a path that servers take: Node, as it comes, has room for 16 KiB of path and headers together. */
const longestPath = 8000;
/** Characters of a link that every program takes. */
const longLink = 2000;

/** What is taken away, and from where. */
export interface TakenFrom {
  /** The curves' choices. */
  readonly store: Store;
  /** What became of a choice. */
  made(curve: number): Curve | undefined;
  /** From what it was chosen. */
  offerOf(choice: Choice): Offer | undefined;
  /** The specs of a schedule. */
  readonly specsOf: SpecsOf;
  /** The service that links lead to. */
  service(): Service;
  /** The steps at which the curves are drawn. */
  shown(): readonly number[];
}

/** Fills the section `#take`. */
export function createCode({ store, made, offerOf, specsOf, service, shown }: TakenFrom): Code {
  let language: Language = "deno";
  let chosen = 0;
  const select = byId<"select">("code-of");
  const place = byId<"code">("code");

  function refresh(): void {
    const { curves, to, lr, scale } = store.state;
    const { base, needsToken } = service();
    chosen = Math.max(0, Math.min(chosen, curves.length - 1));
    const names = curves.map(({ name }, i) => `${i + 1} ${name}`);
    if ([...select.options].map((option) => option.text).join() !== names.join()) {
      select.replaceChildren(...names.map((name, i) => element("option", { value: i }, name)));
    }
    select.value = String(chosen);
    const curve = made(chosen);
    const choices = curves.map((choice) => compact(choice, offerOf(choice)?.options));
    const links = curves.map((choice) => linked(choice, specsOf));
    const stride = strideOf(to, picturePoints);
    const wavy = curves.map((_, i) => isWavy(made(i), shown(), to, stride));
    const text = curve === undefined
      ? commentOf(language, "Add a curve first.")
      : "error" in curve
      ? commentOf(language, curve.error)
      : codeOf(language, {
        choice: choices[chosen],
        returns: curve.returns,
        lr,
        to,
        scale,
        service: base,
        needsToken,
        isBuiltin: offerOf(curves[chosen])?.from !== "service",
      });
    if (place.textContent !== text) place.textContent = text;
    byId("token-note").hidden = !needsToken;
    byId<"a">("api").href = `${base}openapi.json`;
    const paths = formats.map(([id, format]) => [id, curvesPath(format, links, to, lr, scale, wavy.includes(true))] as const);
    const isLong = paths.some(([, path]) => path.length > longestPath);
    byId("long-note").hidden = needsToken || !isLong;
    for (const [id, path] of paths) {
      const link = byId<"a">(id);
      link.hidden = needsToken || isLong;
      // Without a curve there is nothing to ask for.
      if (curves.length === 0) link.removeAttribute("href");
      else link.href = base + path;
    }
    const { length } = store.link();
    byId("link-note").textContent = length > longLink
      ? `This page's link is ${length.toLocaleString("en")} characters long, and some programs cut such links: they hold up to about ${
        longLink.toLocaleString("en")
      }.`
      : "";
  }

  for (const one of languages) {
    byId<"input">(`code-${one}`).addEventListener("change", () => {
      language = one;
      refresh();
    });
  }
  select.addEventListener("change", () => {
    chosen = select.selectedIndex;
    refresh();
  });
  copyOn(byId<"button">("copy-code"), byId("copied"), () => place.textContent ?? "");
  copyOn(byId<"button">("copy-link"), byId("copied"), () => store.link());

  return {
    refresh,
    choose(curve) {
      chosen = curve;
      refresh();
    },
  };
}
