import { assert, describe, layer } from "@effect/vitest"
import { Clock, Deferred, Effect, Option, Random, Schema } from "effect"
import { AssetCatalog } from "../../../src/assets/AssetCatalog.ts"
import { AssetCode } from "../../../src/domain/money/Asset.ts"
import { RateRepo } from "../../../src/rates/RateRepo.ts"
import * as Activity from "../../../tools/demo/Activity.ts"
import { tick } from "../../support/RateTicks.ts"
import * as TestAccounts from "../../support/TestAccounts.ts"
import { TestServer } from "../../support/TestServer.ts"
import * as WalletUsers from "../../support/WalletUsers.ts"

/** Enough for each kind of activity of both users. */
const LINES = 60

const RATES = ["USD:NGN", "USD:KES", "USD:EUR", "NGN:USD", "USD:GHS"]
const ASSETS = [
  ["ABAN", "20"],
  ["BTC", "50000"],
  ["ETH", "2000"],
  ["SOL", "150"],
  ["AAPL", "230"],
  ["MSFT", "400"]
] as const

/** Lists an asset with a price in US dollars. */
const list = Effect.fnUntraced(function* ([code, price]: readonly [code: string, price: string]) {
  yield* (yield* RateRepo).insert(yield* tick(code, "USD", price))
  yield* (yield* AssetCatalog).change({
    definition: {
      code: AssetCode.make(code),
      kind: "crypto",
      name: code,
      decimals: 8,
      tradable: true,
      minimumOrder: null,
      providerSymbols: {},
      exchangeSymbol: null,
      state: "listed"
    },
    principal: "test",
    expectedVersion: Option.none()
  })
})

/** Does not wait between two activities. */
const withoutPauses = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.flatMap(Clock.Clock, (clock) => {
    const impatient: Clock.Clock = Object.create(clock, { sleep: { value: () => Effect.yieldNow } })
    return Effect.provideService(effect, Clock.Clock, impatient)
  })

const rowsOf = Schema.decodeUnknownSync(Schema.Array(Schema.Record(Schema.String, Schema.Unknown)))

layer(TestServer.layer({ ORDER_SPREAD: "0" }), { excludeTestServices: true })((it) => {
  describe("The activity of the demo", () => {
    it.effect("sends, converts, buys, sells and deposits for each user, and says so", () =>
      Effect.gen(function* () {
        for (const pair of RATES) {
          const [from = "", to = ""] = pair.split(":")
          yield* (yield* RateRepo).insert(yield* tick(from, to, from === "NGN" ? "0.00065" : "100"))
        }
        yield* Effect.forEach(ASSETS, list)
        const funds = { USD: "5000", NGN: "1000000", ABAN: "20", BTC: "1", SOL: "5" }
        const users = yield* Effect.forEach(Activity.USERS, (name) =>
          Effect.map(WalletUsers.create(name, funds), (user) => ({ ...user, name }))
        )
        const { url } = yield* TestServer
        const lines: Array<string> = []
        const isDone = yield* Deferred.make<void>()
        const onActivity = (line: string) =>
          lines.push(line) < LINES
            ? Effect.void
            : Effect.andThen(Deferred.succeed(isDone, undefined), Effect.never)
        yield* Activity.run(url, TestAccounts.PASSWORD, onActivity).pipe(
          withoutPauses,
          Random.withSeed("demo"),
          Effect.raceFirst(Deferred.await(isDone))
        )
        const patterns = {
          sends: /^\w+ sends \d+\.00 USD to (amara|kofi): \w/,
          converts: /^\w+ converts \d+\.00 (USD|NGN) to [A-Z]{3}$/,
          buys: /^\w+ buys [A-Z]+ for \d+\.00 USD: (pending|aggregated)$/,
          sells: /^\w+ sells 0\.\d+ [A-Z]+: (pending|aggregated)$/,
          deposits: /^\w+ deposits \d+\.00 USD$/
        }
        for (const { get, name } of users) {
          const mine = lines.filter((line) => line.startsWith(`${name} `))
          const counts = Object.values(patterns).map(
            (pattern) => mine.filter((line) => pattern.test(line)).length
          )
          const [sends = 0, , buys = 0, sells = 0] = counts
          assert.notInclude(counts, 0, mine.join("\n"))
          // None was refused.
          assert.strictEqual(
            counts.reduce((sum, count) => sum + count),
            mine.length,
            mine.join("\n")
          )
          const orders = yield* get("/api/v1/orders?page_size=100")
          assert.lengthOf(rowsOf(orders.json["data"]), buys + sells)
          const sent = yield* get("/api/v1/transactions?type=transfer&page_size=100")
          assert.lengthOf(
            rowsOf(sent.json["data"]).filter(({ change }) => String(change).startsWith("-")),
            sends
          )
        }
      })
    )
  })
})
