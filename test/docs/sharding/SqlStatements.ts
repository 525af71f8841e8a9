import { readdirSync, readFileSync } from "node:fs"
import { join, relative } from "node:path"

/** A statement in the source, with `?` in place of its values and fragments. */
export interface SourceStatement {
  readonly file: string
  readonly text: string
}

/** Returns the end of the template that starts at a backtick, and its text. */
const readTemplate = (source: string, start: number): { readonly end: number; readonly text: string } => {
  let text = ""
  let at = start + 1
  while (at < source.length && source[at] !== "`") {
    if (source[at] === "\\") {
      text += source.slice(at, at + 2)
      at += 2
    } else if (source.startsWith("${", at)) {
      at = skipExpression(source, at + 2)
      text += "?"
    } else {
      text += source[at]
      at++
    }
  }
  return { end: at + 1, text }
}

/** Returns the position after the brace that closes an expression; templates in it may contain braces. */
const skipExpression = (source: string, start: number): number => {
  let depth = 1
  let at = start
  while (at < source.length && depth > 0) {
    if (source[at] === "`") at = readTemplate(source, at).end
    else {
      if (source[at] === "{") depth++
      if (source[at] === "}") depth--
      at++
    }
  }
  return at
}

const TAG = /\bsql(?:<[^`]*?>)?`/g

const statementsIn = (file: string, source: string): ReadonlyArray<SourceStatement> =>
  Array.from(source.matchAll(TAG), ({ 0: tag, index }) => ({
    file,
    text: readTemplate(source, index + tag.length - 1).text
  }))

/** Reads every `sql` template below a folder, also those within other templates. */
export const read = (folder: string): ReadonlyArray<SourceStatement> =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .toSorted()
    .flatMap((name) => {
      const path = join(folder, name)
      return statementsIn(relative(join(folder, ".."), path), readFileSync(path, "utf8"))
    })
