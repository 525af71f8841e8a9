import { Context, Effect } from "effect"

/** The places between the steps of a settlement, in order. Work that was done before one of them is committed. */
export const STEPS = [
  "before-reserve",
  "reserved",
  "before-send",
  "sent",
  "before-submit",
  "submitted",
  "before-fill",
  "filled",
  "before-allocate",
  "posted-uncommitted",
  "settled-uncommitted",
  "allocated"
] as const
export type Step = (typeof STEPS)[number]

/** Called at each step, so that a test can stop a settlement there. Does nothing by default. */
export class SettlementSteps extends Context.Reference<(step: Step) => Effect.Effect<void>>(
  "effex/orders/settlement/SettlementSteps",
  { defaultValue: () => () => Effect.void }
) {}
