import { test } from "node:test";
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { plotSchedule } from "../../core/plot.ts";
import { makeSchedule } from "../../core/plugin/schedules.ts";
import type { Schedule } from "../../core/types.ts";
import { sampleCurve } from "../../core/plot/sampling.ts";
import { cosineWithRestarts } from "../../plugins/schedules/cosine_with_restarts.ts";
import { linear } from "../../plugins/schedules/linear.ts";
import { reduceLrOnPlateau } from "../../plugins/schedules/reduce_lr_on_plateau.ts";

const down: Schedule = (step) => Math.max(0, 1 - step / 600);
const up: Schedule = (step) => step / 1000;
const absolute: Schedule = Object.assign((step: number) => 3e-4 / (1 + step), { returns: "value" as const });

/** Names of elements, in order; throws where they do not nest. */
function elements(svg: string): string[] {
  const open: string[] = [];
  const names: string[] = [];
  const rest = svg.replace(/<(\/?)([a-z]+)((?:\s+[a-zA-Z:-]+="[^"<]*")*)\s*(\/?)>/g, (_, end, name, __, empty) => {
    if (end) assertEquals(open.pop(), name);
    else names.push(name);
    if (!end && !empty) open.push(name);
    return "";
  });
  assertEquals(open, []);
  assert(!/[<>]/.test(rest.replace(/@media[^<]*/, "")), `not well-formed: ${rest}`);
  return names;
}

/** Points of each curve, in pixels; a gap begins a new list. */
function curves(svg: string): [number, number][][][] {
  return [...svg.matchAll(/<path class="c\d" d="(M[^"]*L[^"]*|M[^"]*h0)"/g)].map(([, d]) =>
    d.split("M").slice(1).map((part) =>
      part.replace("h0", "").split("L").map((point) => point.trim().split(" ").map(Number) as [number, number])
    )
  );
}

/** Texts of the picture. */
function texts(svg: string): string[] {
  return [...svg.matchAll(/<text[^>]*>([^<]*)</g)].map(([, text]) => text);
}

test("plotSchedule() draws one schedule with axes, ticks and units", () => {
  const svg = plotSchedule(down);
  assertEquals(elements(svg)[0], "svg");
  const shown = texts(svg);
  for (const text of ["factor", "step", "0", "1", "1000"]) {
    assert(shown.includes(text), `${text} is not in ${shown}`);
  }
  assertEquals(curves(svg).length, 1);
});

test("plotSchedule() gives the same text each time", () => {
  assertEquals(plotSchedule({ down, up }), plotSchedule({ down, up }));
});

test("plotSchedule() names many schedules in a legend", () => {
  const shown = texts(plotSchedule({ down, "1 / (1 + step)": absolute, up }));
  for (const name of ["down", "1 / (1 + step)", "up", "lr"]) assert(shown.includes(name), `${name} is not in ${shown}`);
  assert(texts(plotSchedule([down, up], { names: ["a", "b"] })).includes("b"));
  assert(texts(plotSchedule([down, up])).includes("schedule 2"));
});

test("plotSchedule() draws a curve for each base value, and one for absolute values", () => {
  const svg = plotSchedule({ down, absolute }, { lr: [5e-5, 1e-3] });
  assertEquals(curves(svg).length, 3);
  for (const name of ["down, lr 5e-5", "down, lr 0.001", "absolute"]) assert(texts(svg).includes(name));
});

test("plotSchedule() keeps every curve within a tenth of a pixel of its values", () => {
  const restarts = makeSchedule(cosineWithRestarts, { numWarmupSteps: 30, numTrainingSteps: 300, numCycles: 4 }) as Schedule;
  const line = makeSchedule(linear, { numWarmupSteps: 30, numTrainingSteps: 300 }) as Schedule;
  for (const schedule of [restarts, line, up]) {
    const svg = plotSchedule(schedule, { to: 350, every: 1 });
    const [[points]] = curves(svg);
    const left = points[0][0], right = points[points.length - 1][0];
    // The pixels of two values give the scale of the others.
    const ticks = [...svg.matchAll(/<text x="[\d.]+" y="([\d.]+)" text-anchor="end">([^<]*)</g)].map((
      [, y, text],
    ) => [Number(text), Number(y) - 4]);
    const [[v0, y0], [v1, y1]] = [ticks[0], ticks[ticks.length - 1]];
    for (let step = 0; step <= 350; step++) {
      const x = left + (right - left) * step / 350;
      const next = points.findIndex(([at]) => at >= x - 0.011);
      const [[xa, ya], [xb, yb]] = [points[Math.max(0, next - 1)], points[next]];
      const drawn = xb === xa ? ya : ya + (yb - ya) * Math.min(1, (x - xa) / (xb - xa));
      const wanted = y0 + (schedule(step) - v0) / (v1 - v0) * (y1 - y0);
      // At a jump the line is so steep that a hundredth of a pixel along it is many across.
      const slack = 0.13 + 0.011 * Math.abs(xb === xa ? 0 : (yb - ya) / (xb - xa));
      assert(Math.abs(drawn - wanted) <= slack, `step ${step} is drawn at ${drawn} instead of ${wanted}`);
    }
    assert(points.length < 200, "the line holds points that it does not need");
  }
});

test("plotSchedule() leaves a gap where a value is not finite, and a dot between two gaps", () => {
  const [[first, dot, last]] = curves(plotSchedule((step) => step === 30 ? 0.5 : step > 20 && step < 40 ? NaN : 1, { to: 60 }));
  assertEquals([first.length, dot.length, last.length], [2, 1, 2]);
  const pole = plotSchedule((step) => 1 / step, { to: 5 });
  assert(!/="[^"]*(Infinity|NaN)/.test(pole), pole);
  elements(plotSchedule(() => NaN));
});

test("plotSchedule() escapes what is written into it", () => {
  const svg = plotSchedule({ '<script>"&\u0007': down }, { title: "a < b & c", label: "</svg>" });
  elements(svg);
  assertStringIncludes(svg, "&lt;script&gt;&quot;&amp; ");
  assertStringIncludes(svg, "a &lt; b &amp; c");
});

test("plotSchedule() follows the reader's colours, or keeps to the asked ones", () => {
  const paper = (theme: "auto" | "light" | "dark") => /class="paper"[^>]*fill="(#\w+)"/.exec(plotSchedule(down, { theme }))?.[1];
  assertStringIncludes(plotSchedule(down), "@media (prefers-color-scheme: dark)");
  assertEquals(paper("auto"), paper("light"));
  assert(paper("dark") !== paper("light"));
  for (const theme of ["light", "dark"] as const) assert(!plotSchedule(down, { theme }).includes("@media"));
});

/** Contrast of two colours as WCAG 2 defines it. */
function contrast(a: string, b: string): number {
  const light = (colour: string) => {
    const [red, green, blue] = [1, 3, 5].map((at) => {
      const part = parseInt(colour.slice(at, at + 2), 16) / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const [low, high] = [light(a), light(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}

test("plotSchedule() draws lines with a contrast of 3 and text with one of 4.5, light and dark", () => {
  const many = Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`curve ${i}`, down]));
  for (const theme of ["light", "dark"] as const) {
    const svg = plotSchedule(many, { theme, title: "title" });
    const paper = /class="paper"[^>]*fill="(#\w+)"/.exec(svg)![1];
    const inks = [...svg.matchAll(/class="(ink|soft|c\d)"[^>]*(?:fill|stroke)="(#\w+)"/g)];
    assert(inks.length > 12);
    for (const [, name, colour] of inks) {
      const least = name.startsWith("c") ? 3 : 4.5;
      assert(contrast(paper, colour) >= least, `${name} ${colour} on ${paper}: ${contrast(paper, colour)}`);
    }
  }
});

test("plotSchedule() draws a long range with as many points as the picture can show", () => {
  let calls = 0;
  plotSchedule((step) => (calls++, down(step)), { to: Number.MAX_SAFE_INTEGER, width: 400 });
  assert(calls <= 802, `${calls} calls`);
});

test("plotSchedule() shows the points that are asked for", () => {
  const asked: number[] = [];
  plotSchedule((step) => (asked.push(step), 1), { from: 10, to: 35, every: 10 });
  assertEquals(asked, [10, 20, 30, 35]);
  plotSchedule((step) => (asked.push(step), 1), { steps: [3, 70] });
  assertEquals(asked.slice(4), [3, 70]);
  elements(plotSchedule(down, { steps: [5] }));
});

for (
  const [what, draw, error] of [
    ["no schedule", () => plotSchedule([]), RangeError],
    ["a schedule that follows a metric", () => plotSchedule(makeSchedule(reduceLrOnPlateau, {}) as unknown as Schedule), TypeError],
    ["a range that runs backwards", () => plotSchedule(down, { from: 3, to: 2 }), RangeError],
    ["a range without an end", () => plotSchedule(down, { to: Infinity }), RangeError],
    ["steps that do not ascend", () => plotSchedule(down, { steps: [1, 1] }), RangeError],
    ["no steps", () => plotSchedule(down, { steps: [] }), RangeError],
    ["too many points", () => plotSchedule(down, { to: 1e9, every: 1 }), RangeError],
    ["a stride of 0", () => plotSchedule(down, { every: 0 }), RangeError],
    ["a width that is no size", () => plotSchedule(down, { width: NaN }), RangeError],
    ["a height that is no size", () => plotSchedule(down, { height: 1e9 }), RangeError],
    ["an unknown scale", () => plotSchedule(down, { scale: "sqrt" as "log" }), RangeError],
    ["an unknown theme", () => plotSchedule(down, { theme: "sepia" as "dark" }), RangeError],
    ["a base value that is NaN", () => plotSchedule(down, { lr: NaN }), RangeError],
    ["no base value", () => plotSchedule(down, { lr: [] }), RangeError],
  ] as const
) {
  test(`plotSchedule() refuses ${what}`, () => {
    assertThrows(draw, error, "Cannot draw");
  });
}

test("A curve that moves from step to step keeps its reach over many steps", () => {
  const svg = plotSchedule((step) => step % 2, { to: 20_000 });
  const [path] = [...svg.matchAll(/<path class="c0" d="([^"]+)"/g)].map(([, d]) => d).slice(-1);
  const heights = [...path.matchAll(/[ML]\S+ ([\d.]+)/g)].map(([, y]) => Number(y));
  assert(Math.max(...heights) - Math.min(...heights) > 200, path.slice(0, 80));
});

/** In a column of pixels, the greatest distance of the line that is drawn from the reach that the curve has there. */
function lostReach(curve: (step: number) => number, to: number, columns: number): number {
  const { steps, values } = sampleCurve(curve, 0, to, columns);
  const empty = (): [number, number][] => Array.from({ length: columns }, () => [Infinity, -Infinity]);
  const [kept, whole] = [empty(), empty()];
  const put = (into: [number, number][], step: number, value: number): void => {
    const column = into[Math.min(columns - 1, Math.floor(step * columns / to))];
    column[0] = Math.min(column[0], value);
    column[1] = Math.max(column[1], value);
  };
  for (let step = 0, i = 0; step <= to; step++) {
    if (step > steps[i + 1]) i++;
    const share = i + 1 < steps.length ? (step - steps[i]) / (steps[i + 1] - steps[i]) : 0;
    put(kept, step, values[i] + share * ((values[i + 1] ?? 0) - values[i]));
    put(whole, step, curve(step));
  }
  assertEquals([steps[0], steps[steps.length - 1]], [0, to]);
  assert(steps.every((step, i) => i === 0 || step > steps[i - 1] && Number.isInteger(step)), "steps must ascend");
  return Math.max(...whole.map(([low, high], i) => Math.max(kept[i][0] - low, high - kept[i][1])));
}

test("A long curve keeps the least and the greatest value of each pixel, at any number of waves and steps", () => {
  for (const to of [3_000, 30_000, 1_000_000]) {
    for (const waves of [1, 3, 100, 500, 1234]) {
      const options = { numWarmupSteps: 100, numTrainingSteps: to, numCycles: waves };
      const restarts = makeSchedule(cosineWithRestarts, options) as Schedule;
      const saw = (step: number): number => 1 - (step * waves / to) % 1;
      assert(lostReach(restarts, to, 600) <= 0.02, `${waves} waves over ${to} steps lose ${lostReach(restarts, to, 600)}`);
      // Each of several teeth in a pixel has its first step elsewhere.
      assert(lostReach(saw, to, 600) <= 0.02 + 1.5 * waves / to, `${waves} teeth over ${to} steps lose ${lostReach(saw, to, 600)}`);
    }
  }
});

test("A curve that bends nowhere is asked two steps a pixel, and one that throws nothing away has no more points than it needs", () => {
  let calls = 0;
  const { steps } = sampleCurve((step) => (calls++, 1 - step / 1e9), 0, 1e9, 600);
  assertEquals([calls <= 1202, steps.length <= 1202], [true, true]);
  assert(sampleCurve((step) => step % 7, 0, 1e9, 600).steps.length <= 6 * 600);
});

test("plotSchedule() names the values at the ends that there are, and says that there are gaps", () => {
  const words = (svg: string): string => /<desc>(.*)<\/desc>/.exec(svg)![1];
  const late = words(plotSchedule((step) => step < 3 ? NaN : step / 10, { to: 10 }));
  assertStringIncludes(late, "from 0.3 to 1, at most 1, with gaps where there is no finite value");
  const pole = words(plotSchedule((step) => 1 / (10 - step), { to: 10 }));
  assertStringIncludes(pole, "from 0.1 to 1, at most 1, with gaps");
  for (const text of [late, pole, words(plotSchedule(() => NaN))]) assert(!/NaN|Infinity/.test(text), text);
  assert(!words(plotSchedule(down)).includes("gaps"));
});

test("plotSchedule() draws on a logarithmic axis, where equal factors are equal distances", () => {
  const svg = plotSchedule((step) => 1e-3 * 0.1 ** (step / 100), { to: 1000, scale: "log" });
  elements(svg);
  const [[points]] = curves(svg);
  const ys = [...svg.matchAll(/<text x="[\d.]+" y="([\d.]+)" text-anchor="end">(1e-\d+)</g)].map(([, y]) => Number(y));
  assertEquals(texts(svg).filter((text) => /^1e-/.test(text)), ["1e-7", "1e-6", "1e-5", "1e-4", "1e-3"]);
  const gaps = ys.slice(1).map((y, i) => ys[i] - y);
  assert(gaps.every((gap) => Math.abs(gap - gaps[0]) < 0.05), String(gaps));
  // A straight line, that ends where four decades end and not below the picture.
  assertEquals(points.length, 2);
  assert(Math.abs(points[1][1] - (ys[0] - 4)) < 0.1, `${points[1][1]} is not the floor at ${ys[0] - 4}`);
  assertStringIncludes(svg, "on a logarithmic axis");
});

test("plotSchedule() has a logarithmic axis for every curve, and no place on it for what is not above 0", () => {
  for (const [curve, lines] of [[() => 3, 1], [() => 0, 0], [() => -1, 0], [() => NaN, 0], [() => 5e-324, 0], [() => 1e300, 1]] as const) {
    const svg = plotSchedule(curve, { scale: "log", to: 10 });
    elements(svg);
    assert(!/="[^"]*(NaN|Infinity)/.test(svg), svg);
    assertEquals(curves(svg).length, lines, String(curve));
    assert(texts(svg).filter((text) => /^\d/.test(text)).length > 4, "the axis has no numbers");
  }
  const [[up, after]] = curves(plotSchedule((step) => step === 5 ? 0 : 1, { scale: "log", to: 10 }));
  assertEquals([up.length, after.length], [2, 2]);
});

test("plotSchedule() leaves room for the last step's number", () => {
  const svg = plotSchedule(down, { to: 1e8, width: 400 });
  const [, x, text] = [...svg.matchAll(/<text x="([\d.]+)" y="[\d.]+" text-anchor="middle">([\d,]+)</g)].at(-1)!;
  assert(Number(x) + 7.2 * text.length / 2 <= 400, `${text} at ${x} stands beyond the picture`);
});

test("plotSchedule() dashes a curve that takes the way of another, so that both are seen", () => {
  const dashes = [...plotSchedule({ down, up, twin: down, third: down }).matchAll(/<path class="c\d" d="M[^"]*L[^"]*"[^>]*>/g)]
    .map(([path]) => /stroke-dasharray="([^"]*)"/.exec(path)?.[1]);
  assertEquals(dashes, [undefined, undefined, "8 8", "8 24"]);
});

test("plotSchedule() keeps room for the curves in a small picture, and says how many names it leaves out", () => {
  const many = Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`schedule ${i}`, (step: number) => step * (i + 1) / 12_000]));
  for (const [width, height] of [[160, 120], [240, 160], [400, 200]]) {
    const svg = plotSchedule(many, { width, height });
    const all = curves(svg);
    assertEquals(all.length, 12);
    const ys = all.flat(2).map(([, y]) => y);
    assert(
      Math.min(...ys) >= 30 && Math.max(...ys) <= height - 44 + 0.1 && Math.max(...ys) - Math.min(...ys) >= 38,
      `${width} x ${height}`,
    );
    const names = texts(svg).filter((text) => text.startsWith("schedule ")).length;
    if (names > 0 && names < 12) assert(texts(svg).includes(`and ${12 - names} more`));
  }
});

test("plotSchedule() refuses values that its axis cannot reach, and draws the smallest there are", () => {
  assertThrows(() => plotSchedule((step) => (step < 500 ? -1 : 1) * 1.7e308), RangeError, "the axis reaches to 1e+300");
  for (const value of [1e300, -1e300, 5e-324, 0, -5e-324]) {
    const svg = plotSchedule(() => value);
    elements(svg);
    assert(!/NaN|Infinity/.test(svg), String(value));
  }
  assertStringIncludes(plotSchedule(() => NaN), "no finite value");
});

test("plotSchedule() draws a step alone in the middle", () => {
  const [[[[x]]]] = curves(plotSchedule(down, { steps: [7] }));
  assert(x > 300 && x < 450, String(x));
});

for (
  const [what, act, error] of [
    ["an unknown option", () => plotSchedule(down, { tile: "x" } as never), TypeError],
    ["a title that is no text", () => plotSchedule(down, { title: 5 as never }), TypeError],
    ["steps that are no list", () => plotSchedule(down, { steps: "abc" as never }), TypeError],
    ["a base value that is no number", () => plotSchedule(down, { lr: "1" as never }), TypeError],
    ["a width that is no number", () => plotSchedule(down, { width: "700" as never }), TypeError],
    ["fewer names than schedules", () => plotSchedule([down, up], { names: ["down"] }), RangeError],
    ["steps beside a range", () => plotSchedule(down, { steps: [1, 2], from: 0 }), TypeError],
    ["nothing", () => plotSchedule(null as never), TypeError],
    ["what gives no number", () => plotSchedule((() => "x") as never), TypeError],
    ["a schedule that follows a metric", () => plotSchedule({ update() {}, factors: () => [1] } as never), TypeError],
    ["one among others", () => plotSchedule([down, { update() {}, factors: () => [1] } as never]), TypeError],
  ] as const
) {
  test(`plotSchedule() refuses ${what}, in words of its own`, () => {
    assertThrows(act, error, "Cannot ");
  });
}

/** The numbers at the ends of lines, with their heights. */
function tagsOf(svg: string): Map<string, number> {
  const all = [...svg.matchAll(/<text class="paper" x="([\d.]+)" y="([\d.]+)"[^>]*>(\d+)</g)];
  const right = Math.max(...all.map(([, x]) => Number(x)));
  return new Map(all.filter(([, x]) => Number(x) === right).map(([, , y, number]) => [number, Number(y) - 4]));
}

test("plotSchedule() numbers the ends of several lines, in the order of the legend, apart from one another", () => {
  const flat = (value: number): Schedule => () => value;
  const svg = plotSchedule({ a: flat(1), b: flat(0.5), c: flat(0.49), d: flat(0), e: flat(0.01), f: flat(0.02) });
  const tags = tagsOf(svg);
  assertEquals([...tags.keys()].sort(), ["1", "2", "3", "4", "5", "6"]);
  const heights = [...tags.values()].sort((a, b) => a - b);
  heights.forEach((height, i) => i > 0 && assert(height - heights[i - 1] >= 17 - 0.01, `${heights}`));
  const ends = curves(svg).map(([points]) => points[points.length - 1][1]);
  // One that has room stands at its line; who is higher stays higher; none stands below the floor.
  assertEquals(tags.get("1"), ends[0]);
  assertEquals([...tags].sort(([, a], [, b]) => a - b).map(([number]) => number), ["1", "2", "3", "6", "5", "4"]);
  assertEquals(Math.max(...heights), Math.max(...ends));
  // Beside each name stands its number, too.
  assertEquals([...svg.matchAll(/>1<\/text>/g)].length >= 2, true);
  // One line alone has none, and neither have more than fit.
  assertEquals(tagsOf(plotSchedule({ a: flat(1) })).size, 0);
  assertEquals(tagsOf(plotSchedule(Array.from({ length: 60 }, (_, i) => flat(i)), { height: 300 })).size, 0);
});

test("plotSchedule() names one curve, too", () => {
  assert(texts(plotSchedule([down], { names: ["down it goes"] })).includes("down it goes"));
  assert(texts(plotSchedule({ alone: down })).includes("alone"));
});

test("plotSchedule() draws steps as steps, and slopes as slopes", () => {
  const stairs: Schedule = (step) => 1 - Math.floor(step / 5) / 4;
  const [[points]] = curves(plotSchedule(stairs, { to: 20, width: 720 }));
  // Along, down, along, down: nothing goes aslant.
  points.slice(1).forEach(([x, y], i) => assert(x === points[i][0] || y === points[i][1], `${points}`));
  assertEquals(points.length, 9);
  // What begins to fall behind a plateau is no step, and neither is what rises from step to step.
  const slope: Schedule = (step) => step < 10 ? 1 : 1 - (step - 9) / 20;
  for (const schedule of [slope, up]) {
    const [[line]] = curves(plotSchedule(schedule, { to: 20 }));
    line.slice(1).forEach(([x], i) => assert(x > line[i][0]));
  }
});
