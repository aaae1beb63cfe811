/**
 * Bytes in flight: a limit on each request alone does not keep memory flat.
 *
 * @module
 */
import { Problem } from "../wire/problem.ts";

/** Bytes that one request holds. */
export interface Hold {
  /** Holds more, on the way to what is claimed in all; a Problem where there is no room. */
  take(bytes: number, claimed?: number): void;
  /** Lets go of everything. */
  release(): void;
}

/** What all requests hold together. */
export interface Budget {
  /** A request's part, with nothing in it yet. */
  hold(tenant: string): Hold;
  /** A Problem where there is no room for so many bytes now, beside what has come and `others`' bytes; holds nothing. */
  expect(tenant: string, bytes: number, ...others: readonly Budget[]): void;
  /** Bytes held now, by all or by one tenant. */
  used(tenant?: string): number;
}

const retry = { "Retry-After": "1" };

/** Bytes of all, and of each tenant. */
interface Ledger {
  add(tenant: string, bytes: number): void;
  used(tenant?: string): number;
}

function createLedger(): Ledger {
  const tenants = new Map<string, number>();
  let all = 0;
  const used = (tenant?: string): number => tenant === undefined ? all : tenants.get(tenant) ?? 0;
  return {
    add(tenant, bytes) {
      all += bytes;
      const held = used(tenant) + bytes;
      if (held > 0) tenants.set(tenant, held);
      else tenants.delete(tenant);
    },
    used,
  };
}

/** A budget of so many bytes. A tenant that is at it already gets half of them at most, so that nobody takes all. */
export function createBudget(most: number): Budget {
  const held = createLedger();
  // What is claimed and not there yet, three times as much as is there at most: who claims and sends nothing has nothing here. Large bodies look at it, so that those
  // which cannot all end well are refused at their beginning; small ones get the room that there is.
  const coming = createLedger();
  const isLarge = (claimed: number): boolean => claimed > most / 16;
  /** `own`: what the request itself has in them. */
  const check = (tenant: string, bytes: number, own: number, ...ledgers: readonly Pick<Ledger, "used">[]): void => {
    const used = (tenant?: string): number => ledgers.reduce((sum, ledger) => sum + ledger.used(tenant), 0);
    const before = used(tenant);
    const isShare = tenant !== "" && before > own && before + bytes > most / 2;
    if (!isShare && used() + bytes <= most) return;
    throw new Problem(isShare ? "tenant-busy" : "busy", `There is no room for ${bytes} more bytes now: try again in a second`, [], retry);
  };
  return {
    hold(tenant) {
      let own = 0;
      let ownComing = 0;
      return {
        take(bytes, claimed = 0) {
          check(tenant, bytes, own, held);
          const more = isLarge(claimed) ? Math.max(0, Math.min(claimed, 4 * (own + bytes)) - own - bytes) : 0;
          if (more > 0) check(tenant, bytes + more - ownComing, own + ownComing, held, coming);
          held.add(tenant, bytes);
          own += bytes;
          coming.add(tenant, more - ownComing);
          ownComing = more;
        },
        release() {
          held.add(tenant, -own);
          coming.add(tenant, -ownComing);
          own = ownComing = 0;
        },
      };
    },
    expect(tenant, bytes, ...others) {
      check(tenant, bytes, 0, held, ...others, ...isLarge(bytes) ? [coming] : []);
    },
    used: held.used,
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
