/// <reference lib="dom" />
/**
 * The page's state: kept in the URL's fragment, told to whom it concerns. Each change is an entry in the browser's history, so that Back undoes it;
 * what belongs to one change, as the keystrokes of a number or the way of a slider, is one entry.
 *
 * @module
 */
import { isStructural, whatChanged } from "./changes.ts";
import { type PageState, readState, writeState } from "./state.ts";

/** Where a state comes from: a control, a link that was opened, or the history, back or forth. */
export type Source = "control" | "link" | "history";

/** Who changes the state, and hears of changes. */
export interface Store {
  /** The state now. */
  readonly state: PageState;
  /** Changes it. */
  set(change: Partial<PageState>): void;
  /** Called after each change with the state before. */
  listen(listener: (before: PageState, source: Source) => void): void;
  /** The link that leads here. */
  link(): string;
}

/** Milliseconds within which changes at the same place are one: from a control, and while somebody types in a box. */
const pause = 1000, pauseTyping = 4000;
/** Milliseconds between two writes of the address: browsers refuse more than a few a second; a slider would make hundreds. */
const writeEvery = 300;

/** A state that begins as the URL says, and else as `start`; `complete` fills in what a link leaves out, `shorten` leaves it out. */
export function createStore(start: PageState, complete: (state: PageState) => PageState, shorten: (state: PageState) => PageState): Store {
  const listeners: ((before: PageState, source: Source) => void)[] = [];
  const read = (): PageState => complete(readState(location.hash, start));
  let state = read();
  let timer: ReturnType<typeof setTimeout> | undefined;
  /** The change that goes on: what it changes, when it last did, and in which box. */
  let last: { readonly what: string; readonly when: number; readonly box: Element | null } | undefined;
  const addressOf = (state: PageState): string => `#${writeState(shorten(state), start)}`;
  const linkTo = (state: PageState): URL => new URL(addressOf(state), location.href);

  function change(next: PageState, source: Source): void {
    const before = state;
    state = next;
    for (const listener of listeners) listener(before, source);
  }

  /** The entry of the history that there is says where the page stands. */
  function rewrite(state: PageState): void {
    clearTimeout(timer);
    timer = undefined;
    write(() => history.replaceState(ours, "", addressOf(state)));
  }

  // Entries of ours are told from links that somebody opens. The first one keeps the address that it came with.
  const ours = { page: "glissade" };
  write(() => history.replaceState(ours, ""));

  addEventListener("hashchange", () => {
    clearTimeout(timer);
    timer = undefined;
    last = undefined;
    const source = history.state?.page === ours.page ? "history" : "link";
    if (source === "link") write(() => history.replaceState(ours, ""));
    if (location.hash !== linkTo(state).hash) change(read(), source);
  });

  addEventListener("pagehide", () => timer !== undefined && rewrite(state));

  return {
    get state() {
      return state;
    },
    set(part) {
      const before = state;
      change({ ...state, ...part }, "control");
      const what = whatChanged(before, state);
      // What a link leaves out, as an option at its default, is no place to go back to.
      if (what === "" || addressOf(before) === addressOf(state)) return;
      // The step that is read follows the pointer: nobody wants to go back through it.
      if (what !== ".at") {
        const when = performance.now();
        const box = document.activeElement instanceof HTMLInputElement && document.activeElement.type === "text"
          ? document.activeElement
          : null;
        const goesOn = last !== undefined && last.what === what && !isStructural(what) &&
          when - last.when < (box !== null && box === last.box ? pauseTyping : pause);
        last = { what, when, box };
        if (!goesOn) {
          if (timer !== undefined) rewrite(before);
          write(() => history.pushState(ours, "", addressOf(state)));
          return;
        }
      }
      clearTimeout(timer);
      timer = setTimeout(() => rewrite(state), writeEvery);
    },
    listen: (listener) => void listeners.push(listener),
    link: () => linkTo(state).href,
  };
}

/** Browsers refuse to write the address too often; the page goes on without. */
function write(action: () => void): void {
  try {
    action();
  } catch {
    // The next change writes it.
  }
}
