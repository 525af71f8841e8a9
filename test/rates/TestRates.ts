import { Layer } from "effect"
import { SecureRandom } from "effect/crypto"
import { Broadcaster } from "../../src/rates/Broadcaster.ts"
import { RateCache } from "../../src/rates/RateCache.ts"
import { RateIntake } from "../../src/rates/RateIntake.ts"
import { RateRepo } from "../../src/rates/RateRepo.ts"
import { Rates } from "../../src/rates/Rates.ts"
import * as TestDatabase from "../support/TestDatabase.ts"
import { TestProvider } from "../support/TestProvider.ts"

/** The lookup over a database of the test's own, with a provider that answers as the test says. */
export const layer = Rates.layer.pipe(
  Layer.provideMerge(RateIntake.layer),
  Layer.provideMerge(Layer.mergeAll(RateCache.layerMemory, Broadcaster.layerMemory)),
  Layer.provideMerge(Layer.mergeAll(RateRepo.layer, TestProvider.layer)),
  Layer.provideMerge(SecureRandom.layerWebCrypto),
  Layer.provideMerge(TestDatabase.layer())
)
