import { Duration } from "effect"

/** Number of attempts that are allowed in a window of time, which starts with the first attempt. */
export interface Bound {
  readonly limit: number
  readonly window: Duration.Duration
  /** Time after a window that reached the limit in which attempts are neither counted nor refused. */
  readonly grace: Duration.Duration
}

/** Limits of attempts, except those of {@link LoginBounds.global} for all nodes together. */
export interface LoginBounds {
  /** Attempts of one address on one account. */
  readonly accountAndAddress: Bound
  /** Attempts on the password of one account from all addresses. A stranger can reach this limit. */
  readonly account: Bound
  /** Attempts of users who proved something before, such as the password, on the rest of one account. */
  readonly provenAccount: Bound
  /** Attempts of one address on all accounts. */
  readonly address: Bound
  /** Refresh tokens of one address that were refused. */
  readonly refresh: Bound
  /** Registrations of one address. */
  readonly register: Bound
  /** Attempts on one node that hash a password or check a code. */
  readonly global: Bound
}

const bound = (limit: number, window: Duration.Input, grace: Duration.Input = 0): Bound => ({
  limit,
  window: Duration.fromInputUnsafe(window),
  grace: Duration.fromInputUnsafe(grace)
})

export const DEFAULT_LOGIN_BOUNDS: LoginBounds = {
  accountAndAddress: bound(10, "15 minutes"),
  // The grace ends a lockout that an attacker caused and would renew at once.
  account: bound(50, "15 minutes", "60 seconds"),
  // Without a grace: only a caller with the password can reach this limit, and six digits can be guessed.
  provenAccount: bound(50, "15 minutes"),
  address: bound(100, "15 minutes"),
  refresh: bound(100, "15 minutes"),
  register: bound(20, "1 hour"),
  global: bound(3000, "1 minute")
}
