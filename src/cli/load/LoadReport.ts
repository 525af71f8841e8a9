import { escape, type Line, type LineChart, number, render } from "./LineChart.ts"
import {
  groupFailures,
  intervals,
  OPERATIONS,
  percentile,
  type Sample,
  sortedLatencies,
  summarize
} from "./Samples.ts"

/** A finished run. */
export interface LoadResult {
  readonly url: string
  readonly startedAt: Date
  readonly clients: number
  /** Requests per second that were due. */
  readonly rate: number
  readonly seconds: number
  readonly samples: ReadonlyArray<Sample>
}

const MAX_INTERVALS = 120
const MAX_TIME_TICKS = 6
/** Colors of the operations, in the order of {@link OPERATIONS}. */
const COLORS = ["blue", "orange", "aqua", "yellow", "magenta"] as const

const colorOf = (index: number) => COLORS[index % COLORS.length] ?? "blue"

const lineOf = (name: string, color: string, points: ReadonlyArray<readonly [number, number]>): Line => ({
  name,
  color,
  points
})

const timeAxis = (seconds: number): LineChart["x"] => {
  const step =
    [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600].find((step) => seconds / step <= MAX_TIME_TICKS) ??
    7200
  const count = Math.floor(seconds / step)
  const label = (value: number) => (step < 60 ? `${value} s` : `${value / 60} min`)
  return {
    label: "time at which requests were due",
    ticks: Array.from({ length: count + 1 }, (_, n) => [n * step, label(n * step)] as const)
  }
}

/** Percentiles on a scale that gives each further nine the same room. */
const PARTS = [0, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 0.9999]
/** The percentiles above which there is at least one of `count` requests. */
const knownParts = (count: number) => PARTS.filter((part) => part === 0 || count * (1 - part) >= 1)
const nines = (part: number) => -Math.log10(1 - part)

const chartsOf = ({ rate, samples }: LoadResult): ReadonlyArray<LineChart> => {
  const planned = samples.length / rate
  const width = Math.max(1, Math.ceil(planned / MAX_INTERVALS))
  const groups = intervals(samples, width)
  const x = timeAxis(planned)
  const over = (part: number) =>
    groups.map(({ samples, time }) => [time, percentile(sortedLatencies(samples), part)] as const)
  const used = OPERATIONS.map((operation, index) => ({
    operation,
    color: colorOf(index),
    own: samples.filter((sample) => sample.operation === operation)
  })).filter(({ own }) => own.length > 0)
  const answered = Array.from(
    Map.groupBy(samples, ({ dueAt, latency }) => Math.floor((dueAt + latency) / 1000 / width)),
    ([index, group]) => [(index + 0.5) * width, group.length / width] as const
  )
    // The rest was answered after the run.
    .filter(([time]) => time < planned)
    .toSorted(([a], [b]) => a - b)
  const failed = groups.map(
    ({ samples, time }) =>
      [time, samples.filter(({ failure }) => failure !== undefined).length / width] as const
  )
  const latency = { label: "milliseconds", isLog: true, unit: "ms" }
  return [
    {
      title: "Latency over time",
      description: `All operations; each point is ${width} s of requests`,
      x,
      y: latency,
      lines: [
        lineOf("p99", "strong", over(0.99)),
        lineOf("p90", "middle", over(0.9)),
        lineOf("p50", "weak", over(0.5))
      ]
    },
    {
      title: "99th percentile by operation",
      description: "Over time",
      x,
      y: latency,
      lines: used.map(({ color, operation, own }) =>
        lineOf(
          operation,
          color,
          intervals(own, width).map(
            ({ samples, time }) => [time, percentile(sortedLatencies(samples), 0.99)] as const
          )
        )
      )
    },
    {
      title: "Latency by percentile",
      description: "The whole run",
      x: {
        label: "percentile of requests",
        ticks: knownParts(Math.max(...used.map(({ own }) => own.length))).map(
          (part) => [nines(part), `${Number((part * 100).toFixed(2))} %`] as const
        )
      },
      y: latency,
      lines: used.map(({ color, operation, own }) => {
        const sorted = sortedLatencies(own)
        return lineOf(
          operation,
          color,
          knownParts(sorted.length).map((part) => [nines(part), percentile(sorted, part)] as const)
        )
      })
    },
    {
      title: "Requests per second",
      description: "Due, answered, and failed",
      x,
      y: { label: "requests per second", isLog: false, unit: "/s" },
      lines: [
        lineOf(
          "due",
          "blue",
          groups.map(({ samples, time }) => [time, samples.length / width] as const)
        ),
        lineOf("answered", "aqua", answered),
        lineOf("failed", "red", failed)
      ]
    }
  ]
}

/** Rows of the summary: each operation, and all. Latencies in milliseconds. */
export const rowsOf = ({ samples }: Pick<LoadResult, "samples">) =>
  [...OPERATIONS, "all" as const].flatMap((operation) => {
    const own = operation === "all" ? samples : samples.filter((sample) => sample.operation === operation)
    const latencies = summarize(own)
    if (latencies === undefined) return []
    const { count, max, p50, p90, p99, p999 } = latencies
    return [
      {
        operation,
        requests: number(count),
        p50: number(p50),
        p90: number(p90),
        p99: number(p99),
        "p99.9": number(p999),
        max: number(max),
        failed: number(own.filter(({ failure }) => failure !== undefined).length)
      }
    ]
  })

const tableOf = (rows: ReadonlyArray<Readonly<Record<string, string>>>, className = "numbers") => {
  const names = Object.keys(rows[0] ?? {})
  const cells = (row: Readonly<Record<string, string>>) =>
    names
      .map(
        (name, n) => `<t${n === 0 ? "h scope=row" : "d"}>${escape(row[name] ?? "")}</t${n === 0 ? "h" : "d"}>`
      )
      .join("")
  return `<table class="${className}"><thead><tr>${names.map((name) => `<th scope=col>${escape(name)}</th>`).join("")}</tr></thead><tbody>${rows.map((row) => `<tr>${cells(row)}</tr>`).join("")}</tbody></table>`
}

const STYLES = `
:root { color-scheme: light dark; --page: #fcfcfb; --ink: #0b0b0b; --muted: #52514e; --rule: #e1e0d9;
  --blue: #2a78d6; --orange: #eb6834; --aqua: #1baf7a; --yellow: #b97e00; --magenta: #c94f83; --red: #c93635;
  --weak: #86b6ef; --middle: #3987e5; --strong: #184f95 }
@media (prefers-color-scheme: dark) { :root { --page: #1a1a19; --ink: #ffffff; --muted: #c3c2b7; --rule: #3a3a37;
  --blue: #3987e5; --orange: #d95926; --aqua: #199e70; --yellow: #c98500; --magenta: #d55181; --red: #e66767;
  --weak: #2a6fc4; --middle: #5598e7; --strong: #b7d3f6 } }
body { font: 15px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 60rem; padding: 2rem 1.25rem; background: var(--page); color: var(--ink) }
h1 { font-size: 1.5rem; margin: 0 } h2 { font-size: 1.05rem; margin: 0 } p { color: var(--muted); margin: .15rem 0 .75rem }
figure { margin: 2.5rem 0 } svg { width: 100%; height: auto; display: block; overflow: visible }
svg text { font: 12px system-ui, sans-serif; fill: var(--muted) } svg .name { fill: var(--ink) }
.end { text-anchor: end } .middle { text-anchor: middle } .grid { stroke: var(--rule) }
.line { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; margin: 1rem 0 2rem }
th, td { text-align: right; padding: .35rem .6rem; border-bottom: 1px solid var(--rule) } th:first-child, .texts th, .texts td { text-align: left }
thead th { color: var(--muted); font-weight: 500 }
.scroll { overflow-x: auto }
`

/** Renders a run as a page that needs no other file, for light and dark screens. */
export const toHtml = (result: LoadResult): string => {
  const { clients, rate, samples, seconds, startedAt, url } = result
  const failures = groupFailures(samples).map(({ count, example, operation, reason }) => ({
    operation,
    requests: number(count),
    reason,
    example
  }))
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Load of ${escape(url)}</title><style>${STYLES}</style></head>
<body><h1>Load of ${escape(url)}</h1>
<p>${startedAt.toISOString().slice(0, 16).replace("T", " ")} UTC: ${number(samples.length)} requests of ${number(clients)} clients, ${number(rate)} per second, in ${number(seconds)} seconds.</p>
<p>Requests were sent at fixed times, whether or not earlier ones had been answered. A latency starts when its request was due, so it includes the time for which a slow server delayed it. Latencies are in milliseconds and include failed requests.</p>
<div class="scroll">${tableOf(rowsOf(result))}</div>
${chartsOf(result).map(render).join("\n")}
<h2>Failures</h2>
${failures.length === 0 ? "<p>No request failed.</p>" : `<div class="scroll">${tableOf(failures, "texts")}</div>`}
</body></html>
`
}
