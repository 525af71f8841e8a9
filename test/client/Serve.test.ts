import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Ref, Stream } from "effect"
import { EffexClient } from "../../src/client/EffexClient.ts"
import * as Effex from "../support/Effex.ts"

describe("EffexClient", () => {
  it.live("resumes calls and streams after the server is killed and restarted", () =>
    Effect.gen(function* () {
      const { env } = yield* Effex.makeSandbox({
        ALLOW_ANONYMOUS_CONVERT: "true",
        POLL_INTERVAL: "1 second",
        POLL_SPACING: "0 millis"
      })
      const first = yield* Effex.serve(env)
      yield* Effect.gen(function* () {
        const client = yield* EffexClient
        const received = yield* Ref.make<ReadonlyArray<string>>([])
        const states = yield* client.watchConnection.pipe(
          Stream.changes,
          Stream.take(4),
          Stream.runCollect,
          Effect.forkScoped
        )
        const watching = yield* client.watchEvents({ pairs: ["USD:NGN"] }).pipe(
          Stream.tap(({ _tag }) => Ref.update(received, (all) => [...all, _tag])),
          Stream.takeUntilEffect(() => Effect.map(Ref.get(received), hasChangesAroundGap)),
          Stream.runLast,
          Effect.forkScoped
        )
        const polls = yield* client.watchPolls.pipe(
          Stream.takeUntilEffect(() => Effect.map(Ref.get(received), (all) => all.includes("Gap"))),
          Stream.runLast,
          Effect.forkScoped
        )
        yield* Effect.repeat(Effect.delay(Ref.get(received), "20 millis"), {
          until: (all) => all.includes("RateChanged")
        })
        first.process.kill("SIGKILL")
        yield* first.ended
        const pendingCall = yield* Effect.forkScoped(client.rate("USD", "NGN"))
        yield* Effex.serve({ ...env, PORT: new URL(first.url).port })
        assert.strictEqual((yield* Fiber.join(pendingCall)).to, "NGN")
        yield* Fiber.join(watching)
        yield* Fiber.join(polls)
        assert.deepStrictEqual(Array.from(yield* Fiber.join(states)), [
          "connecting",
          "connected",
          "reconnecting",
          "connected"
        ])
        const converted = yield* client.convert({ amount: "500.00", from: "USD", to: "NGN" })
        assert.strictEqual(converted.inputAmount, "500.00")
        const quote = yield* client.createQuote({
          amount: "500.00",
          from: "USD",
          to: "NGN",
          ttl: "1 minute"
        })
        assert.strictEqual(quote.state, "open")
      }).pipe(Effect.provide(EffexClient.layer({ url: first.url })))
    }).pipe(Effect.scoped)
  )
})

/** Returns true if the events contain a change before the gap and another one after it. */
const hasChangesAroundGap = (events: ReadonlyArray<string>) =>
  events.indexOf("RateChanged") < events.indexOf("Gap") &&
  events.lastIndexOf("RateChanged") > events.indexOf("Gap")
