/** Fields as two columns, for people. */
export const render = (fields: Readonly<Record<string, unknown>>): string => {
  const rows = Object.entries(fields).map(
    ([name, value]) => [name.replaceAll("_", " "), String(value)] as const
  )
  const width = Math.max(...rows.map(([name]) => name.length))
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join("\n")
}
