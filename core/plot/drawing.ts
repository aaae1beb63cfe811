/**
 * A picture of curves as SVG: frame, axes, legend, lines, in the colours of a theme.
 *
 * @module
 */
import { formatNumber, linearAxis, logAxis, niceStep, round, ticks } from "./axis.ts";
import { layLegend, LETTER } from "./legend.ts";
import { drawTag, layTags, TAG_WIDTH, tagsFit } from "./tags.ts";
import { cutBelow, pathOf, thin } from "./path.ts";
import type { Samples } from "./sampling.ts";

/** A curve of the picture. */
export interface Curve extends Samples {
  /** Its name in the legend; `""`: none. */
  readonly name: string;
}

/** How curves are drawn. */
export interface Drawing {
  /** The headline; `""`: none. */
  readonly title: string;
  /** Word at the vertical axis. */
  readonly label: string;
  /** First and last step. */
  readonly span: readonly [first: number, last: number];
  /** Width in pixels. */
  readonly width: number;
  /** Height in pixels. */
  readonly height: number;
  /** Colours. */
  readonly theme: "auto" | "light" | "dark";
  /** The vertical axis. */
  readonly scale: "linear" | "log";
}

// Ten hues that keep their order of lightness for colour-blind readers as far as ten can; later curves repeat them dashed.
const LIGHT = ["#1f6feb", "#d1480f", "#177a45", "#a626a4", "#8a6100", "#0b7a8a", "#cf222e", "#57606a", "#6639ba", "#4d7c0f"];
const DARK = ["#6cb1ff", "#ff9a5c", "#5fd38d", "#e88bea", "#e3b341", "#56d4dd", "#ff8a84", "#adbac7", "#bfa1ff", "#b3d66b"];
const INKS = {
  light: { paper: "#ffffff", ink: "#1f2328", soft: "#59636e", line: "#d1d9e0", axis: "#818b98", curves: LIGHT },
  dark: { paper: "#0d1117", ink: "#f0f6fc", soft: "#a9b4bf", line: "#2c333b", axis: "#6e7781", curves: DARK },
};
// Pixels that the curves keep, whatever the legend would take.
const LEAST_RISE = 40;
// Beyond these, the numbers between two ticks would overflow or vanish.
const MOST_VALUE = 1e300;
const LEAST_REACH = 1e-300;

/** Draws curves. RangeError: values that no axis can hold. */
export function draw(curves: readonly Curve[], { title, label, span, width, height, theme, scale }: Drawing): string {
  const head = title ? 34 : 12;
  const legend = layLegend(curves.map(({ name }) => name), width, Math.floor((height - head - 22 - 44 - LEAST_RISE) / 20));
  const top = head + legend.height + 22;
  const bottom = height - 44;
  const axis = axisOf(curves, scale, bottom - top);
  const left = 18 + LETTER * Math.max(...axis.labels.map((text) => text.length));
  // One step alone stands in the middle.
  const [first, last] = span[0] < span[1] ? span : [span[0] - 1, span[0] + 1];
  // Half of the last step's number stands beyond the frame.
  const isTagged = tagsFit(curves.length, bottom - top) && width >= 240;
  const right = width - Math.max(isTagged ? 2 + TAG_WIDTH : 26, 4 + LETTER * formatNumber(last).length / 2);
  const stride = niceStep((last - first) / Math.max(2, Math.floor((right - left) / 90)));
  const xTicks = ticks(first, last, last - first >= 2 ? Math.max(1, stride) : stride);
  const x = (step: number) => left + (step - first) / (last - first) * (right - left);
  const y = (value: number) => bottom - axis.height(value) * (bottom - top);

  // Curves of several base values share their steps.
  const placed = new Map([...new Set(curves.map(({ steps }) => steps))].map((steps) => [steps, steps.map(x)]));
  const paths = curves.map(({ steps, values }) => pathOf(cutBelow(thin(placed.get(steps)!, values.map(y)), bottom + 0.01)));
  const ends = curves.map(({ steps, values }): readonly [number, number] | undefined => {
    const last = values.findLastIndex((value) => Number.isFinite(y(value)) && y(value) <= bottom + 0.01);
    return last < 0 ? undefined : [x(steps[last]), y(values[last])];
  });
  const tags = isTagged ? layTags(ends, right, top, bottom) : [];
  const under = paths.map((path, i) => paths.slice(0, i).filter((other) => other === path).length);

  const inks = INKS[theme === "dark" ? "dark" : "light"];
  const heading = title || curves.map(({ name }) => name).filter((name) => name !== "").join(", ") || label;
  const lines = [
    `<svg xmlns="http://www.w3.org/2000/svg" class="glissade-plot ${theme}" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" ` +
    `role="img" font-family="system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif" font-size="12">`,
    `<title>${escape(heading)}</title>`,
    `<desc>${escape(describe(curves, span, label, scale))}</desc>`,
    ...(theme === "auto" ? [`<style>@media (prefers-color-scheme: dark) {${darkRules(curves.length)}}</style>`] : []),
    `<rect class="paper" width="${width}" height="${height}" rx="6" fill="${inks.paper}"/>`,
    ...(title ? [`<text class="ink" x="18" y="26" font-size="15" font-weight="600" fill="${inks.ink}">${escape(title)}</text>`] : []),
    `<g class="ink" fill="${inks.ink}">`,
    ...legend.items.map(({ name, at, row }) => {
      const middle = head + row * 20 + 10;
      return `<text x="${round(at + 28)}" y="${round(middle + 4)}">${escape(name)}</text>`;
    }),
    `</g>`,
    ...legend.items.filter(({ isCurve }) => isCurve).map(({ at, row }, i) =>
      `<path class="c${i % 10}" d="M${round(at)} ${round(head + row * 20 + 10)}h22" ${stroke(i, inks.curves, under[i])}/>`
    ),
    ...(isTagged
      ? legend.items.filter(({ isCurve }) => isCurve).flatMap(({ at, row }, i) =>
        drawTag(i, [at + 11, head + row * 20 + 10], inks.curves[i % 10], inks.paper)
      )
      : []),
    `<g class="line" stroke="${inks.line}">`,
    ...axis.ticks.map((value) => `<path d="M${round(left)} ${round(y(value))}H${right}"/>`),
    `</g>`,
    `<path class="axis" d="M${round(left)} ${top}V${bottom}H${right}${xTicks.map((step) => `M${round(x(step))} ${bottom}v5`).join("")}" ` +
    `fill="none" stroke="${inks.axis}"/>`,
    `<g class="soft" fill="${inks.soft}">`,
    ...axis.ticks.map((value, i) => `<text x="${round(left - 7)}" y="${round(y(value) + 4)}" text-anchor="end">${axis.labels[i]}</text>`),
    ...xTicks.map((step) => `<text x="${round(x(step))}" y="${bottom + 18}" text-anchor="middle">${formatNumber(step)}</text>`),
    `<text x="${round(left)}" y="${top - 9}" text-anchor="${left > 50 ? "middle" : "start"}" font-style="italic">${escape(label)}</text>`,
    `<text x="${round((left + right) / 2)}" y="${bottom + 36}" text-anchor="middle" font-style="italic">step</text>`,
    `</g>`,
    ...paths.map((path, i) => `<path class="c${i % 10}" d="${path}" ${stroke(i, inks.curves, under[i])}/>`),
    // A number that stands beside the end of its line is tied to it.
    ...tags.filter(({ end, at }) => Math.abs(end[1] - at[1]) > 1).map(({ curve, end: [x, y], at: [to, height] }) =>
      `<path class="c${curve % 10}" d="M${round(x + 2)} ${round(y)}l${round(to - 5 - x - 2)} ${round(height - y)}" fill="none" stroke="${
        inks.curves[curve % 10]
      }"/>`
    ),
    ...tags.flatMap(({ curve, at }) => drawTag(curve, at, inks.curves[curve % 10], inks.paper)),
    `</svg>`,
  ];
  return lines.join("\n") + "\n";
}

function darkRules(count: number): string {
  const { paper, ink, soft, line, axis, curves } = INKS.dark;
  const rules = [
    [".paper", `fill:${paper}`],
    [".ink", `fill:${ink}`],
    [".soft", `fill:${soft}`],
    [".line", `stroke:${line}`],
    [".axis", `stroke:${axis}`],
    ...curves.slice(0, count).map((colour, i) => [`.c${i}`, `stroke:${colour}`]),
  ];
  // The class keeps the rules off the page that the picture may be pasted into.
  return rules.map(([name, rule]) => `.glissade-plot.auto ${name}{${rule}}`).join("");
}

/** `under`: how many curves before take the very same way. Its dashes leave them to be seen. */
function stroke(index: number, colours: readonly string[], under: number): string {
  const [dash, cap] = under > 0 ? [`8 ${8 * (2 ** under - 1)}`, "butt"] : [["", "7 4", "2 3"][Math.floor(index / 10) % 3], "round"];
  return `fill="none" stroke="${colours[index % 10]}" stroke-width="2" stroke-linejoin="round" stroke-linecap="${cap}"` +
    (dash && ` stroke-dasharray="${dash}"`);
}

/** All values between the ends of an axis; RangeError where none can hold them. */
function axisOf(curves: readonly Curve[], scale: "linear" | "log", rise: number): ReturnType<typeof linearAxis> {
  let low = Infinity, high = -Infinity, positive = Infinity;
  for (const { values } of curves) {
    for (const value of values) {
      if (!Number.isFinite(value)) continue;
      if (value < low) low = value;
      if (value > high) high = value;
      if (value > 0 && value < positive) positive = value;
    }
  }
  if (!(Math.min(low, 0) >= -MOST_VALUE && Math.max(high, 0) <= MOST_VALUE)) {
    throw new RangeError(`Cannot draw values from ${low} to ${high}: the axis reaches to ${MOST_VALUE}`);
  }
  if (scale === "log") return high >= LEAST_REACH ? logAxis(Math.max(positive, LEAST_REACH), high) : logAxis(0.1, 1);
  const [floor, peak] = [Math.min(low, 0), Math.max(high, 0)];
  return linearAxis(floor, peak - floor >= LEAST_REACH ? peak : floor + 1, Math.max(2, Math.floor(rise / 46)));
}

function describe(curves: readonly Curve[], [first, last]: readonly [number, number], label: string, scale: "linear" | "log"): string {
  const range = `${label} over steps ${first} to ${last}${scale === "log" ? ", on a logarithmic axis" : ""}`;
  const ends = curves.map(({ name, values }) => {
    let greatest = -Infinity;
    for (const value of values) if (value > greatest && value < Infinity) greatest = value;
    const first = values.find(Number.isFinite);
    if (first === undefined) return `${name && `${name}: `}no finite value`;
    const shown = (value: number) => String(Number(value.toPrecision(4)));
    // A gap at an end has no value to name.
    const last = values.findLast(Number.isFinite)!;
    const gaps = values.every(Number.isFinite) ? "" : ", with gaps where there is no finite value";
    return `${name && `${name}: `}from ${shown(first)} to ${shown(last)}, at most ${shown(greatest)}${gaps}`;
  });
  return `${range}. ${ends.join("; ")}.`;
}

function escape(text: string): string {
  const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
  // Control characters are not allowed in XML at all.
  // deno-lint-ignore no-control-regex
  return text.toWellFormed().replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, " ").replace(
    /[&<>"]/g,
    (sign) => entities[sign],
  );
}
