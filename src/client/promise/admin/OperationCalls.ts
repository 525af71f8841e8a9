import * as Options from "../Options.ts"
import type { PagedList } from "../Pages.ts"
import type { CallOptions } from "../Requests.ts"
import type { AdminRequests, ChangeOptions, ListOptions } from "./AdminRequests.ts"
import type {
  OperatorPoll,
  Poller,
  PollerChange,
  PollerSetting,
  QuarantinedRate,
  QuarantineRecord,
  QuarantineStatus
} from "./OperationValues.ts"

/** Reason of the decision of an administrator on a rate. It is recorded. */
export interface OptionalReason {
  readonly reason?: string | undefined
}

/** Rates that failed a plausibility check. They are never served. */
export interface QuarantineCalls {
  /** Lists quarantined rates, newest first. */
  list(
    options?: ListOptions & {
      readonly status?: QuarantineStatus | undefined
      readonly from?: string | undefined
      readonly to?: string | undefined
    }
  ): PagedList<QuarantinedRate>
  get(quarantineId: string, options?: CallOptions): Promise<QuarantineRecord>
  /** Stores it as a rate that is in force from its observation time. */
  accept(quarantineId: string, reason?: OptionalReason, options?: CallOptions): Promise<QuarantinedRate>
  /** Rejects it, and further rates of the provider at its level. */
  reject(quarantineId: string, reason?: OptionalReason, options?: CallOptions): Promise<QuarantinedRate>
}

/** The schedule of the poller. */
export interface PollerCalls {
  get(options?: CallOptions): Promise<Poller>
  /** Changes the schedule on all nodes. */
  change(setting: PollerSetting, options?: ChangeOptions): Promise<Poller>
  /** Deletes the stored schedule, so that POLL_INTERVAL applies again. */
  reset(options?: ChangeOptions): Promise<Poller>
  /** Lists who changed the schedule and when, newest first. */
  changes(options?: ListOptions): PagedList<PollerChange>
  /** Starts a poll, or returns the one that is running. */
  run(options?: CallOptions & { readonly reason?: string | undefined }): Promise<OperatorPoll>
}

/** Makes the calls of quarantined rates. */
export const makeQuarantine = ({ action, get, list }: AdminRequests): QuarantineCalls => {
  const decide = (name: string) => {
    const pathOf = (id: string) => `/quarantine/${id}/${name}`
    const send = action<QuarantinedRate, OptionalReason>(
      `quarantine.${name}`,
      pathOf,
      ["reason"],
      "quarantine_id"
    )
    return (id: string, reason: OptionalReason = {}, options?: CallOptions) => send(id, reason, options)
  }
  return {
    list: (options = {}) => list("quarantine.list", "/quarantine", options, ["status", "from", "to"]),
    get: async (id, options) =>
      get("quarantine.get", `/quarantine/${Options.pathId("quarantineId", id)}`, "quarantine_id", options),
    accept: decide("accept"),
    reject: decide("reject")
  }
}

/** Makes the calls of the poller. */
export const makePoller = ({ get, list, send }: AdminRequests): PollerCalls => {
  const path = "/poller"
  return {
    get: async (options) => get("poller.get", path, "interval", options),
    change: async (setting, options) => {
      Options.requireKnown("poller.change", setting, ["interval", "enabled"])
      return send("poller.change", { path, method: "PUT", body: { ...setting } }, "interval", options)
    },
    reset: async (options) => send("poller.reset", { path, method: "DELETE" }, "interval", options),
    changes: (options = {}) => list("poller.changes", `${path}/changes`, options),
    run: async (options) => send("poller.run", { path: `${path}/runs`, method: "POST" }, "run_id", options)
  }
}
