import type { FundingState } from "../../../src/client/promise/wallets/WalletValues.ts"

/** Tone of a state's chip. */
export const toneOf = (state: FundingState): "bad" | "quiet" | "warn" =>
  state === "pending" ? "warn" : state === "failed" ? "bad" : "quiet"
