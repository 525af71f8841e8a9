import { BigDecimal } from "effect"
import type { MovementHistory, WalletState } from "../domain/risk/Assessment.ts"
import type { MovementFacts } from "../domain/risk/MovementFacts.ts"
import * as Usage from "../domain/risk/Usage.ts"
import type { WalletId } from "../domain/wallets/Wallet.ts"
import type { WalletUsage } from "./RiskRepo.ts"

type Usages = ReadonlyMap<WalletId, ReadonlyArray<Usage.Usage>>

interface Counted {
  readonly position: number
  readonly wallet: WalletId
  readonly hour: number
  readonly increment: Usage.UsageIncrement
}

const ZERO = BigDecimal.make(0n, 0)

/** The usage of locked wallets, with the movements of a batch. */
export class UsageBatch {
  private readonly stored: Usages
  private readonly changed = new Map<WalletId, ReadonlyArray<Usage.Usage>>()
  private readonly taken = new Map<string, BigDecimal.BigDecimal>()
  /** Amounts by account and counterparty. */
  private readonly sent = new Map<string, BigDecimal.BigDecimal>()
  private readonly counted: Array<Counted> = []

  constructor(stored: Usages) {
    this.stored = stored
  }

  /** Returns true if the batch has a movement of the wallet. */
  has(wallet: WalletId): boolean {
    return this.changed.has(wallet)
  }

  /** Returns the usage of the wallet of a movement if all earlier ones of the batch are posted. */
  usagesOf({ wallet }: MovementFacts): ReadonlyArray<Usage.Usage> {
    return this.changed.get(wallet) ?? this.stored.get(wallet) ?? []
  }

  /** Returns the state that a movement meets if all earlier ones of the batch are posted. */
  stateOf(movement: MovementFacts, history: MovementHistory): WalletState {
    const taken = this.taken.get(movement.account)
    const sent = this.sent.get(recipientKeyOf(movement))
    return {
      received: history.received,
      returned: sent === undefined ? history.returned : BigDecimal.sum(history.returned, sent),
      deposited: history.deposited,
      available: taken === undefined ? history.available : BigDecimal.subtract(history.available, taken),
      usages: this.usagesOf(movement)
    }
  }

  /** Counts the movement of the posting at a position. */
  add(
    position: number,
    movement: MovementFacts,
    { usages }: WalletState,
    increment: Usage.UsageIncrement,
    hour: number
  ): void {
    const { account, amount, wallet } = movement
    const recipient = recipientKeyOf(movement)
    this.sent.set(recipient, BigDecimal.sum(amount, this.sent.get(recipient) ?? ZERO))
    this.changed.set(wallet, Usage.add(usages, increment, hour))
    this.taken.set(account, BigDecimal.sum(amount, this.taken.get(account) ?? ZERO))
    this.counted.push({ position, wallet, hour, increment })
  }

  get isEmpty(): boolean {
    return this.counted.length === 0
  }

  /** Returns the usages that change if all movements are posted. */
  get result(): ReadonlyArray<WalletUsage> {
    return touched(this.counted, this.changed)
  }

  /** Returns the usages if only some movements were posted, or undefined if all were. */
  resultOf(isPosted: (position: number) => boolean): ReadonlyArray<WalletUsage> | undefined {
    if (this.counted.every(({ position }) => isPosted(position))) return undefined
    const exact = new Map<WalletId, ReadonlyArray<Usage.Usage>>()
    for (const { hour, increment, position, wallet } of this.counted) {
      const usages = exact.get(wallet) ?? this.stored.get(wallet) ?? []
      exact.set(
        wallet,
        isPosted(position) ? Usage.add(usages, increment, hour) : withAsset(usages, increment, hour)
      )
    }
    return touched(this.counted, exact)
  }
}

const recipientKeyOf = ({ account, counterparty }: MovementFacts) => `${account} ${counterparty ?? ""}`

/** Leaves the usage of the asset as it is, in a row that has been stored by now. */
const withAsset = (
  usages: ReadonlyArray<Usage.Usage>,
  { asset }: Usage.UsageIncrement,
  hour: number
): ReadonlyArray<Usage.Usage> => [
  ...usages.filter((usage) => usage.asset !== asset),
  Usage.ofAsset(usages, asset, hour)
]

const touched = (counted: ReadonlyArray<Counted>, usages: Usages): ReadonlyArray<WalletUsage> => {
  const rows = new Map<string, WalletUsage>()
  for (const { increment, wallet } of counted)
    for (const usage of usages.get(wallet) ?? [])
      if (usage.asset === increment.asset) rows.set(`${wallet} ${usage.asset}`, { ...usage, wallet })
  return Array.from(rows.values())
}
