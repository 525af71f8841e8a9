import { Predicate } from "effect"

/** Reasons for which a Redis that answers refuses commands. */
export const REFUSAL_REASONS = [
  "read-only",
  "out-of-memory",
  "no-permission",
  "persistence",
  "other"
] as const
export type RefusalReason = (typeof REFUSAL_REASONS)[number]

/** A command that Redis refused when it was last sent. */
export interface Refusal {
  readonly reason: RefusalReason
  /** Public description: no key, value, user or host. */
  readonly detail: string
  /** Text of the reply, for logs. */
  readonly reply: string
}

/** The commands whose last outcome was a refusal. */
export interface RedisRefusals {
  readonly current: () => ReadonlyArray<Refusal>
  /** Records the outcome of a command. Returns the refusal if it is new, or null if an earlier one has ended. */
  readonly record: (
    command: string,
    args: ReadonlyArray<string>,
    error: unknown
  ) => Refusal | null | undefined
}

export const make = (): RedisRefusals => {
  const refusals = new Map<string, Refusal>()
  return {
    current: () => Array.from(refusals.values()),
    record: (command, args, error) => {
      const reply = refusedReply(error)
      // Neither a lost connection nor a timeout says whether Redis accepts the command.
      if (error !== undefined && reply === undefined) return undefined
      // Most commands succeed, and then only this lookup is necessary.
      if (reply === undefined && refusals.size === 0) return undefined
      const id = identify(command, args)
      if (reply === undefined) return refusals.delete(id) && refusals.size === 0 ? null : undefined
      const refusal = { reply, ...describe(command, reply) }
      const isNew = refusals.get(id)?.reason !== refusal.reason
      refusals.set(id, refusal)
      return isNew ? refusal : undefined
    }
  }
}

/** Text of an error reply. Undefined for other failures, and for a script that has to be sent again. */
const refusedReply = (error: unknown) =>
  Predicate.isError(error) && error.name === "ReplyError" && !error.message.startsWith("NOSCRIPT")
    ? error.message
    : undefined

/** Scripts differ in the commands that they run, so each counts as a command of its own. */
const identify = (command: string, [first = ""]: ReadonlyArray<string>) =>
  command === "EVALSHA" ? `script ${first}` : command

const describe = (command: string, reply: string): Pick<Refusal, "detail" | "reason"> => {
  const [code = "an error"] = /^[A-Z]+/.exec(reply) ?? []
  if (code === "READONLY") return { reason: "read-only", detail: "it is a read-only replica" }
  if (code === "OOM") return { reason: "out-of-memory", detail: "its memory is full" }
  if (code === "MISCONF") return { reason: "persistence", detail: "it cannot save its data" }
  if (code === "NOPERM" || /ACL failure|can't run this command/.test(reply))
    return { reason: "no-permission", detail: "its user lacks a permission" }
  return { reason: "other", detail: `it answers ${command} with ${code}` }
}
