/** Tokens of valid JSON: brackets, separators, strings, and other scalars. */
const TOKEN = /[{}[\],:]|"[^"\\]*(?:\\.[^"\\]*)*"|[^ \t\n\r{}[\],:"]+/g

/** Returns the text of each field of a valid JSON object, verbatim. Of a repeated field, it returns the last one. */
export const fieldsOf = (text: string): ReadonlyMap<string, string> => {
  const fields = new Map<string, string>()
  for (const member of membersOf(text)) {
    const [key = ""] = member.match(TOKEN) ?? []
    if (!key.startsWith('"')) continue
    const value = member.slice(member.indexOf(key) + key.length).replace(/^\s*:\s*/, "")
    fields.set(String(JSON.parse(key)), value)
  }
  return fields
}

/** Returns the text of each element of a valid JSON array, verbatim. */
export const elementsOf = (text: string): ReadonlyArray<string> => membersOf(text)

/** Splits the members of an object or array at its commas. */
const membersOf = (text: string): ReadonlyArray<string> => {
  const members: Array<string> = []
  let depth = 0
  let start = 0
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    if (token === "{" || token === "[") {
      if (++depth === 1) start = index + 1
    } else if (depth === 1 && (token === "," || token === "}" || token === "]")) {
      const member = text.slice(start, index).trim()
      if (member !== "") members.push(member)
      start = index + 1
      if (token !== ",") return members
    } else if (token === "}" || token === "]") depth--
  }
  return members
}
