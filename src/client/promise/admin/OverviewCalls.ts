import type { CallOptions } from "../Requests.ts"
import type { AdminRequests } from "./AdminRequests.ts"
import type { ActiveSetting, Overview } from "./OperationValues.ts"

/** The state of the service. */
export interface OverviewCalls {
  /** Returns health, polls, the backlog and the alerts whose conditions hold now. The server caches it for two seconds. */
  overview(options?: CallOptions): Promise<Overview>
  /** Returns every setting of the server. Values of secrets are never returned. */
  settings(options?: CallOptions): Promise<ReadonlyArray<ActiveSetting>>
}

/** Makes the calls that read the state of the service. */
export const make = ({ get }: AdminRequests): OverviewCalls => ({
  overview: async (options) => get("overview", "/overview", "readiness", options),
  settings: async (options) => {
    const { data } = await get<{ readonly data: ReadonlyArray<ActiveSetting> }>(
      "settings",
      "/settings",
      "data",
      options
    )
    return data
  }
})
