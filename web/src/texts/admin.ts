const plural = (count: number, one: string, many: string) => (count === 1 ? `1 ${one}` : `${count} ${many}`)

/** Texts of the admin area. */
export const texts = {
  titleOf: (page: string) => `${page} · Administration`,
  loading: "Loading…",
  more: "Show more",
  retry: "Try again",
  filter: "Filter",
  stillShown: "The numbers below are from before the failure.",
  live: "Live",
  ago: (age: string) => `${age} ago`,
  asOf: (time: string) => `As of ${time}`,
  never: "never",
  nobody: "nobody",
  none: "none",
  commandLine: (name: string) => `command line (${name})`,
  id: { copy: (id: string) => `${id}, copy`, copied: "Copied" },
  nav: { label: "Administration", title: "Administration", sandbox: "Sandbox", waiting: "waiting" },
  sections: {
    overview: "Overview",
    rates: "Rates",
    poller: "Schedule",
    conversions: "Conversions",
    users: "Users",
    ledger: "Ledger",
    funding: "Funding",
    orders: "Orders",
    reviews: "Reviews",
    keys: "API keys",
    assets: "Assets",
    settings: "Settings",
    actions: "Admin log"
  },
  reason: {
    label: "Reason",
    help: "It is recorded in the admin log with your name.",
    missing: (label = "Reason") => `${label} is missing.`,
    type: (word: string) => `Type ${word} to confirm`,
    typeExactly: (word: string) => `Type ${word} exactly.`
  },
  overview: {
    attention: "What needs attention",
    well: "All is well",
    wellText: "Nothing fails, and nothing waits for you.",
    look: "Look at it",
    since: (age: string) => `Oldest: ${age}.`,
    severity: { critical: "Critical", warning: "Warning", waiting: "Waiting" },
    waiting: {
      quarantine: {
        title: (count: number) =>
          plural(count, "quarantined rate awaits a decision", "quarantined rates await a decision"),
        detail: "The pair keeps its last good rate until you decide.",
        action: "Decide"
      },
      reviews: {
        title: (count: number) =>
          plural(count, "movement is held for review", "movements are held for review"),
        detail: "Its money is held. Undecided movements are rejected when they expire.",
        action: "Review"
      },
      withdrawals: {
        title: (count: number) => plural(count, "withdrawal is pending", "withdrawals are pending"),
        detail: "The money is held until the payment is confirmed or refused.",
        action: "Confirm or refuse"
      },
      deposits: {
        title: (count: number) => plural(count, "deposit is pending", "deposits are pending"),
        detail: "The user waits for the money.",
        action: "Confirm or refuse"
      },
      adjustments: {
        title: (count: number) =>
          plural(count, "adjustment needs a second administrator", "adjustments need a second administrator"),
        detail: "Whoever requested it cannot approve it.",
        action: "Decide"
      },
      deadBatches: {
        title: (count: number) =>
          plural(count, "batch of orders was given up", "batches of orders were given up"),
        detail: "Its orders wait with their money held. Find the reason, then retry it.",
        action: "Retry"
      },
      openOrders: {
        title: (count: number) => plural(count, "open order", "open orders"),
        detail: "",
        action: "Look"
      }
    },
    alertAdvice: {
      EffexRatesStale: "Check that the provider answers. Conversions use the last known rates.",
      EffexRatesMissing: "The failures of the last poll name the pairs without a rate.",
      EffexPollsFail: "Check the provider, its key, and the network.",
      EffexProviderFails: "A rejected request points to the key; no response points to the network.",
      EffexClockSkew: "Synchronize the clocks of the node and of the database with NTP.",
      EffexDatabaseFails: "Rates are served from memory. Check that PostgreSQL is up and reachable.",
      EffexRedisDown: "Rates and conversions continue. Check REDIS_URL.",
      EffexAuditSealRefused:
        "The audit contradicts a signed head. Read docs/audit.md before you change anything.",
      EffexAuditNotSealed: "Conversions are committed, but their receipts wait.",
      EffexLedgerBroken:
        "Stop movements of money, and keep a copy of the database before you correct anything.",
      EffexOrdersUnsettled: "Check that the exchange answers."
    } as Readonly<Record<string, string>>,
    facts: {
      oldest: "Oldest rate",
      none: "none",
      pairs: (known: number, expected: number) => `${known} of ${expected} pairs have a rate`,
      provider: "Provider",
      answering: (answering: number, all: number) => `${answering} of ${all} answering`,
      lastPoll: "Last poll",
      every: (interval: string) => `every ${interval}`,
      off: "polling is off",
      unknown: "not known: the database does not respond"
    },
    polls: (count: number, median: number) => `Last ${count} polls, median ${median} ms`,
    health: "Health of this node",
    checks: {
      database: "PostgreSQL",
      redis: "Redis",
      provider: (name: string) => `Provider ${name}`,
      rates: "Rates",
      known: (known: number, expected: number, age: string) =>
        `${known} of ${expected}${age === "" ? "" : `, the oldest is ${age} old`}`,
      clock: "Clock",
      skew: (seconds: string) => `${seconds} s ahead of the database`,
      audit: "Audit"
    },
    status: { ok: "ok", degraded: "degraded", down: "down", off: "not used" },
    version: (version: string, exchange: string) => `effex ${version}, orders at: ${exchange}`
  },
  rates: {
    title: "Rates and quarantine",
    quarantined: "Quarantined rates",
    empty: "No rate is quarantined. Rates that fail a check would wait here.",
    pair: (from: string, to: string) => `${from} to ${to}`,
    arrived: (age: string, provider: string) => `${age} ago, from ${provider}`,
    agreeing: (count: number) => (count === 1 ? "returned by 1 poll" : `returned by ${count} polls in a row`),
    lastGood: "Last good",
    reference: "Expected about",
    noReference: "not known",
    offered: "Offered",
    scale: (change: string) =>
      `The offered rate is ${change === "" ? "outside" : `${change}, outside`} of the allowed band`,
    reasons: {
      jump: (allowed: string) => `Jump over ${allowed}`,
      disagrees: (provider: string, rate: string) => `${provider} says ${rate}`,
      triangle: (change: string) => `Cross rates disagree by ${change}`,
      unchanged: (date: string) => `Unchanged since ${date}`,
      inverted: "Upside down",
      outdated: "Wrong time"
    },
    pollText: "All pairs are fetched at once. If a poll is running already, nothing more starts.",
    keepOut: "Keep out",
    take: "Accept…",
    consequence: (hasLastGood: boolean) =>
      hasLastGood
        ? "Keep out: the last good rate stays. Accept: conversions use the offered one at once."
        : "Keep out: the pair stays without a rate. Accept: conversions use the offered one at once.",
    rejectTitle: (pair: string) => `Keep this rate of ${pair} out`,
    rejectText: (pair: string, provider: string) =>
      `${pair} keeps its last good rate. Further rates of ${provider} at this level are rejected automatically.`,
    rejected: (pair: string) => `${pair}: the rate was rejected`,
    acceptTitle: (pair: string) => `Accept this rate of ${pair}`,
    acceptText: (rate: string, time: string) =>
      `${rate} becomes the rate since ${time}. Conversions use it at once, and stored rates cannot be changed. Compare it with another source first.`,
    acceptConfirm: "Accept the rate",
    accepted: (pair: string) => `${pair}: the rate was accepted`,
    decided: "Decided",
    decision: "Decision",
    noneDecided: "No such decision yet.",
    decidedBy: "Decided by",
    decidedAt: "Decided",
    statuses: { rejected: "Rejected", accepted: "Accepted" },
    automatic: (by: string | null) =>
      by === "agreement"
        ? "automatic: polls agreed"
        : by === "confirmation"
          ? "automatic: confirmed"
          : by === "repetition"
            ? "automatic: repeated"
            : "automatic",
    facts: {
      quarantined: "In quarantine",
      none: "nothing waits",
      oldestOf: (age: string) => `oldest ${age}`,
      oldestRate: "Oldest rate",
      provider: "Provider"
    },
    allPairs: "All pairs",
    find: "USD/NGN",
    findLabel: "Find a pair",
    show: "Which rates",
    all: (count: number) => `All ${count}`,
    stale: (count: number) => `Stale ${count}`,
    noPair: "No pair matches.",
    isStale: "stale",
    isFresh: "fresh",
    polled: "polled",
    onDemand: "on demand",
    columns: {
      pair: "Pair",
      rate: "Rate",
      age: "Age",
      provider: "Provider",
      fetched: "Fetched",
      state: "State",
      id: "Rate id"
    }
  },
  poller: {
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
  },
  conversions: {
    lead: "Every conversion is a record of the signed audit, with a receipt that anybody can verify offline.",
    one: "Conversion",
    back: "All conversions",
    verify: "Verify the audit",
    whole: (records: string) => `The audit is whole: ${records} records were recomputed`,
    broken: (reason: string) => `The audit is broken: ${reason}`,
    empty: "No conversion matches.",
    unsealed: "not sealed yet",
    position: (position: string) => `no. ${position}`,
    openLabel: (position: string, id: string) => `${position}, receipt of ${id}`,
    save: "Save the receipt",
    verifying: "Verifying the receipt in this browser…",
    valid: "The receipt is valid, verified in this browser",
    invalid: (reason: string) => `The receipt is not valid: ${reason}`,
    exact: "Before rounding",
    residual: "Rounding residual",
    midRate: "Mid rate",
    provider: "Provider of the rate",
    rateId: "Rate id",
    quote: "Quote",
    positionName: "Position in the audit",
    columns: {
      at: "Converted",
      input: "Paid",
      output: "Received",
      rate: "Rate",
      margin: "Margin",
      by: "By",
      reference: "Reference",
      receipt: "Receipt",
      from: "From",
      to: "To"
    }
  },
  users: {
    search: "Beginning of the name",
    find: "Find",
    empty: "No user has a name that begins so.",
    back: "All users",
    account: "Account",
    active: "active",
    isLocked: "Locked",
    lockedSince: (date: string) => `locked since ${date}`,
    self: "This is you. Another administrator changes your account; your own page has the rest.",
    roles: { user: "User", admin: "Administrator" },
    columns: { name: "Name", role: "Role", email: "Email", since: "Since", state: "State" },
    lock: "Lock…",
    lockTitle: (name: string) => `Lock ${name}`,
    lockText:
      "All sessions end within 10 seconds, and signing in is refused until the user is unlocked. Held money stays held.",
    locked: (name: string) => `${name} is locked`,
    unlock: "Unlock…",
    unlockTitle: (name: string) => `Unlock ${name}`,
    unlockText: "The user can sign in again with the same password.",
    unlocked: (name: string) => `${name} is unlocked`,
    end: "End sessions…",
    endTitle: (name: string) => `End all sessions of ${name}`,
    endText: "The user is signed out everywhere within 10 seconds, and can sign in again.",
    ended: (name: string) => `The sessions of ${name} have ended`,
    mfa: "Reset MFA…",
    mfaTitle: (name: string) => `Remove the second factor of ${name}`,
    mfaText:
      "The password alone is enough to sign in afterwards, and all sessions end. Check who asks for it by another channel first.",
    mfaDone: (name: string) => `The second factor of ${name} was removed`,
    promote: "Make administrator…",
    promoteTitle: (name: string) => `Make ${name} an administrator`,
    promoteText:
      "An administrator sees every wallet, decides on money and can create API keys. All sessions of the user end.",
    demote: "Remove administrator…",
    demoteTitle: (name: string) => `Make ${name} a user without administration`,
    demoteText: "The user loses access to this area. All sessions of the user end.",
    roleDone: (name: string, role: string) => `${name}: ${role}`,
    wallet: {
      title: "Wallet",
      empty: "The wallet was never used.",
      asset: "Asset",
      balance: "Balance",
      held: "Held",
      available: "Available",
      id: "Wallet id"
    },
    activity: {
      transactions: "Transactions",
      noTransactions: "No money has moved yet.",
      security: "Security events",
      noEvents: "No events yet.",
      actions: "Actions of administrators",
      noActions: "No administrator has acted on this user.",
      at: "Time",
      type: "Kind",
      change: "Change",
      other: "Other side",
      id: "Transfer",
      open: "Open",
      openLabel: (id: string) => `Open transfer ${id}`,
      event: "Event"
    }
  },
  ledger: {
    balanced: (assets: number) =>
      `In balance: the entries of ${plural(assets, "asset", "assets")} add up to zero.`,
    unbalanced: (asset: string, total: string) => `${asset} is out of balance by ${total}. `,
    trialBalance: "Trial balance",
    noMovements: "Nothing has moved yet.",
    verify: "Verify everything",
    whole: (accounts: string, entries: string, transfers: string) =>
      `Verified: ${accounts} accounts, ${entries} entries and ${transfers} transfers fit together.`,
    broken: (subject: string, reason: string) => `Does not verify at ${subject}: ${reason}`,
    totals: "the totals",
    accounts: "Accounts",
    noAccounts: "There are no accounts yet.",
    house: (role: string) => `house: ${role}`,
    open: "open",
    frozen: "frozen",
    frozenSince: (time: string) => `frozen since ${time}`,
    owner: "Wallet",
    theHouse: "the house",
    available: "Available",
    account: (id: string) => `Account ${id}`,
    back: "Ledger",
    entries: "Entries",
    noEntries: "The account has no entries.",
    transfer: "Transfer",
    opened: "Opened a hold",
    endedHold: (outcome: string) => (outcome === "posted" ? "Posted a hold" : "Released a hold"),
    holdOf: (amount: string, account: string) => `${amount}, account ${account}`,
    adjustments: "Adjustments",
    noAdjustments: "No adjustment is in this state.",
    needsOther: "Another administrator decides",
    states: { pending: "Waiting", posted: "Posted", rejected: "Rejected" },
    approve: "Approve…",
    approveTitle: (amount: string) => `Post ${amount}`,
    approveText: (account: string) =>
      `The balance of account ${account} changes at once, against the house. You are the second administrator.`,
    approved: "The adjustment was posted",
    reject: "Reject…",
    rejectTitle: (amount: string) => `Reject ${amount}`,
    rejectText: "No money moves.",
    rejected: "The adjustment was rejected",
    freeze: "Freeze…",
    freezeTitle: (id: string) => `Freeze account ${id}`,
    freezeText:
      "No money moves in or out of the account until it is unfrozen. The user sees refused movements.",
    frozenDone: "The account is frozen",
    unfreeze: "Unfreeze…",
    unfreezeTitle: (id: string) => `Unfreeze account ${id}`,
    unfreezeText: "Movements of the account are possible again.",
    unfrozenDone: "The account is open again",
    adjust: "Adjust…",
    adjustTitle: (id: string) => `Adjust account ${id}`,
    adjustText: (asset: string) =>
      `Changes the balance in ${asset} against the house. Above the limit, another administrator has to approve it.`,
    adjustAmount: "Change of the balance",
    adjustHelp: "Negative to decrease it, such as -12.50.",
    adjustPending: "The adjustment waits for another administrator",
    adjustPosted: "The adjustment was posted",
    columns: {
      asset: "Asset",
      role: "Role",
      accounts: "Accounts",
      balance: "Balance",
      held: "Held",
      amount: "Amount",
      account: "Account",
      by: "Requested by",
      at: "Time",
      decision: "Decision",
      entries: "Entries",
      state: "State",
      kind: "Kind",
      transfer: "Transfer"
    }
  },
  funding: {
    sandbox: "FUNDING is sandbox: the built-in sandbox decides on its own, and no payment is made.",
    show: "Which requests",
    states: { pending: "Pending", completed: "Completed", failed: "Failed" },
    empty: {
      pending: "No deposit and no withdrawal is pending.",
      completed: "No request has completed yet.",
      failed: "No request has failed."
    },
    directions: { deposit: "Deposit", withdrawal: "Withdrawal" },
    columns: {
      user: "User",
      direction: "Direction",
      amount: "Amount",
      at: "Requested",
      note: "Note",
      decision: "Decision",
      outcome: "Outcome"
    },
    own: "Yours: another administrator decides",
    confirm: "Confirm…",
    confirmLabel: (name: string) => `Confirm… the request of ${name}`,
    confirmTitle: (direction: string, amount: string) => `Confirm the ${direction} of ${amount}`,
    confirmText: (direction: string, amount: string, name: string) =>
      direction === "deposit"
        ? `${amount} are credited to ${name} at once. Confirm only a payment that has arrived.`
        : `${amount} leave the wallet of ${name}. Confirm only a payment that was made.`,
    reference: "Reference of the payment",
    referenceHelp:
      "As the bank shows it. A reference completes one request only. It is recorded with your name.",
    confirmed: (amount: string, name: string) => `${amount} of ${name}: confirmed`,
    refuse: "Refuse…",
    refuseLabel: (name: string) => `Refuse… the request of ${name}`,
    refuseTitle: (direction: string, amount: string) => `Refuse the ${direction} of ${amount}`,
    refuseText: (direction: string, name: string) =>
      direction === "deposit"
        ? `Nothing is credited to ${name}.`
        : `The held money is free again for ${name}. Never refuse a withdrawal that may have been paid.`,
    refuseHelp: "The user sees it, and it is recorded with your name.",
    refused: (amount: string, name: string) => `${amount} of ${name}: refused`
  },
  orders: {
    lead: "Each batch is one order at the exchange, for one or more orders of users.",
    one: "Batch",
    back: "All batches",
    show: "Which batches",
    all: "All",
    dead: "Given up",
    empty: "No order has been sent yet.",
    noDead: "No batch was given up.",
    sides: { buy: "Buy", sell: "Sell" },
    states: {
      reserved: "reserved",
      sent: "sent",
      filled: "filled",
      rejected: "rejected",
      allocated: "allocated"
    },
    gaveUp: (failures: number) => `given up after ${plural(failures, "failure", "failures")}`,
    openLabel: (side: string, asset: string, id: string) => `${side} ${asset}, batch ${id}`,
    retry: "Retry…",
    retryTitle: (side: string, asset: string) => `Retry: ${side} ${asset}`,
    retryText: (error: string) =>
      `The exchange is asked for the order by its client order id before anything is sent again. Last error: ${error}`,
    retried: "The batch is retried",
    history: "History",
    sent: "Sent to the exchange",
    cost: "Cost",
    fee: "Fee",
    house: "Share of the house",
    exchange: "Exchange",
    exchangeOrder: "Order id at the exchange",
    submissions: "Submissions",
    failures: "Failures",
    lastError: "Last error",
    reason: "Reason",
    next: "Next attempt",
    columns: {
      batch: "Batch",
      orders: "Orders",
      amount: "Amount",
      total: "Locked total",
      filled: "Filled",
      at: "Created",
      state: "State",
      action: "Action"
    }
  },
  reviews: {
    held: "Held for review",
    empty: "No movement is held.",
    kinds: { transfer: "Transfer", withdrawal: "Withdrawal", conversion: "Conversion", order: "Order" },
    parties: (from: string, to: string | null, value: string | null) =>
      `From ${from}${to === null ? "" : ` to ${to}`}${value === null ? "" : `, worth ${value}`}`,
    order: (side: string, amount: string, total: string) =>
      `${side === "buy" ? "Buys" : "Sells"} ${amount} for ${total}`,
    conversion: (amount: string) => `Into ${amount} when it was requested`,
    note: (note: string) => `Note: ${note}`,
    waits: (age: string, left: string) => `Held for ${age}; rejected in ${left} without a decision.`,
    own: "Your own money: another administrator decides.",
    approve: "Approve…",
    approveTitle: (amount: string, name: string) => `Approve ${amount} of ${name}`,
    approveText: {
      transfer: "The held money moves to the receiver at once.",
      withdrawal: "The withdrawal is paid within minutes.",
      conversion:
        "The held money is converted, at the price of its quote if that is still open, else at the latest rate.",
      order:
        "The order goes its way at its locked price. If the market moved too far against the house, it fails instead."
    },
    approved: (amount: string) => `${amount}: approved`,
    reject: "Reject…",
    rejectTitle: (amount: string, name: string) => `Reject ${amount} of ${name}`,
    rejectText:
      "The held money is free again for its owner. The movement still counts for the limits of the day.",
    rejected: (amount: string) => `${amount}: rejected`,
    decided: "Decided reviews",
    noneDecided: "No such review yet.",
    show: "Which reviews",
    states: { approved: "Approved", rejected: "Rejected", expired: "Expired", cancelled: "Cancelled" },
    decisions: "Movements for which a rule fired",
    noDecisions: "No rule has fired yet.",
    outcomes: { allow: "Allow", review: "Hold for review", deny: "Deny" } as Readonly<Record<string, string>>,
    rulesHeading: "Risk rules",
    fromDatabase: "Set here, instead of the settings RISK_*.",
    fromSettings: "From the settings RISK_*.",
    changedBy: (time: string) => `Last changed ${time} by`,
    off: "off",
    enabled: "On",
    editRules: "Edit…",
    keepRules: "Keep them",
    saveRules: "Save the rules…",
    rulesTitle: "Change the rules",
    rulesText: "They apply on all nodes within two seconds.",
    rulesSaved: "The rules were changed",
    change: (rule: string, field: string, from: string, to: string) =>
      `${rule}, ${field}: ${from} becomes ${to}.`,
    resetRules: "Use the settings again",
    resetTitle: "Use the settings RISK_* again",
    resetText: "The stored rules are deleted. The settings of each node apply within two seconds.",
    rules: {
      velocity: "Count and value per user",
      asset_velocity: "Count and value per asset",
      new_account: "New account",
      new_device: "New device",
      deposit_withdrawal: "Withdrawal after a deposit",
      circular_transfer: "Circular transfer",
      small_orders: "Many small orders",
      failed_logins: "Failed logins before"
    } as Readonly<Record<string, string>>,
    fields: {
      outcome: "Outcome",
      unpriced: "Without a price",
      hour_count: "per hour",
      hour_value: "value per hour",
      day_count: "per day",
      day_value: "value per day",
      max_age: "younger than",
      share: "share",
      min_value: "from value",
      max_value: "up to value",
      window: "within",
      failures: "failures"
    } as Readonly<Record<string, string>>,
    columns: {
      movement: "Movement",
      user: "User",
      amount: "Amount",
      by: "Decided by",
      at: "Time",
      rules: "Rules",
      outcome: "Outcome"
    }
  },
  keys: {
    lead: "Keys of programs. Only the hash of a key is stored, so it is shown once.",
    new: "New key",
    name: "Name",
    nameHelp: "Such as the program that uses it. Keys with one name belong to one owner.",
    noName: "Type a name.",
    lifetime: "Expires",
    lifetimes: { "30 days": "in 30 days", "90 days": "in 90 days", "365 days": "in a year", never: "never" },
    noScope: "Choose at least one.",
    scopes: {
      "rates:read": "reads rates, with a limit of its own",
      convert: "converts and locks rates",
      "audit:read": "reads conversions and receipts",
      admin: "operates the service, like you in this area",
      wallets: "acts for every user that it names"
    },
    create: "Create the key…",
    cancel: "Cancel",
    createTitle: (name: string) => `Create a key for ${name}`,
    createText: (scopes: string) => `Whoever has the key may use: ${scopes}.`,
    actsForUsers: "With wallets it can move the money of every user.",
    created: (name: string) => `The key of ${name} was created`,
    secretTitle: (name: string) => `Key of ${name}`,
    secretText: "Store it now: it cannot be shown again.",
    copy: "Copy",
    copied: "Copied",
    copyYourself: "Select the key and copy it: the browser does not allow it here",
    stored: "I have stored it",
    revoke: "Revoke…",
    revokeLabel: (name: string) => `Revoke… the key of ${name}`,
    revokeTitle: (name: string) => `Revoke the key of ${name}`,
    revokeText: (end: string) =>
      `The key that ends with ${end} is rejected by every node within 10 seconds, for good. Programs that use it stop working.`,
    revoked: (name: string) => `The key of ${name} was revoked`,
    empty: "There are no API keys yet.",
    states: { active: "active", expired: "expired", revoked: "revoked" },
    columns: {
      name: "Name",
      id: "Id",
      ends: "Ends with",
      scopes: "Scopes",
      created: "Created",
      expires: "Expires",
      used: "Last used",
      state: "State",
      action: "Action"
    }
  },
  assets: {
    lead: "What can be held and priced. Currencies come from the settings of the pairs.",
    new: "List an asset",
    show: "Which assets",
    all: "All",
    kinds: { currency: "Currencies", crypto: "Crypto", stock: "Stocks" },
    kindOf: { currency: "currency", crypto: "cryptocurrency", stock: "stock" },
    states: { listed: "listed", delisted: "delisted" },
    yes: "yes",
    no: "no",
    fixed: "fixed",
    empty: "No such asset.",
    required: "This is missing.",
    codeHelp: "Such as BTC, or ALL.US for a stock whose ticker is a currency.",
    decimalsHelp: "Cannot change once there are rates or balances.",
    exchangeSymbol: "Symbol at the exchange",
    symbols: "Symbols at price providers",
    symbolsHelp: "Such as coingecko=bitcoin. Without one, the code is used.",
    wrongSymbols: "Write provider=symbol, separated by commas.",
    save: "Save…",
    cancel: "Cancel",
    listTitle: (code: string) => `List ${code}`,
    changeTitle: (code: string) => `Change ${code}`,
    saveText: (code: string) =>
      `All nodes apply it within seconds. The price of ${code} is the rate of ${code}:USD.`,
    saved: (code: string) => `${code} was saved`,
    edit: "Edit",
    editLabel: (code: string) => `Edit ${code}`,
    delist: "Delist…",
    delistLabel: (code: string) => `Delist… ${code}`,
    delistTitle: (code: string) => `Delist ${code}`,
    delistText: "It can be sold and withdrawn, but not bought, and has no price until it is listed again.",
    delisted: (code: string) => `${code} was delisted`,
    columns: {
      code: "Code",
      name: "Name",
      kind: "Kind",
      decimals: "Decimals",
      minimum: "Minimum order",
      tradable: "Tradable",
      state: "State",
      action: "Actions"
    }
  },
  settings: {
    lead: "Settings in force on the node that answered. They change with a restart, except where this area changes them.",
    find: "Find a setting",
    show: "Which settings",
    all: "All",
    set: "Set",
    empty: "No setting matches.",
    secret: "set, never shown",
    sources: { default: "default", environment: "environment" },
    overridden: { poller: "overridden: schedule", "risk-rules": "overridden: rules" },
    columns: { name: "Name", value: "Value", source: "Source", description: "Meaning" }
  },
  actions: {
    lead: "What administrators did, and why. The log is immutable.",
    empty: "No administrator has acted yet.",
    openUser: "User",
    columns: {
      at: "Time",
      by: "By",
      action: "Action",
      subject: "On",
      details: "Details"
    }
  }
} as const
