/**
 * Bytes in flight: a limit on each request alone does not keep memory flat.
 *
 * @module
 */
import { Problem } from "../wire/problem.ts";

/** Bytes that one request holds. */
export interface Hold {
  /** A Problem where there is no room for so many bytes now; holds nothing. */
  expect(bytes: number): void;
  /** Holds more; a Problem where there is no room. */
  take(bytes: number): void;
  /** Lets go of everything. */
  release(): void;
}

/** What all requests hold together. */
export interface Budget {
  /** A request's part, with nothing in it yet. */
  hold(tenant: string): Hold;
  /** Bytes held now. */
  readonly used: number;
}

const retry = { "Retry-After": "1" };

/** A budget of so many bytes. */
export function createBudget(most: number): Budget {
  const tenants = new Map<string, number>();
  let used = 0;
  const add = (tenant: string, bytes: number): void => {
    used += bytes;
    const held = (tenants.get(tenant) ?? 0) + bytes;
    if (held > 0) tenants.set(tenant, held);
    else tenants.delete(tenant);
  };
  return {
    hold(tenant) {
      let held = 0;
      const expect = (bytes: number): void => {
        if (used + bytes <= most) return;
        // A tenant that fills most of the room is told that it is about its own requests.
        const own = tenant !== "" && (tenants.get(tenant) ?? 0) > most / 2;
        throw new Problem(own ? "tenant-busy" : "busy", `There is no room for ${bytes} more bytes now: try again in a second`, [], retry);
      };
      return {
        expect,
        take(bytes) {
          expect(bytes);
          add(tenant, bytes);
          held += bytes;
        },
        release() {
          add(tenant, -held);
          held = 0;
        },
      };
    },
    get used() {
      return used;
    },
  };
}
