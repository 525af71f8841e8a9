import type { Examples } from "./Example.ts"

const RUN = {
  run_id: "01a22a37-399f-7391-879e-20d2b94c6248",
  status: "finished",
  trigger: "schedule",
  pair_set: "currencies",
  term: 1,
  started_at: "2026-11-30T02:09:52.031Z",
  finished_at: "2026-11-30T02:09:54.397Z",
  pairs: 44,
  succeeded: 44,
  failed: 0
}

const POLLER = {
  interval: "10 minutes",
  enabled: true,
  source: "setting",
  setting: {
    interval: "10 minutes",
    enabled: true
  },
  version: 0,
  changed_at: null,
  changed_by: null,
  next_run_at: "2026-11-30T02:19:52.031Z",
  leader: {
    term: 1,
    since: "2026-11-30T02:09:51.883Z"
  },
  last_run: {
    run_id: "01a22a37-399f-7391-879e-20d2b94c6248",
    status: "finished",
    trigger: "schedule",
    pair_set: "currencies",
    term: 1,
    started_at: "2026-11-30T02:09:52.031Z",
    finished_at: "2026-11-30T02:09:54.397Z",
    pairs: 44,
    succeeded: 44,
    failed: 0,
    requested_by: null
  }
}

const QUARANTINED = {
  quarantine_id: "01a22a37-7a41-7c3e-9b0d-5f2a4c8e1b60",
  status: "pending",
  from: "USD",
  to: "NGN",
  rate: "15280.351515",
  provider: "flutterwave",
  reasons: [
    {
      reason: "jump",
      detail: "15280.351515 is 900 % above 1528.0351515",
      against: "1528.0351515",
      allowed: "0.2"
    }
  ],
  agreeing: 1,
  last_good_rate_id: "01a22a37-3b1f-7000-8000-0024baa98d9d",
  observed_at: "2026-11-30T02:19:52.418Z",
  quoted_at: null,
  recorded_at: "2026-11-30T02:19:52.455Z",
  decided_at: null,
  decided_by: null,
  principal: null,
  decision_reason: null,
  rate_id: null
}

/** Examples of polls, the poller, the quarantine and health. */
export const OperationExamples: Examples = {
  "polls.list": {
    parameters: {
      page_size: "20"
    },
    response: {
      data: [RUN],
      has_more: false,
      next: null
    }
  },
  "polls.poll": {
    parameters: {
      run_id: "01a22a37-399f-7391-879e-20d2b94c6248"
    },
    response: {
      ...RUN,
      failures: []
    }
  },
  "admin.quarantine": {
    parameters: {
      status: "pending",
      from: "USD",
      to: "NGN",
      page_size: "20"
    },
    response: {
      data: [QUARANTINED],
      has_more: false,
      next: null
    }
  },
  "admin.quarantined": {
    parameters: {
      quarantine_id: "01a22a37-7a41-7c3e-9b0d-5f2a4c8e1b60"
    },
    response: {
      ...QUARANTINED,
      source_amount: "65.4435206558139",
      destination_amount: "1000000",
      provider_rate: "15280.351515",
      raw: {
        status: "success",
        message: "Transfer rates fetched",
        data: {
          rate: 15280.351515,
          source: {
            currency: "USD",
            amount: 65.4435206558139
          },
          destination: {
            currency: "NGN",
            amount: 1000000
          }
        }
      }
    }
  },
  "admin.accept": {
    parameters: {
      quarantine_id: "01a22a37-7a41-7c3e-9b0d-5f2a4c8e1b60"
    },
    request: {
      reason: "Confirmed by the central bank"
    },
    response: {
      ...QUARANTINED,
      status: "accepted",
      decided_at: "2026-11-30T02:25:10.102Z",
      decided_by: "operator",
      principal: "anonymous",
      decision_reason: "Confirmed by the central bank",
      rate_id: "01a22a37-9c21-7000-8000-002f6b1de4a7"
    }
  },
  "admin.reject": {
    parameters: {
      quarantine_id: "01a22a37-7a41-7c3e-9b0d-5f2a4c8e1b60"
    },
    request: {
      reason: "A decimal point slipped"
    },
    response: {
      ...QUARANTINED,
      status: "rejected",
      decided_at: "2026-11-30T02:25:10.102Z",
      decided_by: "operator",
      principal: "anonymous",
      decision_reason: "A decimal point slipped"
    }
  },
  "poller.poller": {
    response: POLLER
  },
  "poller.change": {
    request: {
      interval: "5 minutes",
      enabled: true
    },
    response: {
      ...POLLER,
      interval: "5 minutes",
      source: "database",
      version: 1,
      changed_at: "2026-11-30T02:10:03.228Z",
      changed_by: "anonymous",
      next_run_at: "2026-11-30T02:14:52.031Z"
    }
  },
  "poller.reset": {
    response: {
      ...POLLER,
      version: 2,
      changed_at: "2026-11-30T02:10:03.411Z",
      changed_by: "anonymous"
    }
  },
  "poller.changes": {
    parameters: {
      page_size: "20"
    },
    response: {
      data: [
        {
          version: 1,
          changed_at: "2026-11-30T02:10:03.228Z",
          changed_by: "anonymous",
          from: null,
          to: {
            interval: "5 minutes",
            enabled: true
          }
        }
      ],
      has_more: false,
      next: null
    }
  },
  "poller.run": {
    response: {
      run_id: "01a22a37-6595-76c3-a7b7-dfc9900cf27e",
      status: "running",
      trigger: "demand",
      pair_set: "currencies",
      term: null,
      started_at: "2026-11-30T02:10:03.285Z",
      finished_at: null,
      pairs: 44,
      succeeded: null,
      failed: null,
      requested_by: "anonymous"
    }
  },
  "operations.live": {
    response: {
      status: "ok"
    }
  },
  "operations.ready": {
    response: {
      status: "ok",
      checks: {
        database: {
          status: "ok"
        },
        redis: {
          status: "off"
        },
        provider: {
          name: "sandbox",
          status: "ok",
          detail: "Rates are generated by the sandbox; set FLUTTERWAVE_SECRET_KEY for real rates"
        },
        rates: {
          status: "ok",
          known: 44,
          expected: 44,
          oldest_age_seconds: 10
        },
        providers: [
          {
            name: "sandbox",
            status: "ok",
            detail: "Rates are generated by the sandbox; set FLUTTERWAVE_SECRET_KEY for real rates"
          },
          {
            name: "sandbox-crypto",
            status: "ok",
            detail:
              "Prices are generated by the sandbox; set COINGECKO_API_KEY and MASSIVE_API_KEY for real prices"
          },
          {
            name: "sandbox-stocks",
            status: "ok",
            detail:
              "Prices are generated by the sandbox; set COINGECKO_API_KEY and MASSIVE_API_KEY for real prices"
          }
        ],
        clock: {
          status: "ok",
          skew_seconds: 0.002
        },
        audit: { status: "ok" }
      }
    }
  }
}
