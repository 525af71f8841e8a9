/**
 * Formats values as a PostgreSQL array literal, for a parameter such as `${PgArray.of(ids)}::uuid[]`. One parameter holds
 * a whole column, so that the statement is the same for any number of rows. The values must not need quotes: use it for
 * numbers, ids, codes and times.
 */
export const of = (values: ReadonlyArray<string | number | boolean | null>): string => {
  let text = ""
  for (const value of values) text += `${text === "" ? "{" : ","}${value ?? "NULL"}`
  return text === "" ? "{}" : `${text}}`
}

/** Formats any text as a PostgreSQL array literal. */
export const ofTexts = (texts: ReadonlyArray<string | null>): string => of(texts.map(quoted))

const quoted = (text: string | null) => (text === null ? null : `"${text.replace(/["\\]/g, "\\$&")}"`)
