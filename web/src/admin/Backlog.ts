import { shallowRef } from "vue"
import type { Overview } from "../../../src/client/promise/admin/OperationValues.ts"

/** The latest overview that a page of the area read. The rail shows from it what waits. */
export const latestOverview = shallowRef<Overview>()
