import { type Figure, isReached, type Report, type Row, type Target } from "./Report.ts"
import type { Spread } from "./Statistics.ts"

/** Renders results, environment and notes as Markdown. */
export const toMarkdown = (
  description: ReadonlyArray<string>,
  reports: ReadonlyArray<Report>,
  failures: ReadonlyArray<string>
): string => {
  const rows = reports.flatMap((report) => report.rows)
  const figures = reports.flatMap((report) => report.figures)
  const notes = reports.flatMap(({ notes = [] }) => notes)
  return [
    table(["workload", "measure", "result (min – max)", "target", "reached"], rows.map(rowCells)),
    table(["workload", "server", "quantity", "median (min – max)"], figures.map(figureCells)),
    list(description),
    list(notes),
    list(failures.map((failure) => `**not measured:** ${failure}`))
  ]
    .filter((part) => part !== "")
    .join("\n\n")
    .concat("\n")
}

const rowCells = ({ measure, result, target, unit = "", workload }: Row) => [
  workload,
  measure,
  spread(result, unit),
  target === undefined ? "" : targetText(target, unit),
  target === undefined ? "" : isReached(result, target) ? "yes" : "no"
]

const figureCells = ({ quantity, result, server, unit, workload }: Figure) => [
  workload,
  server,
  quantity,
  spread(result, unit)
]

const targetText = (target: Target, unit: string) =>
  "atLeast" in target ? `≥ ${withUnit(target.atLeast, unit)}` : `≤ ${withUnit(target.atMost, unit)}`

const spread = ({ max, median, min }: Spread, unit: string) =>
  `${withUnit(number(median), unit)} (${number(min)} – ${number(max)})`

const withUnit = (value: number | string, unit: string) =>
  unit === "" ? String(value) : unit.startsWith("/") ? `${value}${unit}` : `${value} ${unit}`

const number = (value: number) =>
  value >= 1_000
    ? Math.round(value).toLocaleString("en").replaceAll(",", " ")
    : value >= 100
      ? value.toFixed(0)
      : value >= 10
        ? value.toFixed(1)
        : value.toFixed(2)

const table = (header: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>) =>
  rows.length === 0
    ? ""
    : [header, header.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n")

const list = (items: ReadonlyArray<string>) => items.map((item) => `- ${item}`).join("\n")
