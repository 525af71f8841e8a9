import { Clock, Effect, Ref } from "effect"
import { AssetCatalog } from "../../assets/AssetCatalog.ts"
import type { PollRun } from "../../domain/rates/PollRun.ts"
import type { RateEvent } from "../../domain/rates/RateEvent.ts"
import * as RateFreshness from "../../rates/RateFreshness.ts"
import { Broadcaster } from "../../rates/feed/Broadcaster.ts"
import type { PollProgress } from "../../rates/polling/PollRunner.ts"
import * as RateEncoding from "../../server/encoding/RateEncoding.ts"
import * as PollProgressView from "./PollProgressView.ts"
import * as RateBoardView from "./RateBoardView.ts"

/** Shows the rates that a poll in this process refreshes, and its progress. Ends with the scope. */
export const make = Effect.gen(function* () {
  const { isStaleAt } = yield* RateFreshness.make
  const { pairs } = yield* AssetCatalog
  const broadcaster = yield* Broadcaster
  const view = yield* RateBoardView.make("effex poll", `${pairs.polled.length} pairs`)
  const progress = yield* Ref.make({ pairs: 0, failed: 0 })

  const showEvents = Effect.fnUntraced(function* (events: ReadonlyArray<RateEvent>) {
    const isStale = isStaleAt(yield* Clock.currentTimeMillis)
    const rates = events.flatMap((event) => {
      if (event._tag === "RateChanged") return [event.rate]
      return event._tag === "Snapshot" ? event.rates : []
    })
    for (const rate of rates) yield* view.showRate(RateEncoding.toMessage({ rate, stale: isStale(rate) }))
  })

  const mailbox = yield* broadcaster.subscribe()
  yield* Effect.forkScoped(Effect.forever(Effect.flatMap(mailbox.take, showEvents)))

  const observe = Effect.fnUntraced(function* ({ failure }: PollProgress) {
    const count = yield* Ref.updateAndGet(progress, (count) => ({
      pairs: count.pairs + 1,
      failed: count.failed + (failure._tag === "Some" ? 1 : 0)
    }))
    const failed = count.failed === 0 ? "" : `, ${count.failed} failed`
    yield* view.showProgress(`polling ${count.pairs} of ${pairs.polled.length}${failed}`)
  })

  const report = Effect.fnUntraced(function* (run: PollRun) {
    yield* Ref.set(progress, { pairs: 0, failed: 0 })
    const refreshed = PollProgressView.refreshedText(run)
    const failedPairs = run.failures.map(({ pair }) => pair.key).join(", ")
    yield* view.showStatus(failedPairs === "" ? refreshed : `${refreshed}, failed: ${failedPairs}`)
  })

  return { observe, report, left: view.left }
})
