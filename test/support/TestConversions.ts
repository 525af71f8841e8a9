import { NodeServices } from "@effect/platform-node"
import { BigDecimal, Layer } from "effect"
import { SecureRandom } from "effect/crypto"
import { AuditLog } from "../../src/conversion/AuditLog.ts"
import { AuditRepo } from "../../src/conversion/AuditRepo.ts"
import { AuditSealer } from "../../src/conversion/AuditSealer.ts"
import { AuditSigner } from "../../src/conversion/AuditSigner.ts"
import { AuditVerifier } from "../../src/conversion/AuditVerifier.ts"
import { Conversions, type ConversionRequest } from "../../src/conversion/Conversions.ts"
import { Pricing } from "../../src/conversion/Pricing.ts"
import { QuoteRepo } from "../../src/conversion/QuoteRepo.ts"
import { Quotes } from "../../src/conversion/Quotes.ts"
import { Receipts } from "../../src/conversion/Receipts.ts"
import { SealRepo } from "../../src/conversion/SealRepo.ts"
import { UnsealedRecords } from "../../src/conversion/UnsealedRecords.ts"
import * as Currency from "../../src/domain/Currency.ts"
import { Broadcaster } from "../../src/rates/Broadcaster.ts"
import { PollerSettingRepo } from "../../src/rates/PollerSettingRepo.ts"
import { PollerSettings } from "../../src/rates/PollerSettings.ts"
import { PollRepo } from "../../src/rates/PollRepo.ts"
import { Polls } from "../../src/rates/Polls.ts"
import { Quarantine } from "../../src/rates/Quarantine.ts"
import { RateCache } from "../../src/rates/RateCache.ts"
import { RateGuard } from "../../src/rates/RateGuard.ts"
import { RateHistory } from "../../src/rates/RateHistory.ts"
import { RateIntake } from "../../src/rates/RateIntake.ts"
import { RatePoller } from "../../src/rates/RatePoller.ts"
import { RateRepo } from "../../src/rates/RateRepo.ts"
import { Rates } from "../../src/rates/Rates.ts"
import { SharedFlight } from "../../src/rates/SharedFlight.ts"
import * as TestDatabase from "./TestDatabase.ts"
import { TestProvider } from "./TestProvider.ts"
import { pairOf } from "./Ticks.ts"

/** 32 bytes that sign the audits of tests. */
export const SIGNING_KEY = Buffer.alloc(32, 7).toString("base64")

const audit = Layer.mergeAll(AuditLog.layer, Receipts.layer, AuditVerifier.layer).pipe(
  Layer.provideMerge(AuditSealer.layer),
  Layer.provideMerge(
    Layer.mergeAll(
      AuditRepo.layer,
      SealRepo.layer,
      UnsealedRecords.layer,
      AuditSigner.layer.pipe(Layer.provide(NodeServices.layer))
    )
  )
)

/** Believes every rate, for tests whose rates are about something else. */
const believing = RateIntake.layerNoDeps.pipe(
  Layer.provide([SharedFlight.layer, Layer.succeed(RateGuard, { admit: (_, store) => store })])
)

/** Everything that converts, without the database and the settings. */
export const layerNoDeps = (intake: typeof RateIntake.layer = believing) =>
  Conversions.layer.pipe(
    Layer.provideMerge(Quotes.layer),
    Layer.provideMerge(Layer.mergeAll(Pricing.layer, QuoteRepo.layer, audit)),
    Layer.provideMerge(
      Layer.mergeAll(Rates.layer, RatePoller.layer, Polls.layer, Quarantine.layer, RateHistory.layer)
    ),
    Layer.provideMerge(intake),
    Layer.provideMerge(Layer.mergeAll(RateCache.layerMemory, Broadcaster.layerMemory)),
    Layer.provideMerge(Layer.mergeAll(RateRepo.layer, PollRepo.layer, TestProvider.layer)),
    Layer.provideMerge(PollerSettings.layer.pipe(Layer.provide(PollerSettingRepo.layer))),
    Layer.provideMerge(SecureRandom.layerWebCrypto)
  )

/** Everything that converts, over a database of the test's own and a provider that the test controls. */
export const layer = (env: Readonly<Record<string, string>> = {}) =>
  layerNoDeps().pipe(Layer.provideMerge(TestDatabase.layer({ AUDIT_SIGNING_KEY: SIGNING_KEY, ...env })))

/** Asks for a conversion of an amount, of dollars into naira where no other pair is given. */
export const asked = (amount: string, over: Partial<ConversionRequest> = {}): ConversionRequest => {
  const pair = over.pair ?? pairOf("USD", "NGN")
  return {
    pair,
    from: Currency.get(pair.from),
    to: Currency.get(pair.to),
    amount: BigDecimal.fromStringUnsafe(amount),
    amountType: "source",
    reference: null,
    principal: "tester",
    quoteId: null,
    idempotencyKey: undefined,
    ...over
  }
}
