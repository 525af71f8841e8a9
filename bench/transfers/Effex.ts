/** Transfers of effex in one process, without HTTP: with `LEVEL=ledger` only their postings, without the risk rules. */
import { NodeRuntime } from "@effect/platform-node"
import { BigDecimal, Effect, Layer } from "effect"
import { randomUUID } from "node:crypto"
import { AssetCatalog } from "../../src/assets/AssetCatalog.ts"
import * as App from "../../src/App.ts"
import { featuresApp } from "../../src/CommandLayers.ts"
import { Ledger } from "../../src/ledger/Ledger.ts"
import { Transfers } from "../../src/wallets/Transfers.ts"
import * as Callers from "./Callers.ts"
import * as FundedWallets from "./FundedWallets.ts"
import * as Workload from "./Workload.ts"

const distribution: Workload.Distribution = process.env["DISTRIBUTION"] === "hot" ? "hot" : "uniform"

const program = Effect.gen(function* () {
  const { find } = yield* AssetCatalog
  const ledger = yield* Ledger
  const { send } = yield* Transfers
  const { accounts, wallets } = yield* FundedWallets.create
  const asset = yield* Effect.fromOption(find(FundedWallets.ASSET))

  const post = Effect.suspend(() => {
    const [from, to] = Workload.pick(distribution)
    const [source, target] = [accounts[from], accounts[to]]
    if (source === undefined || target === undefined) return Effect.die("no account")
    const amount = BigDecimal.fromStringUnsafe(Workload.amount())
    const entries = [
      { account: source, amount: BigDecimal.negate(amount) },
      { account: target, amount }
    ]
    return Effect.flatMap(
      ledger.post([FundedWallets.posting(randomUUID(), "transfer", entries)]),
      ([outcome]) => (outcome?._tag === "Posted" ? Effect.void : Effect.die(outcome))
    )
  })

  const transferBetween = (from: number, to: number) => {
    const [sender, recipient] = [wallets[from], wallets[to]]
    if (sender === undefined || recipient === undefined) return Effect.die("no wallet")
    const sent = send({
      from: sender,
      to: recipient.username,
      money: { amount: BigDecimal.fromStringUnsafe(Workload.amount()), asset },
      note: null,
      owner: sender.id,
      key: randomUUID()
    })
    return Effect.flatMap(sent, ({ isHeld }) => (isHeld ? Effect.die("held for review") : Effect.void))
  }
  const transfer = Effect.suspend(() => transferBetween(...Workload.pick(distribution)))
  /** One transfer from and to each wallet, because a server knows its busy users. */
  const warmUp = Effect.forEach(wallets, (_, n) => transferBetween(n, (n + 1) % wallets.length), {
    concurrency: 64,
    discard: true
  })

  if (process.env["LEVEL"] === "ledger") return yield* Callers.drive(post)
  yield* warmUp
  yield* Callers.drive(transfer)
})

NodeRuntime.runMain(Effect.provide(program, App.users.pipe(Layer.provideMerge(featuresApp))))
