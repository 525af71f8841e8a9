import { BigDecimal, Effect } from "effect"
import { randomUUID } from "node:crypto"
import { type LedgerPosting, TransferId } from "../../src/domain/ledger/LedgerPosting.ts"
import { AssetCode } from "../../src/domain/money/Asset.ts"
import type { WalletId } from "../../src/domain/wallets/Wallet.ts"
import { Ledger } from "../../src/ledger/Ledger.ts"
import { Database } from "../../src/platform/postgres/Database.ts"
import { houseAccount, walletAccount, Wallets } from "../../src/wallets/Wallets.ts"
import * as Workload from "./Workload.ts"

export const ASSET = AssetCode.make("USD")
const FUNDS = BigDecimal.make(1_000_000n, 0)

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

/** A posting of two or more entries. */
export const posting = (
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

/** Wallets with US dollars, and the ids of their accounts. */
export const create = Effect.gen(function* () {
  const { accountIds } = yield* Wallets
  const wallets = yield* createUsers
  const [house, ...accounts] = yield* accountIds([
    houseAccount("funding", ASSET),
    ...wallets.map(({ id }) => walletAccount(id, ASSET))
  ])
  if (house === undefined) return yield* Effect.die("no account of the house")
  yield* (yield* Ledger).post(
    accounts.map((account) =>
      posting(`fund ${account}`, "deposit", [
        { account: house, amount: BigDecimal.negate(FUNDS) },
        { account, amount: FUNDS }
      ])
    )
  )
  return { wallets, accounts }
})
