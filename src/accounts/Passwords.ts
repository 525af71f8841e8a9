import { hash as argon2Hash, parseOptions, verify as argon2Verify } from "@node-rs/argon2"
import { Context, Effect, Layer, Redacted, Result, Semaphore } from "effect"
import { SecureRandom } from "effect/crypto"
import { availableParallelism } from "node:os"
import * as Password from "../domain/accounts/Password.ts"
import type { Username } from "../domain/accounts/User.ts"
import { isCommon } from "./CommonPasswords.ts"
import * as HashingThreads from "./HashingThreads.ts"
import * as PasswordQueue from "./PasswordQueue.ts"

/** Cost of a hash. `memoryCost` is in KiB, `timeCost` in passes. */
export interface HashCost {
  readonly memoryCost: number
  readonly timeCost: number
  readonly parallelism: number
}

/** Cost of new hashes of Argon2id. Tests lower it. */
export class PasswordHashCost extends Context.Reference<HashCost>(
  "effex/accounts/Passwords/PasswordHashCost",
  // As OWASP recommends.
  { defaultValue: () => ({ memoryCost: 19_456, timeCost: 2, parallelism: 1 }) }
) {}

const ARGON2ID = 2

/** Leaves one CPU to the event loop, and one thread of the pool to files, names of hosts and compression. */
export const MAX_CONCURRENT_HASHES = Math.max(
  1,
  Math.min(availableParallelism(), HashingThreads.POOL_SIZE) - 1
)

/** Bounds of sign-ins and registrations. Tests lower them. */
export class PasswordQueueBounds extends Context.Reference<PasswordQueue.PasswordQueueBounds>(
  "effex/accounts/Passwords/PasswordQueueBounds",
  // A sign-in has a hash of 15 ms and four round trips to PostgreSQL. On two CPUs, this many keep hashing while a round trip takes up
  // to 11 ms. Twice as many make the p99 of lookups up to 1.5 times as long, with no more sign-ins per second. 200 wait up to 6 seconds.
  { defaultValue: () => ({ concurrency: 2 * MAX_CONCURRENT_HASHES + 2, maxWaiting: 200 }) }
) {}

interface Argon2 {
  readonly hash: (
    password: string,
    options: HashCost & { readonly algorithm: typeof ARGON2ID }
  ) => Promise<string>
  readonly verify: (hash: string, password: string) => Promise<boolean>
}

const make = (argon2: Argon2) =>
  Effect.gen(function* () {
    const random = yield* SecureRandom.SecureRandom
    const cost = yield* PasswordHashCost
    const permits = yield* Semaphore.make(MAX_CONCURRENT_HASHES)
    const { enqueue } = yield* PasswordQueue.make(yield* PasswordQueueBounds)
    const compute = <A>(work: () => Promise<A>) =>
      // A hash that has started cannot be stopped, and keeps its permit until it ends.
      permits.withPermit(Effect.uninterruptible(Effect.promise(work)))
    const hash = (password: Redacted.Redacted) =>
      compute(() => argon2.hash(Redacted.value(password), { ...cost, algorithm: ARGON2ID }))
    const noPassword = Buffer.from(yield* random.randomBytes(32)).toString("base64")
    const dummy = yield* hash(Redacted.make(noPassword))
    yield* HashingThreads.lowerPriority

    return Passwords.of({
      enqueue,
      hash,
      check: (password, username) =>
        Result.map(Password.check(Redacted.value(password), username, isCommon), (text) =>
          Redacted.make(text)
        ),
      verify: Effect.fn("Passwords.verify")(function* (password, stored) {
        const text = Redacted.value(password)
        // Hashing would take longer for a long text, and accepts an empty one.
        const isHashable = text !== "" && Password.bytesOf(text) <= Password.MAX_PASSWORD_BYTES
        const normalized = isHashable ? Password.normalize(text) : noPassword
        const isRight = yield* compute(() => argon2.verify(stored ?? dummy, normalized))
        return isRight && isHashable && stored !== undefined
      }),
      needsRehash: (stored) => {
        const { memoryCost, parallelism, timeCost } = parseOptions(stored)
        return (
          memoryCost !== cost.memoryCost || timeCost !== cost.timeCost || parallelism !== cost.parallelism
        )
      }
    })
  })

/** Checks, hashes and verifies passwords. Computes at most {@link MAX_CONCURRENT_HASHES} at a time: each takes 19 MiB. */
export class Passwords extends Context.Service<
  Passwords,
  {
    /** Runs a sign-in or a registration after earlier ones. Fails if too many are waiting. */
    readonly enqueue: PasswordQueue.PasswordQueue["enqueue"]
    /** Checks a new password. Returns it normalized, for {@link hash}. */
    readonly check: (
      password: Redacted.Redacted,
      username: Username
    ) => Result.Result<Redacted.Redacted, Password.PasswordRefused>
    /** Returns the PHC string of a password that {@link check} returned. */
    readonly hash: (password: Redacted.Redacted) => Effect.Effect<string>
    /** Without a hash, as for an unknown user, takes the same time and returns false. */
    readonly verify: (password: Redacted.Redacted, hash: string | undefined) => Effect.Effect<boolean>
    /** True if the hash has other parameters than new ones. */
    readonly needsRehash: (hash: string) => boolean
  }
>()("effex/accounts/Passwords") {
  static readonly layer = Passwords.layerWith({ hash: argon2Hash, verify: argon2Verify })

  /** Hashes with the given functions. */
  static layerWith(argon2: Argon2): Layer.Layer<Passwords, never, SecureRandom.SecureRandom> {
    return Layer.effect(Passwords, make(argon2))
  }
}
