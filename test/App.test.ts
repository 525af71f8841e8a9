import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as App from "../src/App.ts"
import { AuditSealer } from "../src/audit/AuditSealer.ts"
import { AuditSigner } from "../src/audit/AuditSigner.ts"
import { AuditVerifier } from "../src/audit/AuditVerifier.ts"
import { makeSigner } from "../src/audit/TreeHead.ts"
import { Conversions } from "../src/conversion/Conversions.ts"
import { RateProvider } from "../src/providers/RateProvider.ts"
import { conversionRequest } from "./support/ConversionRequests.ts"
import * as TestDatabase from "./support/TestDatabase.ts"
import { rate } from "./support/TestProvider.ts"

const signer = makeSigner(Buffer.alloc(32, 7))

// The app with two services replaced. RateProvider.layerTest takes the place of `App.providers`. AuditSigner is nearer to
// the features than the one in `App.foundation`, so it takes precedence.
const app = App.features.pipe(
  Layer.provideMerge(Layer.succeed(AuditSigner, signer)),
  Layer.provideMerge(App.foundation),
  Layer.provideMerge(RateProvider.layerTest("test", rate("1534.5"))),
  Layer.provideMerge(App.pollerSettings),
  Layer.provideMerge(TestDatabase.layer({ CONVERSION_MARGIN: "0" }))
)

layer(app, { excludeTestServices: true })("App with RateProvider and AuditSigner replaced", (it) => {
  it.effect("converts at the rate of the test provider and seals with the test key", () =>
    Effect.gen(function* () {
      const { convert } = yield* Conversions
      const { conversion } = yield* convert(conversionRequest("500"))
      assert.strictEqual(conversion.output_amount, "767250.00")
      yield* (yield* AuditSealer).sealAll
      const { ok, ...verification } = yield* (yield* AuditVerifier).verify
      assert.deepInclude(verification, { records: 1, publicKeys: [signer.publicKey] })
      assert.isTrue(ok)
    })
  )
})
