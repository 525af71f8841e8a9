import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Effect, Layer, Option, Redacted, Schema } from "effect"
import { SecureRandom } from "effect/crypto"
import { AssetCatalog } from "../../src/assets/AssetCatalog.ts"
import { Settings } from "../../src/config/Settings.ts"
import * as Alpaca from "../../src/exchanges/alpaca/Alpaca.ts"
import { ExchangeClient } from "../../src/exchanges/ExchangeClient.ts"
import { Ledger } from "../../src/ledger/Ledger.ts"
import { SettlementSteps, type Step, STEPS } from "../../src/orders/settlement/SettlementSteps.ts"
import { Database } from "../../src/platform/postgres/Database.ts"
import { Wallets } from "../../src/wallets/Wallets.ts"
import * as TestSettlement from "./TestSettlement.ts"

/** Prices of the orders of a fault test. */
export const PRICES: Readonly<Record<string, string>> = { BTC: "50000", ETH: "2500" }

/** The sandbox exchange at an address, through the adapter for Alpaca. */
export const exchangeAt = (baseUrl: string) =>
  Layer.effect(
    ExchangeClient,
    Alpaca.make({
      name: "sandbox",
      baseUrl,
      keyId: Redacted.make("sandbox"),
      secretKey: Redacted.make("sandbox")
    })
  ).pipe(Layer.provide(NodeHttpClient.layerUndici))

/** Which occurrence of the step kills the process, so that other batches are elsewhere. */
const KILLING_OCCURRENCE = 5

/** Kills this process with SIGKILL at a step. */
const killAt = (killing: Step | undefined) => {
  let occurrences = 0
  return Layer.succeed(SettlementSteps, (step: Step) =>
    Effect.suspend(() => {
      if (step !== killing || ++occurrences < KILLING_OCCURRENCE) return Effect.void
      process.kill(process.pid, "SIGKILL")
      return Effect.never
    })
  )
}

/** Settles until nothing is left. */
const run = Effect.gen(function* () {
  const { set } = yield* TestSettlement.TestPrices
  for (const [code, price] of Object.entries(PRICES)) yield* set(code, price)
  while ((yield* TestSettlement.unsettled) > 0) {
    yield* TestSettlement.settle
    yield* Effect.sleep("100 millis")
  }
})

if (import.meta.main) {
  const [, , baseUrl = "", step] = process.argv
  const killing = Option.getOrUndefined(Schema.decodeUnknownOption(Schema.Literals(STEPS))(step))
  const services = TestSettlement.settlement.pipe(
    Layer.provide(killAt(killing)),
    Layer.provideMerge(Wallets.layer),
    Layer.provideMerge(Layer.mergeAll(Ledger.layer, TestSettlement.TestPrices.layer, exchangeAt(baseUrl))),
    Layer.provideMerge(AssetCatalog.layer),
    Layer.provideMerge(Database.layer),
    Layer.provideMerge(Layer.mergeAll(Settings.layer, SecureRandom.layerWebCrypto))
  )
  NodeRuntime.runMain(run.pipe(Effect.provide(services)))
}
