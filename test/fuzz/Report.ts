import type { RenderedRequest } from "./requests/RequestDraft.ts"
import type { Finding } from "./Checks.ts"
import type { ConversationOutcome } from "./WebSocketFuzzer.ts"
import type { Exchange } from "./RawConnection.ts"

/** A kind of finding: its first occurrence and its count. */
export interface Violation {
  readonly kind: string
  readonly detail: string
  /** The first request that caused it; undefined if no request did. */
  readonly sent: Pick<RenderedRequest, "bytes" | "number"> | undefined
  times: number
}

/** Result of a run. */
export interface Report {
  readonly violations: ReadonlyMap<string, Violation>
  /** Number of responses by operation and status. */
  readonly responses: ReadonlyMap<string, ReadonlyMap<string, number>>
  readonly slowest: { readonly name: string; readonly millis: number }
  readonly requests: number
  /** Number of retries by reason: a timeout or a 503. */
  readonly retries: ReadonlyMap<string, number>
}

/** Makes a report builder. */
export const make = () => {
  const violations = new Map<string, Violation>()
  const responses = new Map<string, Map<string, number>>()
  let slowest = { name: "", millis: 0 }
  let requests = 0
  const retries = new Map<string, number>()

  const addFinding = ({ detail, kind }: Finding, sent?: Violation["sent"]) => {
    const existing = violations.get(kind)
    if (existing === undefined) violations.set(kind, { kind, detail, sent, times: 1 })
    else existing.times++
  }

  const count = (name: string, outcome: string) => {
    const row = responses.get(name) ?? new Map<string, number>()
    responses.set(name, row)
    row.set(outcome, (row.get(outcome) ?? 0) + 1)
  }

  return {
    addFinding,
    /** Records the outcome of a request under the name of the operation that it reached. */
    addExchange: (
      name: string,
      sent: RenderedRequest,
      exchange: Exchange,
      findings: ReadonlyArray<Finding>
    ) => {
      requests++
      count(name, outcomeOf(exchange))
      if (exchange.millis > slowest.millis)
        slowest = { name: `${sent.name}, ${sent.target.slice(0, 200)}`, millis: exchange.millis }
      for (const finding of findings) addFinding(finding, sent)
    },
    /** Records a retry, its reason, and other findings about the response. */
    addRetry: (name: string, sent: RenderedRequest, exchange: Exchange, findings: ReadonlyArray<Finding>) => {
      const outcome = outcomeOf(exchange)
      count(name, "retry")
      retries.set(outcome, (retries.get(outcome) ?? 0) + 1)
      for (const finding of findings) addFinding(finding, sent)
    },
    /** Records the outcome of a WebSocket conversation. */
    addConversation: (path: string, number: number, { bytes, end, findings }: ConversationOutcome) => {
      requests++
      count(path, end)
      for (const finding of findings) addFinding(finding, { bytes, number })
    },
    get result(): Report {
      return { violations, responses, slowest, requests, retries }
    }
  }
}

const outcomeOf = ({ responses: [response], end }: Exchange) =>
  response === undefined ? end : String(response.status)

/** Operations that no request completed: none of their responses has a status of 2xx. */
export const unsuccessfulOf = ({ responses }: Pick<Report, "responses">, operations: ReadonlyArray<string>) =>
  operations.filter((name) => {
    const outcomes = Array.from(responses.get(name)?.keys() ?? [])
    return !outcomes.some((outcome) => /^2\d\d$/.test(outcome))
  })

/** Formats the number of responses by operation and status as a table. */
export const tableOf = ({ responses }: Report): string => {
  const rows = Array.from(responses).toSorted(([a], [b]) => (a < b ? -1 : 1))
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
