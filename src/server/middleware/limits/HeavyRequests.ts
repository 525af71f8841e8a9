import { Context, Duration, Effect, Layer, PartitionedSemaphore, type Scope, Semaphore, Stream } from "effect"
import { availableParallelism } from "node:os"
import { setImmediate } from "node:timers/promises"
import * as Problem from "../../../api/Problem.ts"
import * as MonotonicClock from "../../../platform/MonotonicClock.ts"
import * as Rejection from "../Rejection.ts"

/** Maximum pause after a page of an export. */
const MAX_EXPORT_PAUSE = Duration.seconds(1)

type Rejected = Rejection.Rejection<Problem.RateLimited | Problem.Overloaded>

/** Bounds of heavy requests and exports. Tests change them. */
export class HeavyRequestBounds extends Context.Reference<{
  /** Heavy requests that run at the same time: half of the cores, because each keeps one busy in PostgreSQL. */
  readonly concurrency: number
  /** Heavy requests of one address that run or wait. */
  readonly maxPerAddress: number
  /** Heavy requests of all addresses that run or wait. */
  readonly max: number
  /** Open exports of one address. */
  readonly maxExportsPerAddress: number
  /** Open exports of all addresses, each of which holds a page of rows in memory. */
  readonly maxExports: number
}>("effex/server/middleware/limits/HeavyRequests/HeavyRequestBounds", {
  defaultValue: () => ({
    concurrency: Math.max(1, Math.floor(availableParallelism() / 2)),
    maxPerAddress: 16,
    max: 128,
    maxExportsPerAddress: 2,
    maxExports: 32
  })
}) {}

/**
 * Bounds the heavy requests that run at the same time: pages of history, long pages of the audit, verifications and
 * exports. The addresses take turns. Excess requests are rejected with 429 if one address has too many, and with 503 if
 * the node has.
 */
export class HeavyRequests extends Context.Service<
  HeavyRequests,
  {
    /** Runs a heavy request of an address when it is its turn. */
    readonly run: (
      address: string
    ) => <A, E, R>(request: Effect.Effect<A, E, R>) => Effect.Effect<A, E | Rejected, R>
    /** Counts an export until the scope ends. */
    readonly openExport: (address: string) => Effect.Effect<void, Rejected, Scope.Scope>
    /**
     * Computes the pages of all exports one at a time, each followed by a pause of the same duration: exports take at most
     * half of the time of one core, and requests are answered between two pages.
     */
    readonly pace: <A, E, R>(pages: Stream.Stream<A, E, R>) => Stream.Stream<A, E, R>
  }
>()("effex/server/middleware/limits/HeavyRequests") {
  static readonly layer = Layer.effect(
    HeavyRequests,
    Effect.gen(function* () {
      const bounds = yield* HeavyRequestBounds
      const turns = yield* PartitionedSemaphore.make<string>({ permits: bounds.concurrency })

      /** Counts what is open per address. `open` returns an effect that closes it again. */
      const makeCounter = (what: string, maxPerAddress: number, max: number) => {
        const byAddress = new Map<string, number>()
        let total = 0
        const reject = (problem: Problem.RateLimited | Problem.Overloaded): Effect.Effect<never, Rejected> =>
          Effect.fail(Rejection.of(problem))
        const close = (address: string) =>
          Effect.sync(() => {
            total--
            const remaining = (byAddress.get(address) ?? 1) - 1
            if (remaining === 0) byAddress.delete(address)
            else byAddress.set(address, remaining)
          })
        const open = (address: string): Effect.Effect<Effect.Effect<void>, Rejected> =>
          Effect.suspend(() => {
            const count = byAddress.get(address) ?? 0
            if (count >= maxPerAddress)
              return reject(
                new Problem.RateLimited({
                  detail: `This address has ${count} concurrent ${what}; at most ${maxPerAddress} are allowed. Retry when one has ended`
                })
              )
            if (total >= max)
              return reject(
                new Problem.Overloaded({
                  detail: `This node has ${total} concurrent ${what}, its maximum; retry later`
                })
              )
            byAddress.set(address, count + 1)
            total++
            return Effect.succeed(close(address))
          })
        return open
      }

      const openRequest = makeCounter("heavy requests", bounds.maxPerAddress, bounds.max)
      const openExport = makeCounter("exports", bounds.maxExportsPerAddress, bounds.maxExports)

      const exportTurns = yield* Semaphore.make(1)

      const withPause = <A, E, R>(page: Effect.Effect<A, E, R>) =>
        Effect.gen(function* () {
          const startedAt = yield* MonotonicClock.millis
          const rows = yield* page
          yield* untilOthersRan
          const elapsed = Duration.millis((yield* MonotonicClock.millis) - startedAt)
          if (Duration.isPositive(elapsed)) yield* Effect.sleep(Duration.min(elapsed, MAX_EXPORT_PAUSE))
          return rows
        })

      return HeavyRequests.of({
        pace: (pages) =>
          Stream.transformPull(pages, (pull) => Effect.succeed(exportTurns.withPermit(withPause(pull)))),
        run: (address) => (request) =>
          Effect.acquireUseRelease(
            openRequest(address),
            () => turns.withPermit(address)(request),
            (close) => close
          ),
        openExport: (address) => Effect.asVoid(Effect.acquireRelease(openExport(address), (close) => close))
      })
    })
  )
}

/** Lets the event loop handle the requests that arrived meanwhile. */
const untilOthersRan = Effect.promise(() => setImmediate())
