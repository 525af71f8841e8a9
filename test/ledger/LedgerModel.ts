import { Schema } from "effect"

/** Number of accounts of the model. */
export const ACCOUNTS = 4
/** Balance of each account at the start, in cents. */
export const START = 1000
/** Number of holds that commands name. */
export const HOLDS = 6

const Index = (size: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: size - 1 }))
const account = Index(ACCOUNTS)
const hold = Index(HOLDS)
const amount = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 700 }))

/** What a caller asks of the ledger. Amounts are in cents. */
export const Command = Schema.Union([
  Schema.Struct({
    type: Schema.Literal("move"),
    from: account,
    to: account,
    amount,
    key: Schema.NullOr(Index(4))
  }),
  Schema.Struct({
    type: Schema.Literal("split"),
    from: account,
    to: Schema.Tuple([account, account]),
    amounts: Schema.Tuple([amount, amount])
  }),
  Schema.Struct({ type: Schema.Literal("hold"), account, amount, hold }),
  Schema.Struct({ type: Schema.Literal("capture"), hold, to: account, amount }),
  Schema.Struct({ type: Schema.Literal("void"), hold })
])
export type Command = typeof Command.Type

interface Hold {
  readonly account: number
  readonly amount: number
  isOpen: boolean
}

/** The ledger in integers. */
export class LedgerModel {
  readonly balances = Array.from({ length: ACCOUNTS }, () => START)
  readonly holds = new Map<number, Hold>()
  readonly keys = new Map<number, { readonly request: string; readonly outcome: string }>()

  available(i: number) {
    let held = 0
    for (const hold of this.holds.values()) if (hold.account === i && hold.isOpen) held += hold.amount
    return (this.balances[i] ?? 0) - held
  }

  /** Applies signed changes unless an account of them falls below zero. */
  private change(changes: ReadonlyArray<readonly [number, number]>): string {
    const before = [...this.balances]
    for (const [i, change] of changes) this.balances[i] = (this.balances[i] ?? 0) + change
    if (changes.every(([i]) => this.available(i) >= 0)) return "Posted"
    before.forEach((balance, i) => (this.balances[i] = balance))
    return "InsufficientFunds"
  }

  run(command: Command): string {
    switch (command.type) {
      case "move": {
        const { amount, from, key, to } = command
        const request = JSON.stringify([from, to, amount])
        const known = key === null ? undefined : this.keys.get(key)
        if (known !== undefined) return known.request === request ? `${known.outcome} again` : "KeyMismatch"
        const outcome = this.change([
          [from, -amount],
          [to, amount]
        ])
        if (key !== null) this.keys.set(key, { request, outcome })
        return outcome
      }
      case "split": {
        const [x, y] = command.amounts
        return this.change([
          [command.from, -x - y],
          [command.to[0], x],
          [command.to[1], y]
        ])
      }
      case "hold": {
        if (this.available(command.account) < command.amount) return "InsufficientFunds"
        this.holds.set(command.hold, { account: command.account, amount: command.amount, isOpen: true })
        return "Posted"
      }
      case "capture": {
        const hold = this.holds.get(command.hold)
        if (hold === undefined) return "HoldNotFound"
        if (!hold.isOpen) return "HoldEnded"
        if (command.amount > hold.amount) return "ExceedsHold"
        hold.isOpen = false
        return this.change([
          [hold.account, -command.amount],
          [command.to, command.amount]
        ])
      }
      case "void": {
        const hold = this.holds.get(command.hold)
        if (hold === undefined) return "HoldNotFound"
        if (!hold.isOpen) return "HoldEnded"
        hold.isOpen = false
        return "Posted"
      }
    }
  }
}
