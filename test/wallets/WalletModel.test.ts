import { describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as WalletWorkload from "./WalletWorkload.ts"

describe("Wallets", () => {
  it.live("agree with a model in integers, for concurrent callers on two nodes", () =>
    Effect.scoped(WalletWorkload.run(600, 20_261_130))
  )
})
