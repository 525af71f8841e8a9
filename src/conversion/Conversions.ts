import { Context, Effect, Exit, Layer, Option } from "effect"
import { AuditLog } from "../audit/AuditLog.ts"
import type { Owner } from "../domain/access/Principal.ts"
import type { AuditId } from "../domain/conversion/AuditId.ts"
import type { AmountOutOfRange } from "../domain/conversion/Conversion.ts"
import type {
  IdempotencyConflict,
  IdempotencyMismatch,
  QuoteExpired,
  QuoteMismatch,
  QuoteNotFound,
  QuoteUsed
} from "../domain/conversion/ConversionErrors.ts"
import { type RateTooOld, RateUnavailable } from "../domain/rates/Rate.ts"
import type { ClockSkewed } from "../platform/ClockSkew.ts"
import type { StoreUnavailable } from "../platform/postgres/StoreUnavailable.ts"
import * as ExportedSpans from "../platform/telemetry/ExportedSpans.ts"
import type * as CommittedConversion from "./CommittedConversion.ts"
import * as ConversionPreparation from "./ConversionPreparation.ts"
import type { ConversionInput, ConversionTerms } from "./ConversionInput.ts"
import * as Idempotency from "./Idempotency.ts"
import * as PreparedConversion from "./PreparedConversion.ts"
import * as QuoteUse from "./QuoteUse.ts"

/** Reasons for which a conversion has no price. */
export type PreparationError =
  | AmountOutOfRange
  | ClockSkewed
  | QuoteExpired
  | QuoteMismatch
  | QuoteNotFound
  | QuoteUsed
  | RateTooOld
  | RateUnavailable
  | StoreUnavailable

export type ConversionError = PreparationError | IdempotencyConflict | IdempotencyMismatch

type ConversionExit = Exit.Exit<CommittedConversion.ConversionOutcome, ConversionError>

/** Converts amounts. Every conversion is committed to the audit before it is returned. */
export class Conversions extends Context.Service<
  Conversions,
  {
    /**
     * Converts at the latest rate or at the price of a quote, and returns once the record is committed. A used idempotency
     * key returns the first conversion, even after its quote has expired.
     *
     * Concurrent conversions are priced without a lookup where the rate is fresh in memory, and `AuditLog` commits them,
     * and reads their idempotency keys, with one statement.
     */
    readonly convert: (
      input: ConversionInput
    ) => Effect.Effect<CommittedConversion.ConversionOutcome, ConversionError>
    /**
     * Converts several inputs with one append, in a fraction of the CPU time of one fiber per input. An input that needs
     * I/O before its append (a quote, no fresh rate in memory, or a key in use) is not part of the batch: `onDeferred`
     * receives its conversion before anything is awaited. Returns the outcomes in the order of the inputs, undefined for
     * deferred ones.
     */
    readonly convertBatch: (
      inputs: ReadonlyArray<ConversionInput>,
      onDeferred: (
        index: number,
        conversion: Effect.Effect<CommittedConversion.ConversionOutcome, ConversionError>
      ) => void
    ) => Effect.Effect<ReadonlyArray<ConversionExit | undefined>>
    /**
     * Returns the conversion that is stored under an idempotency key, for a request that the current settings do not
     * allow: its pair may have been removed after it was converted.
     */
    readonly findStored: (
      owner: Owner,
      idempotencyKey: string,
      request: Idempotency.RequestFields
    ) => Effect.Effect<
      Option.Option<CommittedConversion.ConversionOutcome>,
      IdempotencyMismatch | StoreUnavailable
    >
    /**
     * Prices a conversion for a caller that commits its record together with other statements, by `AuditLog.appendWithin`.
     * Nothing is stored.
     */
    readonly prepare: (
      input: ConversionTerms
    ) => Effect.Effect<PreparedConversion.PreparedConversion, PreparationError>
    /**
     * Handles a prepared record that was not appended. Returns another preparation at the rate of the database, if the
     * rate was unknown there. Otherwise fails with the reason for which the quote cannot be used.
     */
    readonly prepareAgain: (
      input: ConversionTerms,
      prepared: PreparedConversion.PreparedConversion
    ) => Effect.Effect<PreparedConversion.PreparedConversion, PreparationError>
  }
>()("effex/conversion/Conversions") {
  static readonly layer = Layer.effect(
    Conversions,
    Effect.gen(function* () {
      const audit = yield* AuditLog
      const preparation = yield* ConversionPreparation.make
      const quotes = yield* QuoteUse.make
      const traced = yield* ExportedSpans.make
      const locks = Idempotency.makeLocks()
      const { replay, toExit } = yield* PreparedConversion.make

      const append = (
        prepared: PreparedConversion.PreparedConversion,
        onUnavailable: Effect.Effect<CommittedConversion.ConversionOutcome, ConversionError>
      ): Effect.Effect<CommittedConversion.ConversionOutcome, ConversionError> =>
        Effect.flatMap(audit.append(prepared), (outcome) =>
          outcome._tag === "QuoteUnavailable" || outcome._tag === "UnknownRate"
            ? onUnavailable
            : toExit(prepared, outcome)
        )

      /** Converts at the latest rate, or as `onUnknownRate` if the database does not contain that rate. */
      const convertAtLatest = Effect.fnUntraced(function* (
        input: ConversionInput,
        key: Idempotency.ConversionKey | undefined,
        onUnknownRate: (
          prepared: PreparedConversion.PreparedConversion
        ) => Effect.Effect<CommittedConversion.ConversionOutcome, ConversionError>
      ) {
        const prepared = yield* preparation.atLatest(input, key)
        return yield* append(
          prepared,
          Effect.suspend(() => onUnknownRate(prepared))
        )
      })

      /** Repeats a conversion once after its rate turned out not to be in the database. */
      const reprice = Effect.fnUntraced(function* (
        input: ConversionInput,
        prepared: PreparedConversion.PreparedConversion
      ) {
        yield* preparation.evictUnknownRate(input.pair, prepared)
        const unavailable = () => Effect.fail(new RateUnavailable({ pair: input.pair }))
        return yield* convertAtLatest(input, Idempotency.keyOf(input), unavailable)
      })

      const commit = Effect.fnUntraced(function* (
        input: ConversionInput,
        key: Idempotency.ConversionKey | undefined
      ) {
        if (input.quoteId === null) {
          return yield* convertAtLatest(input, key, (prepared) => reprice(input, prepared))
        }
        const prepared = yield* preparation.quoted(input.quoteId, input, key)
        return yield* append(prepared, quotes.failUnavailable(input.quoteId, input))
      })

      /** Looks up the key first: its conversion is returned even if the rate is unavailable or the quote expired. */
      const commitWithKey = Effect.fnUntraced(function* (
        input: ConversionInput,
        key: Idempotency.ConversionKey
      ) {
        const stored = yield* audit.findResponse(key)
        return yield* Option.isSome(stored) ? replay(stored.value, key.requestHash) : commit(input, key)
      })

      /** Prepares a conversion synchronously and locks its key. Undefined with a quote or without a fresh rate. */
      const prepareFromMemory = (
        id: AuditId,
        input: ConversionInput,
        key: Idempotency.ConversionKey | undefined
      ): PreparedConversion.PreparedConversion | undefined => {
        const prepared = preparation.fromMemory(id, input, key)
        return prepared === undefined || key === undefined || locks.tryLock(key) ? prepared : undefined
      }

      const unlockAll = (prepared: ReadonlyArray<PreparedConversion.PreparedConversion>) =>
        Effect.sync(() => {
          for (const { idempotency } of prepared) if (idempotency !== undefined) locks.unlock(idempotency)
        })

      const convertWithIo = (input: ConversionInput, key: Idempotency.ConversionKey | undefined) =>
        key === undefined ? commit(input, undefined) : locks.withLock(key, commitWithKey(input, key))

      const convert: Conversions["Service"]["convert"] = (input) =>
        traced("Conversions.convert")(
          Effect.flatMap(preparation.newId, (id) => {
            const key = Idempotency.keyOf(input)
            const prepared = prepareFromMemory(id, input, key)
            if (prepared === undefined) return convertWithIo(input, key)
            const appended = append(
              prepared,
              Effect.suspend(() => reprice(input, prepared))
            )
            return key === undefined ? appended : Effect.ensuring(appended, unlockAll([prepared]))
          })
        )

      const convertBatch: Conversions["Service"]["convertBatch"] = (inputs, onDeferred) =>
        Effect.suspend(() => {
          const prepared: Array<PreparedConversion.PreparedConversion> = []
          const converted = Effect.gen(function* () {
            const batch: Array<PreparedConversion.PreparedConversion | undefined> = []
            for (const input of inputs) {
              const item = prepareFromMemory(yield* preparation.newId, input, Idempotency.keyOf(input))
              if (item !== undefined) prepared.push(item)
              batch.push(item)
            }
            inputs.forEach((input, i) => {
              if (batch[i] === undefined) onDeferred(i, convertWithIo(input, Idempotency.keyOf(input)))
            })
            const exits = yield* audit.appendAll(prepared)
            let next = 0
            const outcomes: Array<ConversionExit | undefined> = []
            for (const [i, item] of batch.entries()) {
              const exit = item && exits[next++]
              const input = inputs[i]
              if (item === undefined || exit === undefined || input === undefined) outcomes.push(undefined)
              else if (Exit.isFailure(exit)) outcomes.push(Exit.failCause(exit.cause))
              else if (exit.value._tag === "Committed" || exit.value._tag === "DuplicateKey")
                outcomes.push(toExit(item, exit.value))
              else outcomes.push(yield* Effect.exit(reprice(input, item)))
            }
            return outcomes
          })
          return Effect.ensuring(converted, unlockAll(prepared))
        })

      const findStored: Conversions["Service"]["findStored"] = Effect.fn("Conversions.findStored")(
        function* (owner, idempotencyKey, request) {
          const key = Idempotency.make(owner, idempotencyKey, request)
          const stored = yield* audit.findResponse(key)
          return Option.isSome(stored)
            ? Option.some(yield* replay(stored.value, key.requestHash))
            : Option.none()
        }
      )

      const prepare = Effect.fn("Conversions.prepare")(function* (input: ConversionTerms) {
        return input.quoteId === null
          ? yield* preparation.atLatest(input, undefined)
          : yield* preparation.quoted(input.quoteId, input, undefined)
      })

      const prepareAgain = Effect.fn("Conversions.prepareAgain")(function* (
        input: ConversionTerms,
        prepared: PreparedConversion.PreparedConversion
      ) {
        if (input.quoteId !== null) return yield* quotes.failUnavailable(input.quoteId, input)
        yield* preparation.evictUnknownRate(input.pair, prepared)
        return yield* preparation.atLatest(input, undefined)
      })

      return Conversions.of({ convert, convertBatch, findStored, prepare, prepareAgain })
    })
  )
}
