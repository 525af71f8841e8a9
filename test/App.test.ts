import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { SecureRandom } from "effect/crypto"
import * as App from "../src/App.ts"
import { AuditSigner } from "../src/audit/AuditSigner.ts"
import { makeSigner } from "../src/audit/TreeHead.ts"
import { Conversions } from "../src/conversion/Conversions.ts"
import { RateProvider } from "../src/providers/RateProvider.ts"
import { conversionRequest } from "./support/TestConversions.ts"
import * as TestDatabase from "./support/TestDatabase.ts"
import { rate } from "./support/TestProvider.ts"

const signer = makeSigner(Buffer.alloc(32, 7))

// The app with two services replaced: RateProvider takes the place of a piece, AuditSigner overrides one of the foundation.
const app = App.features.pipe(
  Layer.provideMerge(Layer.succeed(AuditSigner, signer)),
  Layer.provideMerge(App.foundation),
  Layer.provideMerge(RateProvider.layerTest(rate("1534.5"))),
  Layer.provideMerge(App.pollerSettings),
  Layer.provideMerge(SecureRandom.layerWebCrypto),
  Layer.provideMerge(TestDatabase.layer())
)

layer(app, { excludeTestServices: true })("App with RateProvider and AuditSigner replaced", (it) => {
  it.effect("converts at the rate of the replaced provider", () =>
    Effect.gen(function* () {
      const conversions = yield* Conversions
      const { body } = yield* conversions.convert(conversionRequest("500"))
      assert.strictEqual(JSON.parse(body).target_amount, "767250.00")
    })
  )
})
