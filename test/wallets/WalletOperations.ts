import { assert } from "@effect/vitest"
import { BigDecimal, Effect, Predicate } from "effect"
import { walletIdentityOf } from "../../src/domain/access/Principal.ts"
import type { HoldId, LedgerPosting } from "../../src/domain/ledger/LedgerPosting.ts"
import { AssetCode } from "../../src/domain/money/Asset.ts"
import * as Currency from "../../src/domain/money/Currency.ts"
import * as Decimal from "../../src/domain/money/Decimal.ts"
import { Ledger } from "../../src/ledger/Ledger.ts"
import { Transfers } from "../../src/wallets/Transfers.ts"
import type { WalletConversions } from "../../src/wallets/WalletConversions.ts"
import type { NamedWallet } from "../../src/wallets/WalletRepo.ts"
import { houseAccount, walletAccount, Wallets } from "../../src/wallets/Wallets.ts"
import * as Postings from "../support/Postings.ts"
import { pairOf } from "../support/RateTicks.ts"
import * as Requests from "../support/WalletConversionRequests.ts"
import {
  type Account,
  type Change,
  type Code,
  CODES,
  conversionChanges,
  MINOR_UNITS,
  type WalletModel
} from "./WalletModel.ts"

export interface Outcome {
  readonly tag: string
  readonly id: string | undefined
}

/** A request with its idempotency key, and what it changes if it is posted. */
export interface Operation {
  readonly name: string
  readonly request: Effect.Effect<Outcome, unknown, Ledger | Transfers | WalletConversions | Wallets>
  readonly changes: ReadonlyArray<Change>
  /** What it takes from the available money of users; a hold takes money that does not move. */
  readonly takes: ReadonlyArray<Change>
  /** It is never posted: its result is less than the smallest unit. */
  readonly isTooSmall?: true
  readonly onPosted?: () => void
  /** The transfer waits for a review, which holds its money. */
  readonly onHeld?: (id: string) => void
}

/** Where an amount is in the ledger. */
export const nameOf = (users: ReadonlyArray<NamedWallet>, { code, owner }: Account) =>
  typeof owner === "number"
    ? walletAccount(walletOf(users, owner).id, AssetCode.make(code))
    : houseAccount(owner, AssetCode.make(code))

const walletOf = (users: ReadonlyArray<NamedWallet>, user: number) =>
  users[user] ?? assert.fail("no such user")

export const toDecimal = (amount: bigint, code: Code) => BigDecimal.make(amount, MINOR_UNITS[code])

/** Creates random operations of users. Each has a key of its own. `random` returns numbers from 0 to 1. */
export const make = (users: ReadonlyArray<NamedWallet>, model: WalletModel, random: () => number) => {
  const openHolds: Array<Change & { readonly owner: number; readonly id: HoldId }> = []
  const transfers: Array<readonly [from: number, to: number, code: Code, amount: bigint]> = []
  let keys = 0

  const below = (limit: number) => Math.floor(random() * limit)
  const pick = <A>(items: ReadonlyArray<A>): A =>
    items[below(items.length)] ?? assert.fail("there is nothing to pick")
  const takeFrom = <A>(items: Array<A>): A | undefined => items.splice(below(items.length), 1)[0]
  const upTo = (limit: number) => BigInt(1 + below(limit))

  /** Posts changes directly, as a deposit or an order does. */
  const post = Effect.fnUntraced(function* (
    posting: Pick<LedgerPosting, "ends"> & { readonly key: string; readonly kind: string },
    changes: ReadonlyArray<Change>,
    opens: ReadonlyArray<Change & { readonly id: HoldId }>
  ) {
    const { accountIds } = yield* Wallets
    const idsOf = (accounts: ReadonlyArray<Account>) =>
      accountIds(accounts.map((account) => nameOf(users, account)))
    const [entryIds, holdIds] = [yield* idsOf(changes), yield* idsOf(opens)]
    const withIds = <A extends Change>(items: ReadonlyArray<A>, ids: typeof entryIds) =>
      items.map((item, i) => ({
        item,
        account: ids[i] ?? assert.fail("an account is missing"),
        amount: toDecimal(item.amount, item.code)
      }))
    const [outcome] = yield* (yield* Ledger).post([
      {
        ...Postings.empty({ key: posting.key }),
        kind: posting.kind,
        entries: withIds(changes, entryIds),
        opens: withIds(opens, holdIds).map(({ item, ...opening }) => ({ ...opening, holdId: item.id })),
        ends: posting.ends
      }
    ])
    const result: Outcome = {
      tag: outcome?._tag ?? "none",
      id: outcome?._tag === "Posted" ? outcome.id : undefined
    }
    return result
  })

  const deposit = (key: string): Operation => {
    const [owner, code, amount] = [below(users.length), pick(CODES), upTo(15_000)]
    const changes: ReadonlyArray<Change> = [
      { owner: "funding", code, amount: -amount },
      { owner, code, amount }
    ]
    return {
      name: "deposit",
      request: post({ key, kind: "deposit", ends: [] }, changes, []),
      changes,
      takes: []
    }
  }

  const transfer = (key: string): Operation => {
    const [from, code, amount] = [below(users.length), pick(CODES), upTo(40_000)]
    const to = (from + 1 + below(users.length - 1)) % users.length
    const wallet = walletOf(users, from)
    const { name } = Currency.get(AssetCode.make(code))
    const money = {
      amount: toDecimal(amount, code),
      asset: { code: AssetCode.make(code), kind: "currency" as const, name, decimals: MINOR_UNITS[code] }
    }
    const request = Effect.gen(function* () {
      const { isHeld, id } = yield* (yield* Transfers).send({
        from: wallet,
        to: walletOf(users, to).username,
        money,
        note: null,
        owner: walletIdentityOf(wallet.userId).id,
        key
      })
      const sent: Outcome = { tag: isHeld ? "Held" : "Posted", id }
      return sent
    }).pipe(Effect.catch(refusal))
    return {
      name: "transfer",
      request,
      changes: [
        { owner: from, code, amount: -amount },
        { owner: to, code, amount }
      ],
      takes: [{ owner: from, code, amount }],
      onPosted: () => transfers.push([from, to, code, amount]),
      onHeld: (id) => model.open(id, { owner: from, code, amount })
    }
  }

  const convert = (key: string): Operation => {
    const [user, from, amount] = [below(users.length), pick(CODES), upTo(20_000)]
    const to = pick(CODES.filter((code) => code !== from))
    const amountType = random() < 0.7 ? ("source" as const) : ("target" as const)
    const text = Decimal.format(toDecimal(amount, amountType === "source" ? from : to))
    const request = Requests.convert(walletOf(users, user), text, {
      key,
      pair: pairOf(from, to),
      amountType
    }).pipe(
      Effect.map(({ conversion }): Outcome => ({ tag: "Posted", id: conversion.audit_id })),
      Effect.catch(refusal)
    )
    const changes = conversionChanges(user, from, to, amount, amountType)
    return changes === undefined
      ? { name: "conversion of too little", request, changes: [], takes: [], isTooSmall: true }
      : { name: "conversion", request, changes, takes: takenBy(changes) }
  }

  const hold = (key: string): Operation => {
    const opening = {
      owner: below(users.length),
      code: pick(CODES),
      amount: upTo(20_000),
      id: Postings.holdId()
    }
    return {
      name: "hold",
      request: post({ key, kind: "order", ends: [] }, [], [opening]),
      changes: [],
      takes: [opening],
      onPosted: () => {
        model.open(opening.id, opening)
        openHolds.push(opening)
      }
    }
  }

  /** Voids a hold, or takes a part of it. */
  const endHold = (key: string): Operation => {
    const found = takeFrom(openHolds)
    if (found === undefined) return hold(key)
    const { amount, code, id: holdId, owner } = found
    const posted = random() < 0.5 ? 0n : upTo(Number(amount))
    const outcome = posted === 0n ? ("voided" as const) : ("posted" as const)
    const changes: ReadonlyArray<Change> =
      posted === 0n
        ? []
        : [
            { owner, code, amount: -posted },
            { owner: "funding", code, amount: posted }
          ]
    const ends = [{ holdId, outcome, posted: toDecimal(posted, code) }]
    return {
      name: `hold ${outcome}`,
      request: post({ key, kind: "order.settlement", ends }, changes, []),
      changes,
      takes: [],
      onPosted: () => model.end(holdId)
    }
  }

  /** Returns a transfer to its sender. */
  const reverse = (key: string): Operation => {
    const found = takeFrom(transfers)
    if (found === undefined) return transfer(key)
    const [from, to, code, amount] = found
    const changes: ReadonlyArray<Change> = [
      { owner: to, code, amount: -amount },
      { owner: from, code, amount }
    ]
    const request = post({ key, kind: "adjustment", ends: [] }, changes, [])
    return { name: "reversal", request, changes, takes: takenBy(changes) }
  }

  /** Creates the next operation. `prefix` makes its key unique among runs on one database. */
  return (prefix = "operation"): Operation => {
    const key = `${prefix} ${keys++}`
    const chance = random()
    if (chance < 0.15) return deposit(key)
    if (chance < 0.45) return transfer(key)
    if (chance < 0.75) return convert(key)
    if (chance < 0.85) return hold(key)
    return chance < 0.95 ? endHold(key) : reverse(key)
  }
}

/** What changes take from users. */
const takenBy = (changes: ReadonlyArray<Change>) =>
  changes.flatMap(({ amount, code, owner }) =>
    typeof owner === "number" && amount < 0n ? [{ owner, code, amount: -amount }] : []
  )

/** A refusal that a request of a user can have. Anything else ends the run. */
const refusal = (error: unknown): Effect.Effect<Outcome, unknown> =>
  Predicate.isTagged(error, "InsufficientFunds") || Predicate.isTagged(error, "AmountOutOfRange")
    ? Effect.succeed({ tag: error._tag, id: undefined })
    : Effect.fail(error)
