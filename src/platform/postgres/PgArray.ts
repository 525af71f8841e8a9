/**
 * Numbers, ids, codes or times as an array of Postgres in its text form, for a parameter such as
 * `${PgArray.of(ids)}::uuid[]`: one parameter carries a column of any number of rows, so that the statement is the same for
 * all of them. None of them may need quotes.
 */
export const of = (values: ReadonlyArray<string | number | boolean | null>): string => {
  let text = ""
  for (const value of values) text += `${text === "" ? "{" : ","}${value ?? "NULL"}`
  return text === "" ? "{}" : `${text}}`
}

/** As {@link of}, for texts that may say anything. */
export const ofTexts = (texts: ReadonlyArray<string | null>): string => of(texts.map(quoted))

const quoted = (text: string | null) => (text === null ? null : `"${text.replace(/["\\]/g, "\\$&")}"`)
