import { assert, layer } from "@effect/vitest"
import { BigDecimal, Context, DateTime, Duration, Effect, Layer, Schema } from "effect"
import { TestClock } from "effect/testing"
import { randomUUID } from "node:crypto"
import type { LedgerPosting } from "../../src/domain/ledger/LedgerPosting.ts"
import { AssetCode } from "../../src/domain/money/Asset.ts"
import { WalletId } from "../../src/domain/wallets/Wallet.ts"
import { Ledger } from "../../src/ledger/Ledger.ts"
import { PostingGate } from "../../src/ledger/PostingGate.ts"
import { Database } from "../../src/platform/postgres/Database.ts"
import * as RiskGate from "../../src/risk/RiskGate.ts"
import { RiskRuleSettings } from "../../src/risk/RiskRuleSettings.ts"
import * as Postings from "../support/Postings.ts"
import * as TestDatabase from "../support/TestDatabase.ts"

const LIMITS = {
  RISK_HOUR_COUNT: "6",
  RISK_DAY_COUNT: "9",
  RISK_HOUR_VALUE: "1000",
  RISK_DAY_VALUE: "1500",
  RISK_ASSET_HOUR_COUNT: "5",
  RISK_ASSET_HOUR_VALUE: "800",
  RISK_REVIEW_VALUE: "300",
  RISK_SMALL_ORDERS: "2",
  RISK_SMALL_ORDER_VALUE: "50"
}

const ASSETS = ["USD", "EUR"] as const
const WALLETS = 2

/** Number of the calls that assessed each movement. */
let assessments = 0

const nodeOf = (change: (gate: PostingGate["Service"]) => PostingGate["Service"]) =>
  Ledger.layerGated.pipe(
    Layer.provide(
      Layer.effect(PostingGate, Effect.map(PostingGate, change)).pipe(Layer.provide(RiskGate.layer))
    ),
    Layer.provideMerge(RiskRuleSettings.layer),
    Layer.provideMerge(TestDatabase.layer(LIMITS))
  )

/** Posts what is within the limits in one statement. */
const tested = nodeOf((gate) => ({
  ...gate,
  admit: (postings) => {
    assessments++
    return gate.admit(postings)
  }
}))

/** Assesses each movement. */
class Reference extends Context.Service<Reference, Context.Context<Ledger | Database>>()(
  "effex/test/risk/Reference"
) {
  static readonly layer = Layer.effect(
    Reference,
    Layer.build(Layer.fresh(nodeOf((gate) => ({ ...gate, admitWithin: () => Effect.undefined }))))
  )
}

const Index = (size: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: size - 1 }))

const Movement = Schema.Struct({
  wallet: Index(WALLETS),
  asset: Schema.Literals(ASSETS),
  kind: Schema.Literals(["transfer", "withdrawal", "conversion", "order"]),
  amount: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 400 })),
  isPriced: Schema.Literals([true, true, true, true, true, true, true, false]),
  isNew: Schema.Literals([false, false, false, true]),
  key: Schema.NullOr(Index(3))
})

/** Movements of one call, and the hours that passed before it. */
const Call = Schema.Struct({
  hours: Schema.Literals([0, 0, 0, 1, 5, 24]),
  movements: Schema.NonEmptyArray(Movement)
})

const MOVEMENT: typeof Movement.Type = {
  wallet: 0,
  asset: "USD",
  kind: "conversion",
  amount: 1,
  isPriced: true,
  isNew: false,
  key: null
}

/** The usage as it counts at a time. A movement that failed may have left a row without a count. */
const usageAt = (now: DateTime.Utc) => {
  const [hour, day] = [DateTime.startOf(now, "hour"), DateTime.startOf(now, "day")].map(DateTime.formatIso)
  const since = (start: string | undefined, column: string) =>
    `CASE WHEN hour >= '${start}' THEN ${column} ELSE 0 END AS ${column}`
  return `SELECT wallet_id, asset, ${since(hour, "hour_count")}, ${since(hour, "hour_value")}, ${since(hour, "hour_small_orders")},
      ${since(day, "day_count")}, ${since(day, "day_value")}, ${since(day, "day_amount")}
    FROM risk_usage WHERE hour >= '${day}' AND day_count > 0 ORDER BY 1, 2`
}

const DECISIONS = `
  SELECT wallet_id, kind, asset, amount, value, outcome, rules FROM risk_decision
  ORDER BY wallet_id, kind, asset, amount, rules::text, outcome`

/** Plays calls in one database, and returns the outcomes, the usage and the decisions. */
const play = Effect.fnUntraced(function* (
  calls: ReadonlyArray<typeof Call.Type>,
  wallets: ReadonlyArray<WalletId>,
  run: string
) {
  const { post } = yield* Ledger
  const { sql } = yield* Database
  const now = yield* DateTime.now
  const funded = {
    USD: yield* Postings.openFunded("USD", ["1200", "1200"]),
    EUR: yield* Postings.openFunded("EUR", ["1200", "1200"])
  }
  const seen: Array<unknown> = []
  const postingOf = (movement: typeof Movement.Type): LedgerPosting => {
    const { amount, asset, isNew, isPriced, key, kind } = movement
    const { accounts, house } = funded[asset]
    const account = accounts[movement.wallet] ?? assert.fail("no such account")
    const wallet = wallets[movement.wallet] ?? assert.fail("no such wallet")
    const options = key === null ? {} : { key: `${run} ${key}`, hash: JSON.stringify(movement) }
    const units = BigDecimal.make(BigInt(amount), 0)
    return {
      ...Postings.move(account, house, String(amount), options),
      movement: {
        kind,
        wallet,
        account,
        asset: AssetCode.make(asset),
        amount: units,
        value: isPriced ? units : undefined,
        counterparty: kind === "transfer" ? WalletId.make(randomUUID()) : undefined,
        userSince: DateTime.subtractDuration(now, isNew ? Duration.minutes(1) : Duration.days(400)),
        deviceSince: undefined,
        failedLogins: undefined
      }
    }
  }
  for (const { hours, movements } of calls) {
    if (hours > 0) yield* sql`UPDATE risk_usage SET hour = hour - make_interval(hours => ${hours})`
    const outcomes = yield* post(movements.map(postingOf))
    seen.push(outcomes.map(({ _tag, replayed }) => (replayed ? `${_tag} again` : _tag)))
  }
  for (const rows of [usageAt(now), DECISIONS]) {
    const shown = yield* sql.unsafe<{ readonly walletId: WalletId }>(rows)
    seen.push(shown.filter(({ walletId }) => wallets.includes(walletId)))
  }
  return seen
})

/** An hour with others before it on the same day. */
const noon = Layer.effectDiscard(TestClock.adjust("12 hours"))

layer(Layer.merge(tested, Reference.layer).pipe(Layer.provide(noon)))("Movements within limits", (it) => {
  it.effect.prop(
    "have the outcomes, the usage and the decisions that assessing each of them has",
    [Schema.Array(Call)],
    ([calls]) =>
      Effect.gen(function* () {
        const wallets = Array.from({ length: WALLETS }, () => WalletId.make(randomUUID()))
        const run = randomUUID()
        const reference = yield* Reference
        const actual = yield* play(calls, wallets, run)
        assert.deepStrictEqual(actual, yield* Effect.provideContext(play(calls, wallets, run), reference))
      }),
    { timeout: 120_000, arbitrary: { runs: 60, size: 8 } }
  )

  it.effect("are posted without an assessment, up to the limit", () =>
    Effect.gen(function* () {
      const wallet = WalletId.make(randomUUID())
      const move = (amount: number) =>
        play([{ hours: 0, movements: [{ ...MOVEMENT, amount }] }], [wallet], randomUUID())
      const before = assessments
      assert.deepStrictEqual((yield* move(299))[0], ["Posted"])
      assert.deepStrictEqual((yield* move(299))[0], ["Posted"])
      assert.strictEqual(assessments, before)
      assert.deepStrictEqual((yield* move(299))[0], ["GateRefused"])
      assert.strictEqual(assessments, before + 1)
    })
  )
})
