/// <reference lib="dom" />
/**
 * The page's state: kept in the URL's fragment, told to whom it concerns.
 *
 * @module
 */
import { type PageState, readState, writeState } from "./state.ts";

/** Who changes the state, and hears of changes. */
export interface Store {
  /** The state now. */
  readonly state: PageState;
  /** Changes it. */
  set(change: Partial<PageState>): void;
  /** Called after each change with the state before; `isLoaded` where a new link was opened. */
  listen(listener: (before: PageState, isLoaded: boolean) => void): void;
  /** The link that leads here. */
  link(): string;
}

/** A state that begins as the URL says, and else as `start`; `complete` fills in what a link leaves out, `shorten` leaves it out. */
export function createStore(start: PageState, complete: (state: PageState) => PageState, shorten: (state: PageState) => PageState): Store {
  const listeners: ((before: PageState, isLoaded: boolean) => void)[] = [];
  const read = (): PageState => complete(readState(location.hash, start));
  let state = read();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const fragment = (): string => `#${writeState(shorten(state), start)}`;

  function change(next: PageState, isLoaded: boolean): void {
    const before = state;
    state = next;
    for (const listener of listeners) listener(before, isLoaded);
  }

  addEventListener("hashchange", () => {
    clearTimeout(timer);
    if (location.hash !== fragment()) change(read(), true);
  });

  return {
    get state() {
      return state;
    },
    set(part) {
      change({ ...state, ...part }, false);
      // Browsers refuse more than a few of these a second; a slider would make hundreds.
      clearTimeout(timer);
      timer = setTimeout(() => history.replaceState(null, "", fragment()), 300);
    },
    listen: (listener) => void listeners.push(listener),
    link: () => new URL(fragment(), location.href).href,
  };
}
