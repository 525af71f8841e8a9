import { Context, Duration, Effect, Layer, Schedule } from "effect"
import { DEFAULT_LOGIN_BOUNDS, type LoginBounds } from "../../domain/accounts/LoginBounds.ts"
import { type Attempt, AttemptLimits } from "./AttemptLimits.ts"
import * as Counts from "./LoginCounts.ts"

/** Limits of attempts. Tests raise them. */
export class LoginLimitBounds extends Context.Reference<LoginBounds>(
  "effex/accounts/login/LoginLimits/LoginLimitBounds",
  { defaultValue: () => DEFAULT_LOGIN_BOUNDS }
) {}

const CLEANUP_INTERVAL = Duration.minutes(10)

/**
 * Limits attempts per address, account and address, and account, for all nodes together, and in total for each node. Counts
 * an attempt when it is admitted, and takes the count back when it succeeds. Unknown usernames are counted like others, so
 * that a refusal does not reveal whether an account exists.
 */
export const layer = Layer.effect(
  AttemptLimits,
  Effect.gen(function* () {
    const bounds = yield* LoginLimitBounds
    const counts = yield* Counts.make
    const countGlobally = Counts.makeLocal(bounds.global)

    const addressOf = ({ address }: Attempt) => ({
      subject: Counts.subjectOf("address", address),
      bound: bounds.address
    })
    const pairOf = (kind: Attempt["kind"], account: string, address: string) => ({
      subject: Counts.subjectOf(`${kind} account and address`, account, address),
      bound: bounds.accountAndAddress
    })

    const accountOf = (kind: Attempt["kind"], account: string) => ({
      subject: Counts.subjectOf(`${kind} account`, account),
      bound: kind === "login" ? bounds.account : bounds.provenAccount
    })

    /** Returns what an attempt is counted for, the address first: a blocked one adds nothing to an account. */
    const subjectsOf = (attempt: Attempt): ReadonlyArray<Counts.Counted> => {
      const { account, address, kind } = attempt
      if (kind === "register")
        return [{ subject: Counts.subjectOf("register", address), bound: bounds.register }]
      if (kind === "refresh")
        return [{ subject: Counts.subjectOf("refresh", address), bound: bounds.refresh }]
      if (account === undefined) return [addressOf(attempt)]
      return [addressOf(attempt), pairOf(kind, account, address), accountOf(kind, account)]
    }

    /** The outcome alone is counted: of refresh tokens, and of tokens whose account is not known yet. */
    const countsOutcome = ({ account, kind }: Attempt) =>
      kind === "refresh" || (kind === "mfa" && account === undefined)

    const admit: AttemptLimits["Service"]["admit"] = Effect.fn("LoginLimits.admit")(function* (attempt) {
      const subjects = subjectsOf(attempt)
      if (countsOutcome(attempt)) return yield* Effect.forEach(subjects, counts.check, { discard: true })
      yield* counts.count(subjects)
      yield* countGlobally.pipe(
        Effect.tapErrorTag("TooManyAttempts", () =>
          counts.refund(subjects.map((counted) => ({ ...counted, resets: false })))
        )
      )
    })

    const record: AttemptLimits["Service"]["record"] = Effect.fn("LoginLimits.record")(
      function* (attempt, outcome) {
        const { account, address, kind } = attempt
        const subjects = subjectsOf(attempt)
        if (outcome === "failure") {
          if (!countsOutcome(attempt)) return
          return yield* counts.count(subjects).pipe(Effect.catchTag("TooManyAttempts", () => Effect.void))
        }
        if (account === undefined) return
        const pair = pairOf(kind, account, address)
        const refunds = subjects.map((counted) => ({
          ...counted,
          resets: counted.subject.equals(pair.subject)
        }))
        // A code follows a password, which was counted before.
        const password = { ...pairOf("login", account, address), resets: true }
        yield* counts.refund(kind === "mfa" ? [...refunds, password] : refunds)
      }
    )

    yield* counts.removeExpired.pipe(
      Effect.ignoreCause,
      Effect.repeat(Schedule.spaced(CLEANUP_INTERVAL)),
      Effect.delay(CLEANUP_INTERVAL),
      Effect.forkScoped
    )
    const failuresOf: AttemptLimits["Service"]["failuresOf"] = Effect.fn("LoginLimits.failuresOf")(
      (account) => counts.current(accountOf("login", account))
    )

    return AttemptLimits.of({ admit, record, failuresOf })
  })
)
