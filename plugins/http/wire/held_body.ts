/**
 * Bodies of answers, sent within bounds of time.
 *
 * @module
 */
import type { Hold } from "../guard/budget.ts";
import { type Limits, slowest } from "../guard/limits.ts";

/** Answers of this size and above are held until they are sent: over HTTP/2 one connection leaves hundreds of them unread. */
export const large: number = 64 * 1024;

/** Bytes as a body that lets go of its hold when it is sent, or when nobody reads it any more. */
export function heldBody(
  bytes: Uint8Array<ArrayBuffer>,
  hold: Hold | undefined,
  { bodySeconds }: Required<Limits>,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  // What is taken from here is out of the budget, and a runtime takes a piece ahead of a reader that does not read: so each is a small part.
  const piece = Math.max(64 * 1024, Math.ceil(bytes.length / 16));
  let at = 0;
  let timer: ReturnType<typeof setTimeout>;
  const end = (): void => {
    clearTimeout(timer);
    hold?.release();
  };
  return new ReadableStream({
    start(controller) {
      timer = setTimeout(() => {
        hold?.release();
        controller.error(new Error("The answer was read too slowly"));
      }, (bodySeconds + bytes.length / slowest) * 1000);
    },
    pull(controller) {
      controller.enqueue(bytes.subarray(at, at += piece));
      if (at < bytes.length) return;
      controller.close();
      end();
    },
    cancel: end,
  }, { highWaterMark: 0 });
}
