/** A selector of a query: a metric, and what its labels must be. */
export interface Selector {
  readonly metric: string
  readonly matchers: ReadonlyArray<{ readonly label: string; readonly is: string; readonly value: string }>
}

const WORDS = new Set(["and", "or", "unless", "by", "without", "on", "ignoring", "bool", "offset"])
/** What stands in braces may itself hold braces, in strings. */
const SELECTOR = /([a-zA-Z_:][\w:]*)\s*(\{(?:[^}"]|"[^"]*")*\})?\s*(\(?)/g
const MATCHER = /(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"/g
const GROUPING = /\b(?:by|without|on|ignoring)\s*\(([^)]*)\)/g

/** The selectors of a query. */
export const selectorsOf = (query: string): ReadonlyArray<Selector> =>
  Array.from(
    query
      .replace(GROUPING, " ")
      .replace(/\[[^\]]*\]/g, "")
      .matchAll(SELECTOR)
  ).flatMap(([, metric = "", braces = "", call]) =>
    call === "(" || WORDS.has(metric)
      ? []
      : [
          {
            metric,
            matchers: Array.from(braces.matchAll(MATCHER), ([, label = "", is = "", value = ""]) => ({
              label,
              is,
              value
            }))
          }
        ]
  )

/** The labels that a query groups by. */
export const groupsOf = (query: string): ReadonlyArray<string> =>
  Array.from(query.matchAll(GROUPING), ([, labels = ""]) =>
    labels.split(",").map((label) => label.trim())
  ).flat()
