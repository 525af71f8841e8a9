import { Effect, FileSystem, Schema } from "effect"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("../..", import.meta.url))

/** A replacement of source text that introduces a defect. */
interface Replacement {
  readonly file: string
  readonly from: string
  readonly to: string
}

/** Defects that a soak must detect. Each is introduced in a copy of the program; the program itself does not know them. */
export const MUTANTS = {
  /** Acknowledges some conversions without recording them. */
  audit: [
    {
      file: "src/audit/AuditLog.ts",
      from: "const outcomes = yield* insert(batch.map(({ item }) => item))",
      to: `const isLost = ({ item }: PendingAppend) => /[0369cf]0$/.test(item.record.audit_id)
        const kept = batch.filter((pending) => !isLost(pending))
        const inserted = kept.length === 0 ? [] : yield* insert(kept.map(({ item }) => item))
        const outcomes = batch.map((pending): AppendOutcome => isLost(pending) ? { _tag: "Committed" } : inserted[kept.indexOf(pending)] ?? quoteUnavailable)`
    }
  ],
  /** Does not store the response of one key in eight. */
  idempotency: [
    {
      file: "src/audit/AuditRepo.ts",
      from: "FROM ready WHERE key IS NOT NULL",
      to: "FROM ready WHERE key IS NOT NULL AND get_byte(uuid_send(id), 15) % 8 <> 0"
    }
  ],
  /** Lets a conversion use a quote that another one has used. */
  quote: [
    {
      file: "src/audit/AuditRepo.ts",
      from: "SELECT * FROM fresh WHERE quote_id IS NULL OR id IN (SELECT used_by FROM used)",
      to: "SELECT * FROM fresh"
    }
  ],
  /** Lets the previous rate replace a newer one in memory after a second. */
  monotone: [
    {
      file: "src/rates/lookup/RateCache.ts",
      from: "rates.set(rate.pair.key, rate)",
      to: "rates.set(rate.pair.key, rate)\n        if (cached !== undefined) setTimeout(() => rates.set(cached.pair.key, cached), 1000)"
    }
  ],
  /** Stores rates that the guard rejects. Only seeds with wrong rates detect it, such as 20 within a minute. */
  guard: [
    {
      file: "src/rates/guard/RateGuard.ts",
      from: "if (anomalies.length === 0) return yield* store",
      to: "if (anomalies.length < 100) return yield* store"
    }
  ],
  /** Rounds the output up. */
  rounding: [
    {
      file: "src/domain/money/Rounding.ts",
      from: `direction === "received" ? "floor" : "ceil"`,
      to: `"ceil"`
    }
  ],
  /** Does not publish changes whose sequence number ends in 7. */
  stream: [
    {
      file: "src/rates/feed/RateFeed.ts",
      from: "if (isNext) listener.offer(event)",
      to: "if (isNext && at % 10 !== 7) listener.offer(event)\n      else if (isNext) continue"
    }
  ],
  /** Accepts writes of former leaders, and polls without the lock. */
  leader: [
    {
      file: "src/platform/LeaderTerms.ts",
      from: "SELECT 1 FROM leader WHERE name = ${name} AND term = ${term} FOR SHARE",
      to: "SELECT 1 WHERE ${name}::text IS NOT NULL AND ${term}::bigint IS NOT NULL"
    },
    {
      file: "src/rates/polling/PollRunner.ts",
      from: "const result = yield* withLock(POLL_LOCKS[pairSet], measured)",
      to: "const result = Option.some(yield* measured)"
    }
  ],
  /** Does not end one session in four that signs out. */
  session: [
    {
      file: "src/accounts/sessions/SessionEnds.ts",
      from: "AND id = (SELECT session_id FROM refresh_token WHERE hash = ${RefreshTokens.hashOf(token)})",
      to: "AND id = (SELECT session_id FROM refresh_token WHERE hash = ${RefreshTokens.hashOf(token)}) AND get_byte(uuid_send(id), 15) % 4 <> 0"
    }
  ],
  /** Forgets the key of one transfer in four. */
  movement: [
    {
      file: "src/wallets/Transfers.ts",
      from: `kind: "transfer",
            idempotency,`,
      to: `kind: "transfer",
            idempotency: /[048cgkosw]$/.test(request.key ?? "") ? undefined : idempotency,`
    }
  ],
  /** Settles an order with a part of its fill while it is still open. Only seeds with partial fills detect it, such as 39. */
  fill: [
    {
      file: "src/orders/settlement/BatchExecution.ts",
      from: `if (order.state === "open") {`,
      to: `if (order.state === "open" && order.filled.value === 0n) {`
    }
  ],
  /** Does not seal records. */
  seal: [{ file: "src/audit/AuditSealer.ts", from: "sealAll.pipe(\n", to: "Effect.succeed(0).pipe(\n" }]
} satisfies Readonly<Record<string, ReadonlyArray<Replacement>>>

export type MutantName = keyof typeof MUTANTS
export const NAMES = [
  "audit",
  "idempotency",
  "quote",
  "monotone",
  "guard",
  "rounding",
  "stream",
  "leader",
  "session",
  "movement",
  "fill",
  "seal"
] as const satisfies ReadonlyArray<MutantName>

/** The source does not contain the text that a mutant replaces. */
export class SourceNotFound extends Schema.TaggedError<SourceNotFound>()("SourceNotFound", {
  file: Schema.String,
  from: Schema.String
}) {
  override get message(): string {
    return `${this.file} must contain exactly once: ${this.from}`
  }
}

/** Returns the text of a source file below `folder` after a replacement. */
const mutatedText = Effect.fnUntraced(function* (folder: string, { file, from, to }: Replacement) {
  const fs = yield* FileSystem.FileSystem
  const parts = (yield* fs.readFileString(`${folder}/${file}`)).split(from)
  return parts.length === 2 ? parts.join(to) : yield* new SourceNotFound({ file, from })
})

/** Fails if the current source lacks a text that a mutant replaces. */
export const check = (name: MutantName) =>
  Effect.forEach(MUTANTS[name], (replacement) => mutatedText(root, replacement), { discard: true })

/** Copies the program and introduces a defect. Returns the folder, which exists for the lifetime of the scope. */
export const copy = Effect.fnUntraced(function* (name: MutantName) {
  const fs = yield* FileSystem.FileSystem
  const folder = yield* fs.makeTempDirectoryScoped({ prefix: `effex-mutant-${name}-` })
  for (const part of ["src", "bin", "migrations", "package.json"])
    yield* fs.copy(`${root}${part}`, `${folder}/${part}`)
  yield* fs.symlink(`${root}node_modules`, `${folder}/node_modules`)
  for (const replacement of MUTANTS[name])
    yield* fs.writeFileString(`${folder}/${replacement.file}`, yield* mutatedText(folder, replacement))
  return folder
})
