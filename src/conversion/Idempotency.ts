import { Effect, Option } from "effect"
import type { IdempotencyKey } from "../audit/AuditAppend.ts"
import * as CanonicalEncoding from "../audit/CanonicalEncoding.ts"
import type { Owner } from "../domain/access/Principal.ts"
import type { AmountType } from "../domain/conversion/Conversion.ts"
import { IdempotencyConflict } from "../domain/conversion/ConversionErrors.ts"
import type { QuoteId } from "../domain/conversion/Quote.ts"
import * as Decimal from "../domain/money/Decimal.ts"
import type { ConversionInput } from "./ConversionInput.ts"

/** Stored with every key. Part of the database's contents. */
const ROUTE = "POST /api/v1/convert"

/** The idempotency key of a conversion, with the hash of the request that uses it. */
export interface ConversionKey extends IdempotencyKey {
  readonly requestHash: string
}

/** Fields that the request hash of a conversion consists of. It is independent of the settings. */
export interface RequestFields {
  readonly from: string
  readonly to: string
  /** As `Decimal.format` returns it. */
  readonly amount: string
  readonly amountType: AmountType
  readonly quoteId: QuoteId | null
  readonly reference: string | null
}

/**
 * Normalizes a request without regard to the settings, to find its stored conversion. Undefined if no conversion can be
 * stored for it, because its amount is not a decimal or its codes are not codes.
 */
export const toRequestFields = ({
  amount,
  from,
  to,
  ...others
}: RequestFields): RequestFields | undefined => {
  const decimal = Decimal.parse(amount)
  if (Option.isNone(decimal) || ![from, to].every((code) => /^[A-Za-z]{3}$/.test(code))) return undefined
  return { ...others, from: from.toUpperCase(), to: to.toUpperCase(), amount: Decimal.format(decimal.value) }
}

/** Returns the key of a request. */
export const make = (owner: Owner, key: string, request: RequestFields): ConversionKey => ({
  owner,
  route: ROUTE,
  key,
  requestHash: hashOf(request)
})

/** Returns the key of a conversion, or undefined without one. */
export const keyOf = (input: ConversionInput): ConversionKey | undefined =>
  input.idempotencyKey === undefined
    ? undefined
    : make(input.owner, input.idempotencyKey, {
        ...input,
        from: input.from.code,
        to: input.to.code,
        amount: Decimal.format(input.amount)
      })

/** Hashes what a request means, so that two spellings of the same request have the same hash. */
const hashOf = ({ amount, amountType, from, quoteId, reference, to }: RequestFields) =>
  CanonicalEncoding.sha256(
    CanonicalEncoding.encode([from, to, amount, amountType, quoteId, reference])
  ).toString("hex")

/** Locks the keys of requests in progress, within this process. The database is the authority across processes. */
export const makeLocks = () => {
  const locked = new Set<string>()
  const nameOf = ({ key, owner: [owner] }: IdempotencyKey) => JSON.stringify([owner, key])

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
