/** What may stand in an array. */
export type Value = string | number | boolean | null

/** What is taken as it stands; all else needs quotes, and so does the word that means nothing. */
const BARE = /^(?!null$)[\w.:+-]+$/i

/**
 * Values as an array of Postgres in its text form, for a parameter such as `${PgArray.of(ids)}::uuid[]`: one parameter
 * carries a column of any number of rows, so that the statement is the same for all of them.
 */
export const of = (values: ReadonlyArray<Value>): string => {
  let text = ""
  for (const value of values) text += text === "" ? elementOf(value) : `,${elementOf(value)}`
  return `{${text}}`
}

const elementOf = (value: Value): string => {
  if (value === null) return "NULL"
  const text = String(value)
  return BARE.test(text) ? text : `"${text.replace(/["\\]/g, "\\$&")}"`
}
