import { BigDecimal, Context, DateTime, Effect, Layer, Option } from "effect"
import type { MovementFacts } from "../../src/domain/risk/MovementFacts.ts"
import type { RiskRules } from "../../src/domain/risk/RiskRules.ts"
import { Ledger } from "../../src/ledger/Ledger.ts"
import { Database } from "../../src/platform/postgres/Database.ts"
import { Reviews } from "../../src/risk/Reviews.ts"
import { RiskFacts } from "../../src/risk/RiskFacts.ts"
import * as RiskGate from "../../src/risk/RiskGate.ts"
import { RiskRuleSettings } from "../../src/risk/RiskRuleSettings.ts"
import { Transfers } from "../../src/wallets/Transfers.ts"
import type { NamedWallet } from "../../src/wallets/WalletRepo.ts"
import * as TestConversions from "./TestConversions.ts"
import * as TestDatabase from "./TestDatabase.ts"
import * as TestWallets from "./TestWallets.ts"

/** Facts that a test decides. */
export class TestFacts extends Context.Service<
  TestFacts,
  {
    /** Prices in the home currency; an asset without one has no price. */
    readonly prices: Map<string, string>
    facts: Partial<Pick<MovementFacts, "userSince" | "deviceSince" | "failedLogins">>
  }
>()("effex/test/TestFacts") {
  static readonly layer = Layer.sync(TestFacts, () => ({ prices: new Map([["USD", "1"]]), facts: {} }))
}

const scriptedFacts = Layer.effect(
  RiskFacts,
  Effect.map(TestFacts, (test) =>
    RiskFacts.of({
      of: ({ account, amount, asset, counterparty, kind, user }) => {
        const price = test.prices.get(asset)
        return Effect.succeed<MovementFacts>({
          kind,
          wallet: user.id,
          account,
          asset,
          amount,
          counterparty,
          value:
            price === undefined ? undefined : BigDecimal.multiply(amount, BigDecimal.fromStringUnsafe(price)),
          userSince: DateTime.makeUnsafe(0),
          deviceSince: undefined,
          failedLogins: undefined,
          ...test.facts
        })
      }
    })
  )
)

const gated = Layer.mergeAll(scriptedFacts, Ledger.layerGated.pipe(Layer.provide(RiskGate.layer))).pipe(
  Layer.provideMerge(RiskRuleSettings.layer)
)

/** One node whose ledger applies the rules. Requires a database and {@link TestFacts}. */
export const node = Layer.merge(TestWallets.nodeOn(gated), gated)

/** A node in a new database, with settings from `env`. */
export const layer = (env: Readonly<Record<string, string>> = {}) =>
  node.pipe(
    Layer.provideMerge(TestFacts.layer),
    Layer.provideMerge(TestDatabase.layer({ JWT_SIGNING_KEY: TestConversions.SIGNING_KEY, ...env }))
  )

/** Sends an amount to a user. */
export const send = Effect.fnUntraced(function* (
  from: NamedWallet,
  to: string,
  amount: string,
  options: {
    readonly asset?: string
    readonly key?: string
    readonly owner?: string
    readonly requestedBy?: string
  } = {}
) {
  const { asset = "USD", key, owner = `user:${from.userId}`, requestedBy } = options
  const money = yield* TestWallets.money(amount, asset)
  const transfers = yield* Transfers
  return yield* transfers.send({ from, to, money, note: null, owner, requestedBy, key })
})

/** Changes some of the rules in the database. */
export const changeRules = Effect.fnUntraced(function* (change: (rules: RiskRules) => Partial<RiskRules>) {
  const settings = yield* RiskRuleSettings
  const { rules } = yield* settings.active
  yield* settings.change({
    value: Option.some({ ...rules, ...change(rules) }),
    principal: "test",
    expectedVersion: Option.none()
  })
})

/** Rules of all recorded decisions of a wallet, oldest first, such as `deny velocity hour_value`. */
export const decisionsOf = Effect.fnUntraced(function* (wallet: NamedWallet) {
  const decisions = yield* (yield* Reviews).decisions(wallet.id, undefined, 100)
  return decisions
    .toReversed()
    .map(
      ({ outcome, rules }) => `${outcome} ${rules.map(({ detail, rule }) => `${rule} ${detail}`).join(", ")}`
    )
})

/** Counts of the usage of a wallet. */
export const usageOf = Effect.fnUntraced(function* (wallet: NamedWallet) {
  const { sql } = yield* Database
  return yield* sql<{
    asset: string
    hourCount: number
    hourValue: string
    dayCount: number
    dayValue: string
  }>`
    SELECT asset, hour_count, hour_value, day_count, day_value FROM risk_usage WHERE wallet_id = ${wallet.id} ORDER BY asset`
})
