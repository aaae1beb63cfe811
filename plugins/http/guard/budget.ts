/**
 * Bytes in flight: a limit on each request alone does not keep memory flat.
 *
 * @module
 */
import { Problem } from "../wire/problem.ts";

/** Bytes that one request holds. */
export interface Hold {
  /** Holds more; a Problem where there is no room. */
  take(bytes: number): void;
  /** Lets go of everything. */
  release(): void;
}

/** What all requests hold together. */
export interface Budget {
  /** A request's part, with nothing in it yet. */
  hold(tenant: string): Hold;
  /** A Problem where there is no room for so many bytes now, beside `others`' bytes; holds nothing. */
  expect(tenant: string, bytes: number, others?: Budget): void;
  /** Bytes held now, by all or by one tenant. */
  used(tenant?: string): number;
}

const retry = { "Retry-After": "1" };

/** A budget of so many bytes. A tenant that is at it already gets half of them at most, so that nobody takes all. */
export function createBudget(most: number): Budget {
  const tenants = new Map<string, number>();
  let all = 0;
  const used = (tenant?: string): number => tenant === undefined ? all : tenants.get(tenant) ?? 0;
  const add = (tenant: string, bytes: number): void => {
    all += bytes;
    const held = used(tenant) + bytes;
    if (held > 0) tenants.set(tenant, held);
    else tenants.delete(tenant);
  };
  /** `own`: what the request itself holds. */
  const check = (tenant: string, bytes: number, own: number, others?: Budget): void => {
    const before = used(tenant) + (others?.used(tenant) ?? 0);
    const isShare = tenant !== "" && before > own && before + bytes > most / 2;
    if (!isShare && all + (others?.used() ?? 0) + bytes <= most) return;
    throw new Problem(isShare ? "tenant-busy" : "busy", `There is no room for ${bytes} more bytes now: try again in a second`, [], retry);
  };
  return {
    hold(tenant) {
      let held = 0;
      return {
        take(bytes) {
          check(tenant, bytes, held);
          add(tenant, bytes);
          held += bytes;
        },
        release() {
          add(tenant, -held);
          held = 0;
        },
      };
    },
    expect: (tenant, bytes, others) => check(tenant, bytes, 0, others),
    used,
  };
}

/** Budgets of those who do not stand in each other's way: who fills one leaves the others free. */
export interface Room {
  /** Bytes of bodies. */
  readonly bodies: Budget;
  /** Bytes of large answers that are not read yet. */
  readonly answers: Budget;
}

/** Room for bodies and answers of so many bytes each. */
export function createRoom(bodies: number, answers: number): Room {
  return { bodies: createBudget(bodies), answers: createBudget(answers) };
}
