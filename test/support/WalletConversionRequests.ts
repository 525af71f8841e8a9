import { assert } from "@effect/vitest"
import { BigDecimal, Duration, Effect, Layer, Option } from "effect"
import { AuditLog } from "../../src/audit/AuditLog.ts"
import type { ConversionInput, ConversionTerms } from "../../src/conversion/ConversionInput.ts"
import { Quotes } from "../../src/conversion/Quotes.ts"
import { walletIdentityOf } from "../../src/domain/access/Principal.ts"
import { TransferId } from "../../src/domain/ledger/LedgerPosting.ts"
import * as Currency from "../../src/domain/money/Currency.ts"
import * as Decimal from "../../src/domain/money/Decimal.ts"
import { Ledger } from "../../src/ledger/Ledger.ts"
import { WalletConversions } from "../../src/wallets/WalletConversions.ts"
import type { NamedWallet } from "../../src/wallets/WalletRepo.ts"
import { pairOf } from "./RateTicks.ts"
import * as TestConversions from "./TestConversions.ts"
import { rate, TestProvider } from "./TestProvider.ts"
import * as TestWallets from "./TestWallets.ts"

/** One node's wallets with conversions. Requires the features, the settings and the database. */
export const node = WalletConversions.layer.pipe(Layer.provideMerge(TestWallets.node))

/** {@link node} in a new database, with a provider that the test controls. */
export const layer = (env: Readonly<Record<string, string>> = {}) =>
  node.pipe(
    Layer.provideMerge(TestConversions.layer({ JWT_SIGNING_KEY: TestConversions.SIGNING_KEY, ...env }))
  )

type Terms = Partial<Omit<ConversionTerms, "amount">>

const termsOf = ({ userId }: NamedWallet, amount: string, over: Terms): ConversionTerms => {
  const { pair = pairOf("USD", "NGN") } = over
  const { id, owner } = walletIdentityOf(userId)
  return {
    pair,
    from: Currency.get(pair.from),
    to: Currency.get(pair.to),
    amount: BigDecimal.fromStringUnsafe(amount),
    amountType: "source",
    reference: null,
    quoteId: null,
    principal: id,
    owner,
    ...over
  }
}

/** The input of a conversion that is not in the wallet, but of the same user. */
export const inputOf = (wallet: NamedWallet, amount: string, over: Terms): ConversionInput => ({
  ...termsOf(wallet, amount, over),
  idempotencyKey: undefined
})

type Options = Terms & { readonly key?: string }

/** Converts from USD to NGN by default. No rule holds it. */
export const convert = Effect.fnUntraced(function* (
  wallet: NamedWallet,
  amount: string,
  options: Options = {}
) {
  const outcome = yield* request(wallet, amount, options)
  return "review" in outcome ? assert.fail("the conversion is held for review") : outcome
})

/** Requests a conversion from USD to NGN by default, which a rule may hold. */
export const request = Effect.fnUntraced(function* (
  wallet: NamedWallet,
  amount: string,
  { key, ...over }: Options = {}
) {
  return yield* (yield* WalletConversions).convert({
    wallet,
    terms: termsOf(wallet, amount, over),
    owner: walletIdentityOf(wallet.userId).id,
    key
  })
})

/** Creates a quote from USD to NGN. */
export const quote = Effect.fnUntraced(function* (wallet: NamedWallet, amount: string) {
  const { id } = yield* (yield* Quotes).create(termsOf(wallet, amount, {}), Duration.seconds(30))
  return id
})

/** Sets the rate of every pair that has none yet. */
export const setRate = (value: string) =>
  Effect.flatMap(TestProvider, (provider) => provider.respondWith(rate(value)))

/** Entries of a transfer, such as `liquidity USD 500.00`. */
export const entriesOf = Effect.fnUntraced(function* (id: string) {
  const { accountById, transfer } = yield* Ledger
  const { entries } = Option.getOrThrow(yield* transfer(TransferId.make(id)))
  return yield* Effect.forEach(entries, ({ account, amount, asset }) =>
    Effect.map(accountById(account), (found) => {
      const digits = Decimal.formatFixed(BigDecimal.abs(amount), Currency.get(asset).minorUnit)
      return `${Option.getOrThrow(found).role} ${asset} ${BigDecimal.isNegative(amount) ? "-" : ""}${digits}`
    })
  )
})

/** Assets whose balances do not sum to zero. */
export const imbalances = Effect.gen(function* () {
  const sums = new Map<string, BigDecimal.BigDecimal>()
  for (const { asset, balance } of yield* (yield* Ledger).trialBalance(undefined))
    sums.set(asset, BigDecimal.sum(sums.get(asset) ?? BigDecimal.make(0n, 0), balance))
  return Array.from(sums).filter(([, sum]) => !BigDecimal.isZero(sum))
})

/** Audit records of a user, newest first. */
export const recordsOf = Effect.fnUntraced(function* ({ userId }: NamedWallet) {
  const records = yield* (yield* AuditLog).page({}, undefined, 10_000)
  return records.filter(({ principal }) => principal === walletIdentityOf(userId).id)
})
