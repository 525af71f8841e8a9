import type { Examples } from "./Example.ts"

const RATE = {
  from: "USD",
  to: "NGN",
  rate: "1528.0351515",
  rate_id: "01a22a37-3b1f-7000-8000-0024baa98d9d",
  provider: "sandbox",
  fetched_at: "2026-11-30T02:09:52.415Z",
  stale: false
}

const HISTORY_ROW = {
  rate: "1528.0351515",
  rate_id: "01a22a37-3b1f-7000-8000-0024baa98d9d",
  provider: "sandbox",
  fetched_at: "2026-11-30T02:09:52.415Z",
  recorded_at: "2026-11-30T02:09:52.451Z",
  derived_from: []
}

/** Examples of rates, history and the Flutterwave-compatible endpoints. */
export const RateExamples: Examples = {
  "rates.rate": {
    parameters: {
      from: "USD",
      to: "NGN",
      max_age: "10 minutes"
    },
    response: RATE
  },
  "rates.all": {
    parameters: {
      base: "USD"
    },
    response: {
      base: "USD",
      rates: [
        { ...RATE, polled: true },
        {
          from: "USD",
          to: "KES",
          rate: "128.734959",
          rate_id: "01a22a37-3b15-7000-8000-002dd8efd886",
          provider: "sandbox",
          fetched_at: "2026-11-30T02:09:52.405Z",
          stale: false,
          polled: true
        }
      ]
    }
  },
  "rates.stream": {
    parameters: {
      pairs: "USD:NGN,EUR:KES"
    }
  },
  "rates.currencies": {
    response: {
      currencies: [
        {
          code: "NGN",
          name: "Naira",
          minor_unit: 2,
          source: true,
          destination: true,
          polled_destinations: []
        },
        {
          code: "USD",
          name: "US Dollar",
          minor_unit: 2,
          source: true,
          destination: true,
          polled_destinations: ["XOF", "XAF", "EGP", "ETB", "GHS", "KES", "MAD", "NGN", "ZAR", "UGX", "ZMW"]
        }
      ]
    }
  },
  "rates.record": {
    parameters: {
      rate_id: "01a22a37-3b1f-7000-8000-0024baa98d9d"
    },
    response: {
      from: "USD",
      to: "NGN",
      rate: "1528.0351515",
      rate_id: "01a22a37-3b1f-7000-8000-0024baa98d9d",
      provider: "sandbox",
      fetched_at: "2026-11-30T02:09:52.415Z",
      source_amount: "654.435206558139183",
      destination_amount: "1000000",
      provider_rate: "1528.04",
      derived_from: [],
      recorded_at: "2026-11-30T02:09:52.451Z",
      raw: {
        data: {
          rate: 1528.04,
          source: {
            amount: 654.4352065581392,
            currency: "USD"
          },
          destination: {
            amount: 1000000,
            currency: "NGN"
          }
        },
        status: "success",
        message: "Transfer rates fetched"
      }
    }
  },
  "history.history": {
    parameters: {
      from: "USD",
      to: "NGN",
      start: "2026-11-29T00:00:00.000Z",
      end: "2026-12-01T00:00:00.000Z",
      interval: "raw",
      page_size: "100"
    },
    response: {
      from: "USD",
      to: "NGN",
      interval: "raw",
      data: [HISTORY_ROW],
      has_more: false,
      next: null
    }
  },
  "history.asOf": {
    parameters: {
      from: "USD",
      to: "NGN",
      at: "2026-11-30T02:10:00.000Z"
    },
    response: {
      from: "USD",
      to: "NGN",
      ...HISTORY_ROW,
      at: "2026-11-30T02:10:00.000Z",
      known_at: "2026-11-30T02:10:03.078Z"
    }
  },
  "flutterwave.rate": {
    parameters: {
      source_currency: "USD",
      destination_currency: "NGN",
      amount: "1000"
    },
    response: {
      status: "success",
      message: "Transfer rates fetched",
      data: {
        rate: 1528.0351515,
        source: {
          currency: "USD",
          amount: 0.654435206558139
        },
        destination: {
          currency: "NGN",
          amount: 1000
        }
      }
    }
  },
  "flutterwave.all": {
    parameters: {
      base_currency: "CAD"
    },
    response: {
      status: "success",
      base_currency: "CAD",
      rates: {
        CAD_KES: {
          rate: 93.322837173913,
          source: {
            currency: "CAD",
            amount: 10.7154907660644
          },
          destination: {
            currency: "KES",
            amount: 1000
          }
        },
        CAD_NGN: {
          rate: 1107.00720326087,
          source: {
            currency: "CAD",
            amount: 0.903336488736783
          },
          destination: {
            currency: "NGN",
            amount: 1000
          }
        }
      }
    }
  }
}
