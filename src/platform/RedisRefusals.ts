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

/** Reasons that concern every write, so that the outcome of one says whether they still hold. */
const WRITE_REASONS: ReadonlySet<RefusalReason> = new Set(["read-only", "out-of-memory", "persistence"])
/** The write whose success ends a refusal of all writes. Health checks send it. */
const PLAIN_WRITE = "SET"
const ALL_WRITES = "all writes"
/** A refusal ends after this time without another one: the command may not be sent any more. */
const MAX_REFUSAL_AGE_MILLIS = 300_000

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
  const refusals = new Map<string, Refusal & { readonly at: number }>()
  return {
    current: () => {
      const since = performance.now() - MAX_REFUSAL_AGE_MILLIS
      for (const [id, { at }] of refusals) if (at < since) refusals.delete(id)
      return Array.from(refusals.values())
    },
    record: (command, args, error) => {
      const reply = refusedReply(error)
      // Neither a lost connection nor a timeout says whether Redis accepts the command.
      if (error !== undefined && reply === undefined) return undefined
      if (reply === undefined) {
        const hasEnded = refusals.delete(identify(command, args))
        const canWrite = command === PLAIN_WRITE && refusals.delete(ALL_WRITES)
        return (hasEnded || canWrite) && refusals.size === 0 ? null : undefined
      }
      const refusal = { reply, at: performance.now(), ...describe(command, reply) }
      const id = WRITE_REASONS.has(refusal.reason) ? ALL_WRITES : identify(command, args)
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
  if (code === "NOREPLICAS") return { reason: "persistence", detail: "it has too few replicas" }
  if (code === "MISCONF") return { reason: "persistence", detail: "it cannot save its data" }
  if (code === "NOPERM" || /ACL failure|can't run this command/.test(reply))
    return { reason: "no-permission", detail: "its user lacks a permission" }
  return { reason: "other", detail: `it answers ${command} with ${code}` }
}
