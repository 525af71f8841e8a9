import { Effect, FileSystem, Schema } from "effect"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("../..", import.meta.url))

/** A small change that breaks a promise, in the words of the source. */
interface Break {
  readonly file: string
  readonly from: string
  readonly to: string
}

/** What a soak must notice. Each is made in a copy of the program; the program itself knows nothing of it. */
export const BREAKS = {
  /** One of 50 conversions is acknowledged, and not recorded. */
  audit: [
    {
      file: "src/conversion/AuditLog.ts",
      from: "const outcomes = yield* repo.append(batch.map(({ item }) => item))",
      to: `const isLost = ({ item }: Pending) => /[0369cf]0$/.test(item.record.audit_id)
        const kept = batch.filter((pending) => !isLost(pending))
        const appended = kept.length === 0 ? [] : yield* repo.append(kept.map(({ item }) => item))
        const outcomes = batch.map((pending): Appended => isLost(pending) ? { _tag: "Committed" } : appended[kept.indexOf(pending)] ?? lost)`
    }
  ],
  /** What was answered under a key is not kept for one of eight. */
  idempotency: [
    {
      file: "src/conversion/AuditRepo.ts",
      from: "FROM ready WHERE key IS NOT NULL",
      to: "FROM ready WHERE key IS NOT NULL AND get_byte(uuid_send(id), 15) % 8 <> 0"
    }
  ],
  /** Who asks for a quote that is used is no longer refused by the statement that uses it. */
  quote: [
    {
      file: "src/conversion/AuditRepo.ts",
      from: "SELECT * FROM fresh WHERE quote_id IS NULL OR id IN (SELECT used_by FROM used)",
      to: "SELECT * FROM fresh"
    }
  ],
  /** A rate in memory may be replaced by an older one. */
  monotone: [
    {
      file: "src/rates/RateCache.ts",
      from: "if (known === undefined || isNewer(rate, known)) rates.set(rate.pair.key, rate)",
      to: "if (known === undefined || rate.id !== known.id) rates.set(rate.pair.key, rate)"
    }
  ],
  /** What the guard does not believe is stored all the same. */
  guard: [
    {
      file: "src/rates/RateGuard.ts",
      from: "if (anomalies.length === 0) return yield* store",
      to: "if (anomalies.length < 100) return yield* store"
    }
  ],
  /** What customers receive is rounded up. */
  rounding: [
    { file: "src/domain/Money.ts", from: `rounding === "received" ? "floor" : "ceil"`, to: `"ceil"` }
  ],
  /** A change is told to nobody where its number ends in 7. */
  stream: [
    {
      file: "src/rates/RateFeed.ts",
      from: "if (isNext) reader.offer(event)",
      to: "if (isNext && at % 10 !== 7) reader.offer(event)\n      else if (isNext) continue"
    }
  ],
  /** Nothing holds off a leader whose term is over, and nobody waits for a poll that is under way. */
  leader: [
    {
      file: "src/platform/Leader.ts",
      from: "SELECT 1 FROM leader WHERE name = ${name} AND term = ${term} FOR SHARE",
      to: "SELECT 1 WHERE ${name}::text IS NOT NULL AND ${term}::bigint IS NOT NULL"
    },
    {
      file: "src/rates/RatePoller.ts",
      from: "const ran = yield* withLock(LOCK, measured)",
      to: "const ran = Option.some(yield* measured)"
    }
  ],
  /** Nothing is sealed any more. */
  seal: [{ file: "src/conversion/AuditSealer.ts", from: "sealAll.pipe(\n", to: "Effect.succeed(0).pipe(\n" }]
} satisfies Readonly<Record<string, ReadonlyArray<Break>>>

export type BreakName = keyof typeof BREAKS
export const NAMES = [
  "audit",
  "idempotency",
  "quote",
  "monotone",
  "guard",
  "rounding",
  "stream",
  "leader",
  "seal"
] as const satisfies ReadonlyArray<BreakName>

/** The source no longer says what a break would change. */
export class BreakNotFound extends Schema.TaggedError<BreakNotFound>()("BreakNotFound", {
  file: Schema.String,
  from: Schema.String
}) {
  override get message(): string {
    return `${this.file} does not hold exactly once: ${this.from}`
  }
}

/** A copy of the program with a promise broken, for as long as the scope is open; its folder is returned. */
export const copy = Effect.fnUntraced(function* (name: BreakName) {
  const fs = yield* FileSystem.FileSystem
  const folder = yield* fs.makeTempDirectoryScoped({ prefix: `effex-broken-${name}-` })
  for (const part of ["src", "bin", "migrations", "package.json"])
    yield* fs.copy(`${root}${part}`, `${folder}/${part}`)
  yield* fs.symlink(`${root}node_modules`, `${folder}/node_modules`)
  const breaks: ReadonlyArray<Break> = BREAKS[name]
  for (const { file, from, to } of breaks) {
    const text = yield* fs.readFileString(`${folder}/${file}`)
    const parts = text.split(from)
    if (parts.length !== 2) return yield* new BreakNotFound({ file, from })
    yield* fs.writeFileString(`${folder}/${file}`, parts.join(to))
  }
  return folder
})
