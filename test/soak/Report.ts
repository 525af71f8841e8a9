import { Console, Context, Effect, Layer } from "effect"

/** Outcome of an operation: success, an error of the contract, or no response. */
export type Outcome = "ok" | "rejected" | "lost"

interface OperationStatistics {
  readonly millis: Array<number>
  readonly outcomes: Record<Outcome, number>
  /** Number of errors by code. */
  readonly codes: Map<string, number>
}

/** A violated rule. */
interface Violation {
  readonly rule: string
  readonly detail: string
}

/** Number of violations that are printed; further ones are only counted. */
const MAX_PRINTED = 20

/** Results of a soak. */
export class Report extends Context.Service<
  Report,
  {
    /** Records and prints a violation with its details. */
    readonly violation: (rule: string, detail: string) => Effect.Effect<void>
    readonly operation: (name: string, outcome: Outcome, millis: number, code?: string) => void
    readonly fault: (name: string) => void
    /** Adds a figure to the final report. */
    readonly figure: (name: string, value: string) => void
    /** Progress as one line. */
    readonly progress: () => string
    readonly violations: () => number
    /** All results as tables. */
    readonly tables: () => string
  }
>()("effex/soak/Report") {
  static readonly layer = (seed: number) => Layer.sync(Report, () => make(seed))
}

const make = (seed: number): Report["Service"] => {
  const operations = new Map<string, OperationStatistics>()
  const faults = new Map<string, number>()
  const figures = new Map<string, string>()
  const violations: Array<Violation> = []

  const statisticsOf = (name: string): OperationStatistics => {
    const existing = operations.get(name)
    if (existing !== undefined) return existing
    const fresh: OperationStatistics = {
      millis: [],
      outcomes: { ok: 0, rejected: 0, lost: 0 },
      codes: new Map()
    }
    operations.set(name, fresh)
    return fresh
  }

  const total = (outcome: Outcome) =>
    Array.from(operations.values()).reduce((sum, { outcomes }) => sum + outcomes[outcome], 0)

  return Report.of({
    violation: (rule, detail) =>
      Effect.suspend(() => {
        violations.push({ rule, detail })
        if (violations.length > MAX_PRINTED) return Effect.void
        return Console.log(`VIOLATION (seed ${seed}) ${rule}\n  ${detail.slice(0, 2000)}`)
      }),
    operation: (name, outcome, millis, code) => {
      const statistics = statisticsOf(name)
      if (outcome !== "lost") statistics.millis.push(millis)
      statistics.outcomes[outcome]++
      if (code !== undefined) statistics.codes.set(code, (statistics.codes.get(code) ?? 0) + 1)
    },
    fault: (name) => {
      faults.set(name, (faults.get(name) ?? 0) + 1)
    },
    figure: (name, value) => {
      figures.set(name, value)
    },
    progress: () =>
      `${total("ok")} succeeded, ${total("rejected")} rejected, ${total("lost")} without a response, ${sum(faults)} faults, ${violations.length} violations`,
    violations: () => violations.length,
    tables: () =>
      [
        table(
          ["operation", "ok", "rejected", "lost", "p50 ms", "p99 ms", "errors"],
          Array.from(operations)
            .toSorted(byName)
            .map(([name, statistics]) => rowOf(name, statistics))
        ),
        table(
          ["fault", "times"],
          Array.from(faults)
            .toSorted(byName)
            .map(([name, n]) => [name, String(n)])
        ),
        table(["figure", "value"], Array.from(figures)),
        violations.length === 0
          ? `No violation (seed ${seed}).`
          : [
              `${violations.length} violations (seed ${seed}):`,
              ...Array.from(Map.groupBy(violations, ({ rule }) => rule)).map(
                ([rule, violations]) =>
                  `  ${violations.length} × ${rule}, for example: ${violations[0]?.detail.slice(0, 300) ?? ""}`
              )
            ].join("\n")
      ].join("\n\n")
  })
}

const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]) => a.localeCompare(b)
const sum = (counts: ReadonlyMap<string, number>) => Array.from(counts.values()).reduce((a, b) => a + b, 0)

const rowOf = (name: string, { codes, millis, outcomes }: OperationStatistics): ReadonlyArray<string> => {
  const sorted = millis.toSorted((a, b) => a - b)
  const at = (part: number) => (sorted[Math.ceil(sorted.length * part) - 1] ?? 0).toFixed(1)
  return [
    name,
    String(outcomes.ok),
    String(outcomes.rejected),
    String(outcomes.lost),
    at(0.5),
    at(0.99),
    Array.from(codes, ([code, n]) => `${n} ${code}`).join(", ")
  ]
}

const table = (head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const widths = head.map((_, i) => Math.max(...[head, ...rows].map((row) => row[i]?.length ?? 0)))
  return [head, ...rows]
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join("  ")
        .trimEnd()
    )
    .join("\n")
}
