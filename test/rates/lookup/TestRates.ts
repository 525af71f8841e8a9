import { Layer } from "effect"
import { SecureRandom } from "effect/crypto"
import { Broadcaster } from "../../../src/rates/feed/Broadcaster.ts"
import { RateCache } from "../../../src/rates/lookup/RateCache.ts"
import { RateIngest } from "../../../src/rates/RateIngest.ts"
import { RateRepo } from "../../../src/rates/RateRepo.ts"
import { Rates } from "../../../src/rates/lookup/Rates.ts"
import * as TestDatabase from "../../support/TestDatabase.ts"
import { TestProvider } from "../../support/TestProvider.ts"

/** The lookup over a database of the test's own, with a provider that answers as the test says. */
export const layer = Rates.layer.pipe(
  Layer.provideMerge(RateIngest.layer),
  Layer.provideMerge(Layer.mergeAll(RateCache.layerMemory, Broadcaster.layerMemory)),
  Layer.provideMerge(Layer.mergeAll(RateRepo.layer, TestProvider.layer)),
  Layer.provideMerge(SecureRandom.layerWebCrypto),
  Layer.provideMerge(TestDatabase.layer())
)
