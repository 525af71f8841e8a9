/** Formats rows with the same fields as a table with a header. A missing value is a dash. */
export const renderRows = (rows: ReadonlyArray<Readonly<Record<string, unknown>>>): string => {
  const names = Object.keys(rows[0] ?? {})
  const cells = rows.map((row) => names.map((name) => String(row[name] ?? "-")))
  const lines = [names.map((name) => name.replaceAll("_", " ")), ...cells]
  const widths = names.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd()
    )
    .join("\n")
}

/** Formats fields as two columns: name and value. A missing value is a dash. */
export const render = (fields: Readonly<Record<string, unknown>>): string => {
  const rows = Object.entries(fields).map(
    ([name, value]) => [name.replaceAll("_", " "), String(value ?? "-")] as const
  )
  const width = Math.max(...rows.map(([name]) => name.length))
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join("\n")
}
