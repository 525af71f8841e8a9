/** Transfers of effex in one process, without HTTP: with `LEVEL=ledger` only their postings, without the risk rules. */
import { NodeRuntime } from "@effect/platform-node"
import { BigDecimal, Effect, Layer } from "effect"
import { randomUUID } from "node:crypto"
import { AssetCatalog } from "../../src/assets/AssetCatalog.ts"
import * as App from "../../src/App.ts"
import { featuresApp } from "../../src/CommandLayers.ts"
import { type LedgerPosting, TransferId } from "../../src/domain/ledger/LedgerPosting.ts"
import { AssetCode } from "../../src/domain/money/Asset.ts"
import type { WalletId } from "../../src/domain/wallets/Wallet.ts"
import { Ledger } from "../../src/ledger/Ledger.ts"
import { Database } from "../../src/platform/postgres/Database.ts"
import { Transfers } from "../../src/wallets/Transfers.ts"
import { houseAccount, walletAccount, Wallets } from "../../src/wallets/Wallets.ts"
import * as Callers from "./Callers.ts"
import * as Workload from "./Workload.ts"

const ASSET = AssetCode.make("USD")
const FUNDS = BigDecimal.make(1_000_000n, 0)

const distribution: Workload.Distribution = process.env["DISTRIBUTION"] === "hot" ? "hot" : "uniform"

/** Users of a year ago, without passwords: those of the rules for new accounts would be held for review. */
const createUsers = Effect.gen(function* () {
  const { sql } = yield* Database
  yield* sql`
    INSERT INTO app_user (id, username, created_at)
      SELECT gen_random_uuid(), 'bench-' || n, now() - interval '1 year' FROM generate_series(0, ${Workload.WALLETS - 1}::int) AS n
      ON CONFLICT DO NOTHING`
  yield* sql`
    INSERT INTO wallet (id, user_id, created_at)
      SELECT gen_random_uuid(), id, created_at FROM app_user ON CONFLICT DO NOTHING`
  const ids = yield* sql<{ readonly id: WalletId }>`SELECT id FROM wallet`
  return yield* (yield* Wallets).byIds(ids.map(({ id }) => id))
})

const posting = (
  key: string | undefined,
  kind: string,
  entries: LedgerPosting["entries"]
): LedgerPosting => ({
  id: TransferId.make(randomUUID().replace(/^(.{14})./, "$17")),
  kind,
  idempotency: key === undefined ? undefined : { principal: "bench", key, requestHash: "bench" },
  details: {},
  entries,
  opens: [],
  ends: []
})

const program = Effect.gen(function* () {
  const { find } = yield* AssetCatalog
  const ledger = yield* Ledger
  const { send } = yield* Transfers
  const { accountIds } = yield* Wallets
  const wallets = yield* createUsers
  const [house, ...accounts] = yield* accountIds([
    houseAccount("funding", ASSET),
    ...wallets.map(({ id }) => walletAccount(id, ASSET))
  ])
  if (house === undefined) return yield* Effect.die("no account of the house")
  yield* ledger.post(
    accounts.map((account) =>
      posting(`fund ${account}`, "deposit", [
        { account: house, amount: BigDecimal.negate(FUNDS) },
        { account, amount: FUNDS }
      ])
    )
  )
  const asset = yield* Effect.fromOption(find(ASSET))

  const post = Effect.suspend(() => {
    const [from, to] = Workload.pick(distribution)
    const [source, target] = [accounts[from], accounts[to]]
    if (source === undefined || target === undefined) return Effect.die("no account")
    const amount = BigDecimal.fromStringUnsafe(Workload.amount())
    const entries = [
      { account: source, amount: BigDecimal.negate(amount) },
      { account: target, amount }
    ]
    return Effect.flatMap(ledger.post([posting(randomUUID(), "transfer", entries)]), ([outcome]) =>
      outcome?._tag === "Posted" ? Effect.void : Effect.die(outcome)
    )
  })

  const transfer = Effect.suspend(() => {
    const [from, to] = Workload.pick(distribution)
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
  })

  yield* process.env["LEVEL"] === "ledger" ? Callers.drive(post) : Callers.drive(transfer)
})

NodeRuntime.runMain(Effect.provide(program, App.users.pipe(Layer.provideMerge(featuresApp))))
