import { Effect } from "effect"
import type { IdempotencyKey } from "../audit/AuditAppend.ts"
import * as CanonicalEncoding from "../audit/CanonicalEncoding.ts"
import { IdempotencyConflict } from "../domain/conversion/ConversionErrors.ts"
import * as Decimal from "../domain/money/Decimal.ts"
import type { ConversionInput } from "./Conversions.ts"

/** Stored with every key. Part of the database's contents. */
const ROUTE = "POST /api/v1/convert"

/** The idempotency key of a conversion, with the hash of the request that uses it. */
export interface ConversionKey extends IdempotencyKey {
  readonly requestHash: string
}

/** Returns the key of a conversion, or undefined without one. */
export const keyOf = (input: ConversionInput): ConversionKey | undefined =>
  input.idempotencyKey === undefined
    ? undefined
    : {
        principal: input.principal,
        route: ROUTE,
        key: input.idempotencyKey,
        requestHash: hashOf(input)
      }

/** Hashes what a request means, so that two spellings of the same request have the same hash. */
const hashOf = (input: ConversionInput) =>
  CanonicalEncoding.sha256(
    CanonicalEncoding.encode([
      input.from.code,
      input.to.code,
      Decimal.format(input.amount),
      input.amountType,
      input.quoteId,
      input.reference
    ])
  ).toString("hex")

/** Locks the keys of requests in progress, within this process. The database is the authority across processes. */
export const makeLocks = () => {
  const locked = new Set<string>()
  const nameOf = ({ key, principal }: IdempotencyKey) => JSON.stringify([principal, key])

  /** Locks a key and returns true, or returns false when it is locked. */
  const tryLock = (key: IdempotencyKey): boolean => {
    const name = nameOf(key)
    if (locked.has(name)) return false
    locked.add(name)
    return true
  }

  const unlock = (key: IdempotencyKey): void => {
    locked.delete(nameOf(key))
  }

  /** Runs an effect while holding a key. Fails with `IdempotencyConflict` when it is locked. */
  const withLock = <A, E>(
    key: IdempotencyKey,
    effect: Effect.Effect<A, E>
  ): Effect.Effect<A, E | IdempotencyConflict> =>
    Effect.suspend((): Effect.Effect<A, E | IdempotencyConflict> =>
      tryLock(key)
        ? Effect.ensuring(
            effect,
            Effect.sync(() => unlock(key))
          )
        : Effect.fail(new IdempotencyConflict())
    )

  return { tryLock, unlock, withLock }
}
