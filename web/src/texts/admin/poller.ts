/** Texts of the schedule of the poller. */
export const texts = {
  title: "Schedule of the poller",
  changeHeading: "Change the schedule",
  interval: "Every",
  unit: "Unit",
  polling: "Polling",
  on: "On",
  off: "Off",
  units: { seconds: "seconds", minutes: "minutes", hours: "hours", days: "days" },
  wrongInterval: "Type a whole number from 1.",
  every: (interval: string) => `every ${interval}`,
  fromSetting: "POLL_INTERVAL",
  costs: (day: string, month: string) => `About ${day} requests a day, ${month} in 30 days.`,
  difference: (amount: string, isMore: boolean) =>
    amount === "" ? "The same as now." : `${amount} ${isMore ? "more" : "fewer"} in 30 days than now.`,
  how: (perPoll: string, provider: string) =>
    `${perPoll} requests per poll to ${provider}. Retries, failover, prices and lookups on demand are not included.`,
  changeButton: "Change…",
  change: "Change the schedule",
  changeTitle: "Change the schedule",
  changeText: (interval: string) => `All nodes poll every ${interval} within two seconds.`,
  offText:
    "Scheduled polling stops on all nodes. Rates become stale, and are fetched only when somebody asks for them.",
  changed: "The schedule was changed",
  reset: "Use POLL_INTERVAL again",
  resetTitle: "Use POLL_INTERVAL again",
  resetText: (interval: string) =>
    `The stored schedule is deleted: polls run every ${interval}, as this node is configured.`,
  run: "Poll now",
  runTitle: "Poll now",
  runText: (requests: string) =>
    `All pairs are fetched at once: ${requests} requests. If a poll is running already, nothing more starts.`,
  started: "The poll has started",
  recent: "Recent polls",
  noPolls: "No poll has run yet.",
  history: "Changes of the schedule",
  noChanges: "The schedule was never changed here.",
  sets: { currencies: "currencies", prices: "prices" },
  triggers: { schedule: "schedule", demand: "an administrator", "command-line": "command line" },
  states: { running: "running", finished: "complete", interrupted: "interrupted" },
  failed: (count: number) => `${count} failed`,
  millis: (millis: number) => `${millis} ms`,
  result: (succeeded: number | null, pairs: number) =>
    succeeded === null ? `${pairs} pairs` : `${succeeded} of ${pairs} pairs`,
  facts: {
    schedule: "Schedule",
    database: "set by an administrator",
    setting: "from POLL_INTERVAL",
    next: "Next poll",
    in: (age: string) => `in ${age}`,
    never: "none",
    last: "Last poll",
    leader: "Leader",
    term: (term: number) => `term ${term}`,
    since: (time: string) => `since ${time}`,
    none: "none"
  },
  columns: {
    started: "Started",
    set: "Pairs",
    trigger: "Started by",
    duration: "Duration",
    result: "Result",
    state: "State",
    at: "Changed",
    from: "From",
    to: "To",
    by: "By"
  }
} as const
