/** Previous names of renamed metrics, by their names. `GET /metrics` returns both for one release. */
export const PREVIOUS_NAMES: ReadonlyMap<string, string> = new Map([
  ["effex_stream_disconnects_total", "effex_stream_cut_total"],
  ["effex_provider_consecutive_failures", "effex_provider_failures_in_a_row"],
  ["effex_database_calls_in_flight", "effex_database_calls_under_way"],
  ["effex_api_keys_rejected_total", "effex_keys_refused_total"],
  ["effex_funding_unknown_outcomes_total", "effex_funding_unknown_answers_total"]
])

const LINE = /^(# (?:HELP|TYPE) )?(\w+)(.*)$/

/** Appends the renamed metrics of a text in the format of Prometheus, under their previous names. */
export const appendTo = (text: string): string => {
  const lines = text.split("\n").flatMap((line) => {
    const [, comment = "", name = "", rest = ""] = LINE.exec(line) ?? []
    const previous = PREVIOUS_NAMES.get(name)
    if (previous === undefined) return []
    return comment === "# HELP "
      ? [`# HELP ${previous} Deprecated: use ${name}`]
      : [`${comment}${previous}${rest}`]
  })
  const end = text === "" || text.endsWith("\n") ? "" : "\n"
  return lines.length === 0 ? text : `${text}${end}${lines.join("\n")}\n`
}
