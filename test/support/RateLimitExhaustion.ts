import { Clock, Duration, Effect } from "effect"
import { RateLimits } from "../../src/access/RateLimits.ts"
import { RateLimitExceeded } from "../../src/domain/access/RateLimit.ts"

/**
 * Uses up a limit at a time in the future: the next request exceeds it, however much later it arrives, because no refill
 * time has passed.
 */
export const exhaust = Effect.fnUntraced(function* (kind: "keys" | "pages", identity: string) {
  const { consumeSync } = yield* RateLimits
  const tomorrow = (yield* Clock.currentTimeMillis) + Duration.toMillis("1 day")
  while (!(consumeSync(kind, identity, tomorrow) instanceof RateLimitExceeded));
})
