import type { Sent } from "./RequestDraft.ts"
import type { Fault } from "./Checks.ts"
import type { Outcome } from "./WebSocketFuzzer.ts"
import type { Exchange } from "./RawRequests.ts"

/** A promise that was broken, the first time and how often. */
export interface Violation {
  readonly kind: string
  readonly detail: string
  /** What was sent when it was broken first; none where it was no request. */
  readonly sent: Pick<Sent, "bytes" | "number"> | undefined
  times: number
}

/** What came of a run. */
export interface Report {
  readonly violations: ReadonlyMap<string, Violation>
  /** How often each operation answered with each status. */
  readonly answers: ReadonlyMap<string, ReadonlyMap<string, number>>
  readonly slowest: { readonly name: string; readonly millis: number }
  readonly requests: number
  /** How many answers were not the last word, by what they were; late, or a 503 of a busy server. */
  readonly repeated: ReadonlyMap<string, number>
}

/** A report that is being written. */
export const make = () => {
  const violations = new Map<string, Violation>()
  const answers = new Map<string, Map<string, number>>()
  let slowest = { name: "", millis: 0 }
  let requests = 0
  const repeated = new Map<string, number>()

  const blame = ({ detail, kind }: Fault, sent?: Violation["sent"]) => {
    const known = violations.get(kind)
    if (known === undefined) violations.set(kind, { kind, detail, sent, times: 1 })
    else known.times++
  }

  const count = (name: string, outcome: string) => {
    const row = answers.get(name) ?? new Map<string, number>()
    answers.set(name, row)
    row.set(outcome, (row.get(outcome) ?? 0) + 1)
  }

  return {
    blame,
    /** What came of a request, counted under the name of what it reached. */
    asked: (name: string, sent: Sent, exchange: Exchange, faults: ReadonlyArray<Fault>) => {
      requests++
      count(name, outcomeOf(exchange))
      if (exchange.millis > slowest.millis)
        slowest = { name: `${sent.name}, ${sent.target.slice(0, 200)}`, millis: exchange.millis }
      for (const fault of faults) blame(fault, sent)
    },
    /** Counts that a request is sent once more, and why, and what else was wrong with its answer. */
    again: (name: string, sent: Sent, exchange: Exchange, faults: ReadonlyArray<Fault>) => {
      const outcome = outcomeOf(exchange)
      count(name, "again")
      repeated.set(outcome, (repeated.get(outcome) ?? 0) + 1)
      for (const fault of faults) blame(fault, sent)
    },
    /** What came of a conversation over a WebSocket. */
    talked: (path: string, number: number, { bytes, end, faults }: Outcome) => {
      requests++
      count(path, end)
      for (const fault of faults) blame(fault, { bytes, number })
    },
    get report(): Report {
      return { violations, answers, slowest, requests, repeated }
    }
  }
}

const outcomeOf = ({ answers: [answer], end }: Exchange) =>
  answer === undefined ? end : String(answer.status)

/** How often each operation answered with each status, as a table. */
export const tableOf = ({ answers }: Report): string => {
  const rows = Array.from(answers).toSorted(([one], [other]) => (one < other ? -1 : 1))
  const outcomes = Array.from(new Set(rows.flatMap(([, row]) => Array.from(row.keys())))).toSorted()
  const width = Math.max(...rows.map(([name]) => name.length))
  const line = (name: string, cells: ReadonlyArray<string>) =>
    [name.padEnd(width), ...cells.map((cell) => cell.padStart(8))].join(" ")
  return [
    line("", outcomes),
    ...rows.map(([name, row]) =>
      line(
        name,
        outcomes.map((outcome) => String(row.get(outcome) ?? ""))
      )
    )
  ].join("\n")
}
