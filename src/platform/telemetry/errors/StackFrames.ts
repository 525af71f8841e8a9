import { fileURLToPath } from "node:url"

/** One call of a stack trace, as Sentry describes it. */
export interface StackFrame {
  readonly function: string
  /** Relative to the folder of effex, or to `node_modules`. */
  readonly filename: string
  readonly lineno: number
  readonly colno: number
  readonly in_app: boolean
}

const MAX_FRAMES = 50
const ROOT = fileURLToPath(new URL("../../../../", import.meta.url))
const LINE = /^\s*at (?:(.*?) \()?(?:file:\/\/)?([^()\s]+):(\d+):(\d+)\)?$/

/** Parses the stack of an error. The oldest call comes first, as Sentry expects. */
export const parse = (stack: string | undefined): ReadonlyArray<StackFrame> =>
  (stack ?? "")
    .split("\n")
    .flatMap((line): ReadonlyArray<StackFrame> => {
      const [, name = "<anonymous>", file = "", row, column] = LINE.exec(line) ?? []
      if (file === "") return []
      const filename = relative(file)
      const in_app = file.startsWith(ROOT) && !file.includes("node_modules/")
      return [{ function: name, filename, lineno: Number(row), colno: Number(column), in_app }]
    })
    .slice(0, MAX_FRAMES)
    .toReversed()

/** A path outside of effex may name a user of the machine: only its file name is kept. */
const relative = (file: string) => {
  const packages = file.lastIndexOf("node_modules/")
  if (packages >= 0) return file.slice(packages)
  if (file.startsWith(ROOT)) return file.slice(ROOT.length)
  return file.startsWith("node:") ? file : file.slice(file.lastIndexOf("/") + 1)
}
