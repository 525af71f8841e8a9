import type { SourceStatement } from "./SqlStatements.ts"

// A deployment on Citus that is sharded by wallet, as docs/sharding.md describes it.

/** Tables with one shard per group of wallets, and the columns that name the wallet in a statement. */
export const DISTRIBUTED: Readonly<Record<string, ReadonlyArray<string>>> = {
  wallet: ["user_id", "wallet_id", "id"],
  ledger_account: ["owner"],
  ledger_transfer: [],
  ledger_entry: ["account_id"],
  ledger_hold: ["account_id"],
  ledger_hold_end: [],
  ledger_open_hold: ["account_id"],
  ledger_outcome: ["principal"],
  funding_request: ["wallet_id"],
  customer_order: ["wallet_id"],
  order_event: ["order_id"],
  risk_usage: ["wallet_id"],
  risk_decision: ["wallet_id"],
  risk_review: [],
  risk_review_end: []
}

/** Functions that move money of several wallets at once. */
const POSTING = /\b(post_batch|post_movements|risk_lock|ledger_expire_holds)\s*\(/

export const REASONS = {
  posting: "posts for several wallets in one call",
  locks: "locks rows of several shards",
  writes: "reads and writes shards in one statement",
  joins: "joins shards with tables of another node",
  scatter: "asks every shard"
} as const

export type Reason = keyof typeof REASONS

const TABLE = /\b(?:FROM|JOIN|INTO|UPDATE|ONLY)\s+"?([a-z_]+)"?/g

const tablesIn = (text: string) => Array.from(text.matchAll(TABLE), ([, name = ""]) => name)

/** Tables that stay on the coordinator. */
const GLOBAL =
  /\b(exchange_rate|latest_rate|conversion_audit|audit_\w+|quote|idempotency|settlement_batch|settlement_event|poll_\w+|admin_action)\b/

/** Returns why Citus would refuse a statement, or run it on every shard. */
export const reasonsOf = ({ text }: SourceStatement): ReadonlyArray<Reason> => {
  const tables = tablesIn(text)
  const distributed = tables.filter((name) => name in DISTRIBUTED)
  const reasons: Array<Reason> = []
  if (POSTING.test(text)) reasons.push("posting")
  if (distributed.length === 0) return reasons
  const isRouted = distributed.every((table) =>
    (DISTRIBUTED[table] ?? []).some((column) => new RegExp(`\\b${column}\\s*=\\s*(\\?|ANY)`, "i").test(text))
  )
  const writes = /\b(INSERT INTO|UPDATE|DELETE FROM)\s+"?([a-z_]+)/gi
  const written = Array.from(text.matchAll(writes), ([, , name = ""]) => name)
  if (/\bFOR (NO KEY )?(UPDATE|SHARE)\b/.test(text) && !isRouted) reasons.push("locks")
  if (written.some((name) => name in DISTRIBUTED) && tables.length > 1 && !isRouted) reasons.push("writes")
  if (tables.some((name) => GLOBAL.test(name))) reasons.push("joins")
  if (!isRouted && written.length === 0 && !reasons.includes("locks")) reasons.push("scatter")
  return reasons
}
