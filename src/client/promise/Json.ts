/** Parses JSON text. Returns undefined for other text. */
export const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const camelCase = (name: string) => name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())

/** Fields with times: `fetched_at` and the like, and these names. */
const TIME_FIELD = /_at$|^(at|start|as_of|times|time|since|until)$/

/** Fields that stay as they are: the response of a provider, and details of any form. */
const VERBATIM_FIELD = /^(raw|details)$/

/** Decodes a response of the server, whose contract `A` describes. Fields that the server adds later are kept. */
export const decode = <A>(value: unknown): A => toCamelCase(value) as A

/** Types a response that stays as the server sent it, because its fields are hashed or signed. */
export const verbatim = <A>(value: unknown): A => value as A

/** Renames fields to camelCase and parses times. */
const toCamelCase = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(toCamelCase)
  if (!isRecord(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [
      camelCase(name),
      VERBATIM_FIELD.test(name) ? field : TIME_FIELD.test(name) ? toTime(field) : toCamelCase(field)
    ])
  )
}

const toTime = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(toTime)
  return typeof value === "string" ? new Date(value) : toCamelCase(value)
}
