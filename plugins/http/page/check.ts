/// <reference lib="dom" />
/**
 * The part of the page that looks at recipes: what is pasted is recognized, becomes a recipe, and is looked at.
 *
 * @module
 */
import { bindLintRecipe, type Finding, type Recipe, torchCode, trainingArgumentsCode } from "../../../mod.ts";
import { copyOn } from "./copy.ts";
import type { AnyRegistry } from "./curves.ts";
import { byId, element } from "./element.ts";
import { messageOf } from "./message.ts";
import { readAllowed, wholeNumbers } from "./numbers.ts";
import { readPasted } from "./pasted.ts";
import { countsEpochs, recognize, type Recognized } from "./recognized.ts";
import type { AddCurve } from "./schedules.ts";
import { type Choice, mostCurves } from "./state.ts";
import type { Store } from "./store.ts";

/** What the box shows to whom wants to see how it goes. */
const example = `{
  "learning_rate": 5e-5,
  "weight_decay": 0.01,
  "lr_scheduler_type": "cosine",
  "warmup_steps": 500,
  "max_steps": 4000,
  "gradient_accumulation_steps": 4,
  "max_grad_norm": 1.0
}`;

type View = "recipe" | "torch" | "transformers";
const views: readonly View[] = ["recipe", "torch", "transformers"];

/** Milliseconds after the last key before the text is read. */
const pause = 250;

/** Fills the section `#check`. */
export function startCheck(registry: AnyRegistry, store: Store, addCurve: AddCurve): void {
  const lint = bindLintRecipe(registry);
  const paste = byId<"textarea">("paste");
  const updatesBox = byId<"input">("check-updates");
  const epochBox = byId<"input">("check-epoch");
  const status = byId("check-status");
  const code = byId("check-code");
  const add = byId<"button">("check-add");
  let view: View = "recipe";
  let found: Recognized | undefined;
  /** The number of updates that somebody typed; what is pasted may say another. */
  let typed: number | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const numberIn = (box: HTMLInputElement): number | undefined => {
    const value = box.value.trim() === "" ? undefined : readAllowed(box.value, wholeNumbers(1));
    const isWrong = box.value.trim() !== "" && value === undefined;
    if (isWrong) box.setAttribute("aria-invalid", "true");
    else box.removeAttribute("aria-invalid");
    return value;
  };

  function look(): void {
    clearTimeout(timer);
    found = undefined;
    let problem = "";
    let findings: readonly Finding[] = [];
    const perEpoch = numberIn(epochBox);
    typed = numberIn(updatesBox);
    try {
      if (paste.value.trim() !== "") {
        const value = readPasted(paste.value);
        byId("check-epoch-row").hidden = !countsEpochs(value);
        found = recognize(value, { updates: typed, perEpoch });
        const updates = typed ?? found.updates;
        updatesBox.placeholder = found.updates === undefined ? "" : String(found.updates);
        if (updates === undefined) problem = "How many updates does the training have?";
        else findings = lint(found.recipe, { updates });
      }
    } catch (error) {
      problem = sentence(messageOf(error));
      if (error instanceof SyntaxError) problem = `This cannot be read: ${error.message}.`;
    }
    show(problem, findings);
  }

  function show(problem: string, findings: readonly Finding[]): void {
    const updates = typed ?? found?.updates;
    status.classList.toggle("problem", problem !== "" && found === undefined);
    const read = found === undefined ? "" : `Read as ${found.what}. `;
    const looked = found === undefined || updates === undefined || problem !== ""
      ? problem
      : `${counted(findings)} for ${updates.toLocaleString("en")} update${updates === 1 ? "" : "s"}.`;
    const told = read + looked;
    if (status.textContent !== told) status.textContent = told;
    byId("findings").replaceChildren(...findings.map(findingOf));
    byId("check-result").hidden = found === undefined;
    add.disabled = found?.recipe.schedules?.lr === undefined || store.state.curves.length >= mostCurves;
    showCode();
  }

  function showCode(): void {
    code.textContent = found === undefined ? "" : codeOf(view, found.recipe, typed ?? found.updates);
  }

  const soon = (): void => {
    clearTimeout(timer);
    timer = setTimeout(look, pause);
  };
  for (const box of [paste, updatesBox, epochBox]) box.addEventListener("input", soon);
  byId<"button">("check-example").addEventListener("click", () => {
    paste.value = example;
    updatesBox.value = "6000";
    look();
  });
  for (const one of views) {
    byId<"input">(`view-${one}`).addEventListener("change", () => {
      view = one;
      showCode();
    });
  }
  copyOn(byId<"button">("check-copy"), byId("copied"), () => code.textContent ?? "");
  add.addEventListener("click", () => {
    if (found?.recipe.schedules?.lr === undefined) return;
    const { name, options = {} } = found.recipe.schedules.lr;
    const choice: Choice = { name, options: options as Choice["options"] };
    const { lr } = (found.recipe.optimizer.options ?? {}) as { readonly lr?: unknown };
    addCurve(choice, { to: typed ?? found.updates, lr: typeof lr === "number" && lr > 0 ? lr : undefined });
    const title = byId("schedules-title");
    title.scrollIntoView({ behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
    title.focus({ preventScroll: true });
  });
  store.listen(() => {
    add.disabled = found?.recipe.schedules?.lr === undefined || store.state.curves.length >= mostCurves;
  });
  show("", []);
}

/** How much was found, in words. */
function counted(findings: readonly Finding[]): string {
  const of = (severity: Finding["severity"]): string => {
    const count = findings.filter((finding) => finding.severity === severity).length;
    return count === 0 ? "" : `${count} ${severity}${count === 1 ? "" : "s"}`;
  };
  const parts = [of("error"), of("warning"), of("note")].filter((part) => part !== "");
  return parts.length === 0 ? "Nothing found" : parts.join(", ");
}

function findingOf({ code, severity, message, path, cure }: Finding): HTMLElement {
  return element(
    "li",
    { class: `finding ${severity}` },
    element("p", { class: "row" }, element("strong", { class: "severity" }, severity), element("code", {}, code)),
    element("p", {}, message),
    element("p", { class: "cure" }, cure),
    element("p", { class: "place" }, path === "" ? "the whole recipe" : path),
  );
}

/** A recipe as text to take along; a comment where it cannot be said so. */
function codeOf(view: View, recipe: Recipe, updates: number | undefined): string {
  try {
    if (view === "torch") return torchCode(recipe);
    if (view === "transformers") return trainingArgumentsCode(recipe, { updates });
    return JSON.stringify(recipe, null, 2);
  } catch (error) {
    return `# ${messageOf(error).replace(/\s+/g, " ").replaceAll("; ", ";\n# ")}\n`;
  }
}

const sentence = (text: string): string => /[.?!]$/.test(text) ? text : `${text}.`;
