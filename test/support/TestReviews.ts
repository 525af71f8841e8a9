import { assert } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { TransferId } from "../../src/domain/ledger/LedgerPosting.ts"
import * as HeldOrders from "../../src/orders/HeldOrders.ts"
import { ReviewDecisions } from "../../src/risk/ReviewDecisions.ts"
import * as HeldConversions from "../../src/wallets/HeldConversions.ts"
import type { NamedWallet } from "../../src/wallets/WalletRepo.ts"
import { WalletConversions } from "../../src/wallets/WalletConversions.ts"
import { ScriptedExchange } from "./ScriptedExchange.ts"
import * as TestConversions from "./TestConversions.ts"
import * as TestOrders from "./TestOrders.ts"
import * as TestRisk from "./TestRisk.ts"
import * as TestSettlement from "./TestSettlement.ts"
import * as TestWallets from "./TestWallets.ts"
import * as Requests from "./WalletConversionRequests.ts"

/** One node with every movement that can be held for review. Requires the features, prices, facts and an exchange. */
export const node = ReviewDecisions.layer.pipe(
  Layer.provideMerge(Layer.mergeAll(HeldOrders.layer, HeldConversions.layer)),
  Layer.provideMerge(Layer.mergeAll(TestOrders.node, WalletConversions.layer)),
  Layer.provideMerge(TestRisk.node)
)

/** {@link node} in a new database. */
export const layer = (env: Readonly<Record<string, string>> = {}) =>
  node.pipe(
    Layer.provideMerge(
      Layer.mergeAll(ScriptedExchange.layer, TestSettlement.TestPrices.layer, TestRisk.TestFacts.layer)
    ),
    Layer.provideMerge(
      TestConversions.layer({ JWT_SIGNING_KEY: TestConversions.SIGNING_KEY, ORDER_SPREAD: "0", ...env })
    )
  )

/** Decides on a review as an administrator. */
export const decide = Effect.fnUntraced(function* (
  how: "approve" | "reject",
  id: string,
  principal = "user:administrator"
) {
  return yield* (yield* ReviewDecisions)[how]({ id: TransferId.make(id), principal, reason: `${how} it` })
})

/** Runs an effect while US dollars have no price, so that every movement of them is held for review. */
export const unpriced = Effect.fnUntraced(function* <A, E, R>(movement: Effect.Effect<A, E, R>) {
  const { prices } = yield* TestRisk.TestFacts
  prices.delete("USD")
  return yield* Effect.ensuring(
    movement,
    Effect.sync(() => prices.set("USD", "1"))
  )
})

type ConversionOptions = Parameters<typeof Requests.convert>[2]

/** Converts 40 US dollars while a rule holds it. */
export const convertHeld = Effect.fnUntraced(function* (
  wallet: NamedWallet,
  options: ConversionOptions = {},
  amount = "40"
) {
  const outcome = yield* unpriced(Requests.request(wallet, amount, options))
  if (!("review" in outcome)) return assert.fail("the conversion is not held")
  return outcome
})

/** A user with 100 US dollars, of which 40 are held for a conversion. */
export const heldConversion = Effect.fnUntraced(function* (name: string, options: ConversionOptions = {}) {
  const wallet = yield* TestWallets.user(name, { USD: "100" })
  const { review } = yield* convertHeld(wallet, options)
  return { wallet, review, id: review.id }
})
