import { Console, Context, Effect, Layer } from "effect"

/** How an operation ended: answered as it should be, refused for a reason that the contract names, or not answered. */
export type Outcome = "ok" | "refused" | "lost"

interface Figures {
  readonly millis: Array<number>
  readonly outcomes: Record<Outcome, number>
  /** Refusals by their codes. */
  readonly codes: Map<string, number>
}

/** A promise that was broken. */
interface Violation {
  readonly law: string
  readonly detail: string
}

/** Violations after these are counted only. */
const SHOWN = 20

/** What a soak has seen. */
export class Report extends Context.Service<
  Report,
  {
    /** Tells of a promise that was broken, with everything that is needed to look into it. */
    readonly violation: (law: string, detail: string) => Effect.Effect<void>
    readonly operation: (name: string, outcome: Outcome, millis: number, code?: string) => void
    readonly fault: (name: string) => void
    /** A figure for the end, such as how long healing took. */
    readonly figure: (name: string, value: string) => void
    /** One line on how it goes. */
    readonly progress: () => string
    readonly violations: () => number
    /** Everything, as tables. */
    readonly tables: () => string
  }
>()("effex/soak/Report") {
  static readonly layer = (seed: number) => Layer.sync(Report, () => make(seed))
}

const make = (seed: number): Report["Service"] => {
  const operations = new Map<string, Figures>()
  const faults = new Map<string, number>()
  const figures = new Map<string, string>()
  const violations: Array<Violation> = []

  const figuresOf = (name: string): Figures => {
    const known = operations.get(name)
    if (known !== undefined) return known
    const fresh: Figures = { millis: [], outcomes: { ok: 0, refused: 0, lost: 0 }, codes: new Map() }
    operations.set(name, fresh)
    return fresh
  }

  const total = (outcome: Outcome) =>
    Array.from(operations.values()).reduce((sum, { outcomes }) => sum + outcomes[outcome], 0)

  return Report.of({
    violation: (law, detail) =>
      Effect.suspend(() => {
        violations.push({ law, detail })
        if (violations.length > SHOWN) return Effect.void
        return Console.log(`VIOLATION (seed ${seed}) ${law}\n  ${detail.slice(0, 2000)}`)
      }),
    operation: (name, outcome, millis, code) => {
      const its = figuresOf(name)
      if (outcome !== "lost") its.millis.push(millis)
      its.outcomes[outcome]++
      if (code !== undefined) its.codes.set(code, (its.codes.get(code) ?? 0) + 1)
    },
    fault: (name) => {
      faults.set(name, (faults.get(name) ?? 0) + 1)
    },
    figure: (name, value) => {
      figures.set(name, value)
    },
    progress: () =>
      `${total("ok")} answered, ${total("refused")} refused, ${total("lost")} without an answer, ${sum(faults)} faults, ${violations.length} violations`,
    violations: () => violations.length,
    tables: () =>
      [
        table(
          ["operation", "ok", "refused", "lost", "p50 ms", "p99 ms", "refusals"],
          Array.from(operations)
            .toSorted(byName)
            .map(([name, its]) => rowOf(name, its))
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
              ...Array.from(Map.groupBy(violations, ({ law }) => law)).map(
                ([law, some]) => `  ${some.length} × ${law}, such as: ${some[0]?.detail.slice(0, 300) ?? ""}`
              )
            ].join("\n")
      ].join("\n\n")
  })
}

const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]) => a.localeCompare(b)
const sum = (counts: ReadonlyMap<string, number>) => Array.from(counts.values()).reduce((a, b) => a + b, 0)

const rowOf = (name: string, { codes, millis, outcomes }: Figures): ReadonlyArray<string> => {
  const sorted = millis.toSorted((a, b) => a - b)
  const at = (part: number) => (sorted[Math.ceil(sorted.length * part) - 1] ?? 0).toFixed(1)
  return [
    name,
    String(outcomes.ok),
    String(outcomes.refused),
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
