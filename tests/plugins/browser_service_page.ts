/// <reference lib="dom" />
/**
 * The service's page with a program behind it that looks whether it draws, trains and begins anew.
 *
 * @module
 */
import { builtins } from "../../mod.ts";
import { startPage } from "../../plugins/http/page/start.ts";
import { report } from "./browser_report.ts";

/** What the page shows. */
export interface Shown {
  /** Colours of the chart's lines that are there, in enough pixels for a line. */
  readonly colours: number;
  /** What it says of a run that goes on, */
  readonly running: string;
  /** that is stopped, */
  readonly paused: string;
  /** and that is thrown away. */
  readonly reset: string;
}

const patience = 20_000;

async function until(what: string, look: () => boolean): Promise<void> {
  const end = Date.now() + patience;
  while (!look()) {
    if (Date.now() > end) throw new Error(`Waited in vain until ${what}; the page says ${status()}`);
    await new Promise((done) => setTimeout(done, 20));
  }
}

const button = (id: string): HTMLButtonElement => document.querySelector<HTMLButtonElement>(`button#${id}`)!;
const status = (): string => document.querySelector("#run-status")!.textContent ?? "";
const guesses = (): string => document.querySelector("#mosaic-0-words")!.textContent ?? "";

/** How many colours are those of a line's many pixels; greys do not count. */
function coloursOf(canvas: HTMLCanvasElement | null): number {
  if (canvas === null) return 0;
  const { data } = canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height);
  const counts = new Map<number, number>();
  for (let i = 0; i < data.length; i += 4) {
    const [r, g, b, alpha] = data.subarray(i, i + 4);
    if (alpha < 255 || Math.max(r, g, b) - Math.min(r, g, b) < 60) continue;
    const colour = r << 16 | g << 8 | b;
    counts.set(colour, (counts.get(colour) ?? 0) + 1);
  }
  return [...counts.values()].filter((count) => count >= 200).length;
}

void report(async (): Promise<Shown> => {
  startPage(builtins);
  await until("Start can be pressed", () => !button("start").disabled);
  let colours = 0;
  await until("the chart has lines", () => (colours = coloursOf(document.querySelector("#plot canvas"))) > 0);
  const press = (id: string): string => {
    button(id).click();
    return status();
  };
  const before = guesses();
  const running = press("start");
  await until("the digits are read otherwise", () => guesses() !== before);
  return { colours, running, paused: press("start"), reset: press("reset") };
});
