import { NodeServices } from "@effect/platform-node"
import { BigDecimal, Layer } from "effect"
import { SecureRandom } from "effect/crypto"
import { AuditLog } from "../../src/audit/AuditLog.ts"
import { AuditRepo } from "../../src/audit/AuditRepo.ts"
import { AuditSealer } from "../../src/audit/AuditSealer.ts"
import { AuditSigner } from "../../src/audit/AuditSigner.ts"
import { AuditVerifier } from "../../src/audit/AuditVerifier.ts"
import { Conversions, type ConversionRequest } from "../../src/conversion/Conversions.ts"
import { Pricing } from "../../src/conversion/Pricing.ts"
import { QuoteRepo } from "../../src/conversion/QuoteRepo.ts"
import { Quotes } from "../../src/conversion/Quotes.ts"
import { Receipts } from "../../src/audit/Receipts.ts"
import { SealRepo } from "../../src/audit/SealRepo.ts"
import { UnsealedRecords } from "../../src/audit/UnsealedRecords.ts"
import * as Currency from "../../src/domain/money/Currency.ts"
import { Broadcaster } from "../../src/rates/feed/Broadcaster.ts"
import { PollerSettingRepo } from "../../src/rates/polling/PollerSettingRepo.ts"
import { PollerSettings } from "../../src/rates/polling/PollerSettings.ts"
import { PollRepo } from "../../src/rates/polling/PollRepo.ts"
import { Polls } from "../../src/rates/polling/Polls.ts"
import { Quarantine } from "../../src/rates/guard/Quarantine.ts"
import { RateCache } from "../../src/rates/lookup/RateCache.ts"
import { RateGuard } from "../../src/rates/guard/RateGuard.ts"
import { RateHistory } from "../../src/rates/history/RateHistory.ts"
import { RateIngest } from "../../src/rates/RateIngest.ts"
import { RatePoller } from "../../src/rates/polling/RatePoller.ts"
import { RateRepo } from "../../src/rates/RateRepo.ts"
import { Rates } from "../../src/rates/lookup/Rates.ts"
import { SharedSingleFlight } from "../../src/rates/lookup/SharedSingleFlight.ts"
import * as TestDatabase from "./TestDatabase.ts"
import { TestProvider } from "./TestProvider.ts"
import { pairOf } from "./RateTicks.ts"

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
const believing = RateIngest.layerNoDeps.pipe(
  Layer.provide([SharedSingleFlight.layer, Layer.succeed(RateGuard, { admit: (_, store) => store })])
)

/** Everything that converts, without the database and the settings. */
export const layerNoDeps = (intake: typeof RateIngest.layer = believing) =>
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
