import { assert, describe, it } from "@effect/vitest"
import { Console, Effect } from "effect"
import * as WalletWorkload from "../wallets/WalletWorkload.ts"

const OPERATIONS = 10_000

describe("Wallets under load", () => {
  it.live("agree with a model in integers after 10 000 operations of 32 callers on two nodes", () =>
    Effect.gen(function* () {
      const seed = Math.floor(Math.random() * 2 ** 31)
      yield* Console.log(`Wallets: seed ${seed}`)
      const { counts, samples, verification } = yield* WalletWorkload.run(OPERATIONS, seed)
      assert.isAtLeast(samples, OPERATIONS / 100)
      yield* Console.log(
        `Wallets: ${OPERATIONS} operations, ${samples} samples, 0 differences; ${JSON.stringify(counts)}; ${JSON.stringify(verification)}`
      )
    }).pipe(Effect.scoped)
  )
})
