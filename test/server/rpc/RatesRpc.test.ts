import { assert, layer } from "@effect/vitest"
import { Duration, Effect, Schema, Stream } from "effect"
import * as Problem from "../../../src/api/Problem.ts"
import type { RateMessage } from "../../../src/api/rates/RateMessage.ts"
import type { RateEventMessage } from "../../../src/api/rates/RateEventMessage.ts"
import * as Decimal from "../../../src/domain/money/Decimal.ts"
import { Broadcaster } from "../../../src/rates/feed/Broadcaster.ts"
import { change } from "../../support/RateChanges.ts"
import { poll } from "../../support/SampleRates.ts"
import * as RpcClients from "../../support/RpcClients.ts"
import { failing, rate, TestProvider } from "../../support/TestProvider.ts"
import { SECRETS, TestServer } from "../../support/TestServer.ts"

const env = { RATE_SOURCES: "USD,EUR", RATE_DESTINATIONS: "NGN,KES" }
const live = { excludeTestServices: true }
const isProblem = Schema.is(Problem.Problem)
const transports: Readonly<Record<string, typeof RpcClients.overHttp>> = {
  "/rpc": RpcClients.overWebSocket,
  "/rpc/http": RpcClients.overHttp
}

/** Formats an event with its rates. */
const summarize = (event: RateEventMessage) => {
  const format = (message: RateMessage) => `${message.from}:${message.to}=${Decimal.format(message.rate)}`
  switch (event._tag) {
    case "Snapshot":
      return `${event.sequence} all ${event.rates.map(format).toSorted().join()}`
    case "RateChanged":
      return `${event.sequence} ${format(event.rate)}`
    case "Gap":
      return `${event.sequence} gap since ${event.since}`
  }
}

for (const [path, connect] of Object.entries(transports)) {
  layer(TestServer.layer({ MAX_AGE_FLOOR: "0 millis", ...env }), live)(path, (it) => {
    it.effect("returns typed rates", () =>
      Effect.gen(function* () {
        const client = yield* connect
        yield* (yield* TestProvider).respondWith(rate("1534.12345678"))
        const found = yield* client.GetRate({ from: "usd", to: "NGN" })
        const { from, provider, stale, to } = found
        assert.strictEqual(`${from}:${to} of ${provider}, stale: ${stale}`, "USD:NGN of test, stale: false")
        assert.strictEqual(Decimal.format(found.rate), "1534.12345678")
        yield* change("EUR:KES", "150.5")
        const all = yield* client.ListRates({})
        assert.deepStrictEqual(all.map(({ from, to }): string => `${from}:${to}`).toSorted(), [
          "EUR:KES",
          "USD:NGN"
        ])
        const some = yield* client.ListRates({ base: "usd" })
        assert.deepStrictEqual(
          some.map(({ rateId }) => rateId),
          [found.rateId]
        )
      })
    )

    it.effect("refreshes a rate older than maxAge, or fails with RateTooOld", () =>
      Effect.gen(function* () {
        const client = yield* connect
        const provider = yield* TestProvider
        yield* change("USD:KES", "129")
        yield* provider.respondWith(rate("130"))
        yield* Effect.sleep("5 millis")
        const fresh = yield* client.GetRate({ from: "USD", to: "KES", maxAge: Duration.millis(1) })
        assert.strictEqual(Decimal.format(fresh.rate), "130")
        yield* provider.respondWith(failing)
        yield* Effect.sleep("5 millis")
        const error = yield* Effect.flip(
          client.GetRate({ from: "USD", to: "KES", maxAge: Duration.millis(1) })
        )
        assert.instanceOf(error, Problem.RateTooOld)
        assert.deepInclude({ ...error }, { code: "rate-too-old", status: 503, retryable: true })
      })
    )

    it.effect("fails with a typed problem for an invalid call", () =>
      Effect.gen(function* () {
        const client = yield* connect
        const convert = { amount: "1", fromCurrency: "USD", toCurrency: "NGN" }
        const problems: ReadonlyArray<
          readonly [
            call: Effect.Effect<unknown, unknown>,
            expected: Problem.Problem["code"],
            status: Problem.Problem["status"],
            detail: RegExp
          ]
        > = [
          [client.GetRate({ from: "XXX", to: "NGN" }), "unsupported-currency", 422, /XXX/],
          [client.GetRate({ from: "JPY", to: "USD" }), "unsupported-pair", 422, /JPY:USD/],
          [client.ListRates({ base: "JPY" }), "unsupported-currency", 422, /JPY/],
          [client.Convert({ ...convert, amount: "0" }), "invalid-request", 400, /amount/],
          [client.Convert({ ...convert, amount: "1e999999999" }), "invalid-request", 400, /amount/],
          [client.Convert({ ...convert, amount: "1.001" }), "invalid-request", 400, /amount/],
          [client.Convert({ ...convert, toCurrency: "XXX" }), "unsupported-currency", 422, /XXX/],
          [client.Convert({ ...convert, quoteId: "x" }), "invalid-request", 400, /quoteId/],
          [client.Convert({ ...convert, reference: "x".repeat(101) }), "invalid-request", 400, /reference/],
          [client.Convert({ ...convert, reference: "a\0b" }), "invalid-request", 400, /reference/],
          [client.Convert({ ...convert, idempotencyKey: "" }), "invalid-request", 400, /key/],
          [
            client.Convert({ ...convert, quoteId: "01980000-0000-7000-8000-000000000000" }),
            "not-found",
            404,
            /01980000/
          ],
          [client.CreateQuote({ ...convert, ttl: Duration.hours(2) }), "invalid-request", 400, /ttl/],
          [client.CreateQuote({ ...convert, ttl: Duration.millis(1e300) }), "invalid-request", 400, /ttl/],
          [client.CreateQuote({ ...convert, ttl: Duration.zero }), "invalid-request", 400, /ttl/],
          [Stream.runDrain(client.WatchRates({ pairs: ["USD:XXX"] })), "unsupported-currency", 422, /XXX/],
          [Stream.runDrain(client.WatchRates({ pairs: ["USDNGN"] })), "invalid-request", 400, /USD:NGN/]
        ]
        for (const [call, code, status, detail] of problems) {
          const error = yield* Effect.flip(call)
          if (!isProblem(error)) return assert.fail(String(error))
          assert.strictEqual(`${error.code} ${error.status} ${error.retryable}`, `${code} ${status} false`)
          assert.match(error.detail ?? "", detail)
        }
      })
    )

    it.effect("converts once per idempotency key, and with quotes", () =>
      Effect.gen(function* () {
        const client = yield* connect
        yield* change("USD:NGN", "1500")
        const payload = { amount: "500.00", fromCurrency: "USD", toCurrency: "NGN" }
        const key = `key of ${path}`
        const first = yield* client.Convert({ ...payload, idempotencyKey: key, reference: "order 7" })
        assert.deepInclude(first, {
          fromCurrency: "USD",
          toCurrency: "NGN",
          inputAmount: "500.00",
          outputAmount: "746250.00",
          midRate: "1500",
          margin: "0.005",
          reference: "order 7"
        })
        const again = yield* client.Convert({ ...payload, idempotencyKey: key, reference: "order 7" })
        assert.deepStrictEqual(again, first)
        const other = yield* Effect.flip(client.Convert({ ...payload, amount: "501", idempotencyKey: key }))
        assert.instanceOf(other, Problem.IdempotencyMismatch)
        const target = yield* client.Convert({ ...payload, amountType: "target", amount: "746250" })
        assert.strictEqual(target.inputAmount, "500.00")

        const quote = yield* client.CreateQuote({ ...payload, ttl: Duration.minutes(1) })
        assert.strictEqual(quote.state, "open")
        yield* change("USD:NGN", "1600")
        const { outputAmount, quoteId } = yield* client.Convert({ ...payload, quoteId: quote.quoteId })
        assert.deepStrictEqual(
          { outputAmount, quoteId },
          { outputAmount: "746250.00", quoteId: quote.quoteId }
        )
        const used = yield* Effect.flip(client.Convert({ ...payload, quoteId: quote.quoteId }))
        assert.instanceOf(used, Problem.QuoteUsed)
      })
    )

    it.effect("streams all or some rates, from now on or from a position", () =>
      Effect.gen(function* () {
        const client = yield* connect
        yield* change("USD:NGN", "1")
        const { epoch, sequence } = (yield* Broadcaster).snapshot()
        const watch = Effect.fnUntraced(function* (
          payload: Parameters<RpcClients.Client["WatchRates"]>[0],
          expected: ReadonlyArray<string | RegExp>
        ) {
          const events = yield* client
            .WatchRates(payload)
            .pipe(Stream.take(expected.length), Stream.map(summarize), Stream.runCollect)
          events.forEach((event, i) => {
            const expectedEvent = expected[i] ?? ""
            if (typeof expectedEvent === "string") assert.strictEqual(event, expectedEvent)
            else assert.match(event, expectedEvent)
          })
        })
        yield* change("USD:NGN", "2")
        yield* change("EUR:KES", "3")
        const since = `${epoch}-${sequence}`
        yield* watch({ since }, [`${sequence + 1} USD:NGN=2`, `${sequence + 2} EUR:KES=3`])
        yield* watch({ since, pairs: ["eur:kes"] }, [`${sequence + 2} EUR:KES=3`])
        yield* watch({ since: "unknown-1" }, [`${sequence + 2} gap since unknown-1`, /all .*USD:NGN=2/])
        yield* Effect.forkChild(Effect.delay(change("USD:NGN", "4"), "50 millis"))
        yield* watch({ pairs: ["USD:NGN"] }, [`${sequence + 2} all USD:NGN=2`, `${sequence + 3} USD:NGN=4`])
      })
    )

    it.effect("streams finished polls", () =>
      Effect.gen(function* () {
        const client = yield* connect
        const broadcaster = yield* Broadcaster
        yield* Effect.forkChild(Effect.forever(Effect.delay(broadcaster.publishPoll(poll(3)), "20 millis")))
        const [first] = yield* client.WatchPolls().pipe(Stream.take(1), Stream.runCollect)
        assert.deepInclude(first, { runId: poll(3).id, pairs: 44, succeeded: 41, failed: 3 })
      })
    )

    it.effect("reveals only a trace_id of an unexpected failure, which is also in the log", () =>
      Effect.gen(function* () {
        const client = yield* connect
        const server = yield* TestServer
        yield* server.setDatabase("broken")
        const calls: ReadonlyArray<Effect.Effect<unknown, unknown>> = [
          client.GetRate({ from: "EUR", to: "NGN" }),
          client.Convert({ amount: "1", fromCurrency: "USD", toCurrency: "NGN" }),
          client.CreateQuote({ amount: "1", fromCurrency: "USD", toCurrency: "NGN" })
        ]
        for (const call of calls) {
          const error = yield* Effect.flip(call)
          if (!(error instanceof Problem.Internal)) return assert.fail(String(error))
          assert.deepInclude({ ...error }, { code: "internal", status: 500, retryable: true })
          assert.notInclude(JSON.stringify(error), SECRETS.slice(0, 20))
          const traceId = error.trace_id ?? assert.fail("no trace_id")
          const logged = server.log.filter((line) => line.includes(traceId))
          assert.strictEqual(logged.length, 1)
          assert.include(logged[0], SECRETS.slice(0, 20))
        }
        yield* server.setDatabase("down")
        const down = yield* Effect.flip(client.GetRate({ from: "EUR", to: "NGN" }))
        assert.instanceOf(down, Problem.StoreUnavailable)
        yield* server.setDatabase("up")
      })
    )
  })
}

layer(TestServer.layer({ ...env, FLUTTERWAVE_SECRET_KEY: "FLWSECK_TEST-1" }), live)(
  "RPC with a real provider",
  (it) => {
    for (const [path, connect] of Object.entries(transports)) {
      it.effect(`requires a key for conversions on ${path}, but not for rates`, () =>
        Effect.gen(function* () {
          const client = yield* connect
          const payload = { amount: "1", fromCurrency: "USD", toCurrency: "NGN" }
          assert.instanceOf(yield* Effect.flip(client.Convert(payload)), Problem.Unauthorized)
          assert.instanceOf(yield* Effect.flip(client.CreateQuote(payload)), Problem.Unauthorized)
          assert.strictEqual((yield* client.GetRate({ from: "USD", to: "NGN" })).from, "USD")
        })
      )
    }
  }
)
