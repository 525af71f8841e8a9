import { BigDecimal, Clock, Context, Effect, Layer, Option } from "effect"
import { AttemptLimits } from "../accounts/login/AttemptLimits.ts"
import { Sessions } from "../accounts/sessions/Sessions.ts"
import { Users } from "../accounts/Users.ts"
import { AssetCatalog } from "../assets/AssetCatalog.ts"
import { Settings } from "../config/Settings.ts"
import type { SessionId } from "../domain/accounts/Session.ts"
import type { UserId, Username } from "../domain/accounts/User.ts"
import type { LedgerAccountId } from "../domain/ledger/LedgerAccount.ts"
import type { AssetCode } from "../domain/money/Asset.ts"
import * as PricePath from "../domain/money/PricePath.ts"
import type { AssetPair } from "../domain/money/AssetPair.ts"
import type { MovementFacts, RiskKind } from "../domain/risk/MovementFacts.ts"
import type { WalletId } from "../domain/wallets/Wallet.ts"
import type { StoreUnavailable } from "../platform/postgres/StoreUnavailable.ts"
import { Rates } from "../rates/lookup/Rates.ts"
import { RiskRuleSettings } from "./RiskRuleSettings.ts"

/** A movement that is about to be posted. */
export interface Movement {
  readonly kind: RiskKind
  readonly user: { readonly id: WalletId; readonly userId: UserId; readonly username: Username }
  /** Undefined for an API key that acts for the user. */
  readonly session: SessionId | undefined
  /** The account that money leaves. */
  readonly account: LedgerAccountId
  readonly asset: AssetCode
  readonly amount: BigDecimal.BigDecimal
  /** The other wallet of a transfer. */
  readonly counterparty?: WalletId
}

/** Entries of each cache, about 2 MB. */
const MAX_CACHED = 20_000

/** Looks up what the rules know about a movement. */
export class RiskFacts extends Context.Service<
  RiskFacts,
  {
    /**
     * Call it before the transaction that posts the movement, and pass the result on as `movement` of the posting. The value is
     * undefined if the asset has no price: each rule has an outcome for that.
     */
    readonly of: (movement: Movement) => Effect.Effect<MovementFacts | undefined, StoreUnavailable>
  }
>()("effex/risk/RiskFacts") {
  static readonly layer = Layer.effect(
    RiskFacts,
    Effect.gen(function* () {
      const { homeCurrency, lookupBudget } = yield* Settings
      const { pairs } = yield* AssetCatalog
      const { failuresOf } = yield* AttemptLimits
      const { current } = yield* RiskRuleSettings
      const rates = yield* Rates
      const sessions = yield* Sessions
      const users = yield* Users

      /** Rates of pairs, of which all have one. Stale rates count too: an old price protects better than none. */
      const ratesOf = Effect.fnUntraced(function* (pairs: ReadonlyArray<AssetPair>) {
        const now = yield* Clock.currentTimeMillis
        const inMemory = pairs.flatMap((pair) => rates.peek(pair, now)?.rate.rate ?? [])
        if (inMemory.length === pairs.length) return Option.some(inMemory)
        return yield* Effect.forEach(pairs, (pair) => rates.lookup(pair, { acceptsDelisted: true }), {
          concurrency: "unbounded"
        }).pipe(
          Effect.map((found) => found.map(({ rate }) => rate.rate)),
          Effect.timeoutOption(lookupBudget),
          Effect.orElseSucceed(() => Option.none())
        )
      })

      const valueOf = Effect.fnUntraced(function* (asset: AssetCode, amount: BigDecimal.BigDecimal) {
        const path = PricePath.of(pairs, asset, homeCurrency)
        if (Option.isNone(path)) return undefined
        const found = yield* ratesOf(path.value)
        return Option.getOrUndefined(
          Option.map(found, (all) => all.reduce((value, rate) => BigDecimal.multiply(value, rate), amount))
        )
      })

      const userSince = yield* cached((id: UserId) =>
        Effect.map(users.byId(id), (user) => Option.getOrThrow(user).createdAt)
      )
      const deviceSince = yield* cached(sessions.deviceSince)

      const of = Effect.fn("RiskFacts.of")(function* (movement: Movement) {
        const { account, amount, asset, counterparty, kind, session, user } = movement
        const value = yield* valueOf(asset, amount)
        const { failed_logins } = current()
        const isOutward = kind === "transfer" || kind === "withdrawal"
        const isLarge =
          value === undefined || BigDecimal.isGreaterThanOrEqualTo(value, failed_logins.min_value)
        const facts: MovementFacts = {
          kind,
          wallet: user.id,
          account,
          asset,
          amount,
          value,
          counterparty,
          userSince: yield* userSince(user.userId),
          deviceSince: session === undefined || !isOutward ? undefined : yield* deviceSince(session),
          failedLogins:
            isOutward && isLarge && failed_logins.enabled ? yield* failuresOf(user.username) : undefined
        }
        return facts
      })

      return RiskFacts.of({ of })
    })
  )

  /** Describes no movement, so that no rule applies. */
  static readonly layerNone = Layer.succeed(RiskFacts, { of: () => Effect.undefined })
}

/** Caches a lookup whose results never change. */
const cached = <Key, A>(lookup: (key: Key) => Effect.Effect<A, StoreUnavailable>) =>
  Effect.sync(() => {
    const cache = new Map<Key, A>()
    return Effect.fnUntraced(function* (key: Key) {
      const known = cache.get(key)
      if (known !== undefined) return known
      const found = yield* lookup(key)
      if (cache.size >= MAX_CACHED) cache.clear()
      cache.set(key, found)
      return found
    })
  })
