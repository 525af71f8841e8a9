/** A selector of a PromQL query: a metric and its label matchers. */
export interface Selector {
  readonly metric: string
  readonly matchers: ReadonlyArray<{
    readonly label: string
    readonly operator: string
    readonly value: string
  }>
}

const WORDS = new Set(["and", "or", "unless", "by", "without", "on", "ignoring", "bool", "offset"])
/** Strings inside the braces can contain braces. */
const SELECTOR = /([a-zA-Z_:][\w:]*)\s*(\{(?:[^}"]|"[^"]*")*\})?\s*(\(?)/g
const MATCHER = /(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"/g
const GROUPING = /\b(?:by|without|on|ignoring)\s*\(([^)]*)\)/g

/** Returns the selectors of a query. */
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
            matchers: Array.from(braces.matchAll(MATCHER), ([, label = "", operator = "", value = ""]) => ({
              label,
              operator,
              value
            }))
          }
        ]
  )

/** Returns the labels by which a query groups. */
export const groupsOf = (query: string): ReadonlyArray<string> =>
  Array.from(query.matchAll(GROUPING), ([, labels = ""]) =>
    labels.split(",").map((label) => label.trim())
  ).flat()
