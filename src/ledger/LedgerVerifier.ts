import { Context, Effect, Layer, Metric, Option } from "effect"
import * as LedgerMetrics from "../platform/metrics/LedgerMetrics.ts"
import type { StoreUnavailable } from "../platform/postgres/StoreUnavailable.ts"
import type { LedgerVerification } from "./LedgerVerification.ts"
import { type EntryPosition, VerifierRepo } from "./VerifierRepo.ts"

/** Rows per statement. A statement takes some tens of milliseconds. */
const PAGE_SIZE = 2000
/** Precedes all UUIDs of transfers. */
const LOWEST_ID = "00000000-0000-0000-0000-000000000000"

/** Recomputes the whole ledger: entries, balances, holds, transfers and totals. */
export class LedgerVerifier extends Context.Service<
  LedgerVerifier,
  {
    /**
     * Verifies the ledger page by page, also while transfers are posted. Stops at the first account, transfer or asset
     * that does not fit, and returns it with the reason.
     */
    readonly verify: Effect.Effect<LedgerVerification, StoreUnavailable>
  }
>()("effex/ledger/LedgerVerifier") {
  static readonly layerNoDeps = Layer.effect(
    LedgerVerifier,
    Effect.gen(function* () {
      const { checkAccounts, checkEntries, checkTotals, checkTransfers } = yield* VerifierRepo

      const recompute = Effect.gen(function* () {
        let entries = 0
        let entry: EntryPosition = { account: 0n, version: 0n, balance: "0" }
        for (;;) {
          const { count, fault, last } = yield* checkEntries(entry, PAGE_SIZE)
          if (Option.isSome(fault)) return { ok: false, ...fault.value } as const
          entries += count
          if (Option.isNone(last)) break
          entry = last.value
        }
        let accounts = 0
        let account = 0n
        for (;;) {
          const { count, fault, last } = yield* checkAccounts(account, PAGE_SIZE)
          if (Option.isSome(fault)) return { ok: false, ...fault.value } as const
          accounts += count
          if (Option.isNone(last)) break
          account = last.value
        }
        let transfers = 0
        let transfer = LOWEST_ID
        for (;;) {
          const { count, fault, last } = yield* checkTransfers(transfer, PAGE_SIZE)
          if (Option.isSome(fault)) return { ok: false, ...fault.value } as const
          transfers += count
          if (Option.isNone(last)) break
          transfer = last.value
        }
        const total = yield* checkTotals
        if (Option.isSome(total)) return { ok: false, ...total.value } as const
        return { ok: true, accounts, entries, transfers } as const
      })

      const verify: Effect.Effect<LedgerVerification, StoreUnavailable> = recompute.pipe(
        Effect.tap(({ ok }) =>
          Effect.all([
            Metric.update(LedgerMetrics.verifications.of({ outcome: ok ? "whole" : "broken" }), 1),
            Metric.update(LedgerMetrics.isBroken, ok ? 0 : 1)
          ])
        ),
        Effect.withSpan("LedgerVerifier.verify")
      )
      return LedgerVerifier.of({ verify })
    })
  )

  static readonly layer = LedgerVerifier.layerNoDeps.pipe(Layer.provide(VerifierRepo.layer))
}
