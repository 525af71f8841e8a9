-- Sends the requests of a file, one a line (`GET /path`, `POST /path body`, or `KEYED /path body`, which is a POST with
-- another Idempotency-Key each time), in random order.

local requests = {}
local run
local keys = 0

local function keyed(path, body)
  return function()
    keys = keys + 1
    local headers = { ["content-type"] = "application/json", ["idempotency-key"] = run .. keys }
    return wrk.format("POST", path, headers, body)
  end
end

function init(args)
  math.randomseed(os.time())
  run = os.time() .. "-" .. math.random(1e9) .. "-"
  for line in io.lines(args[1]) do
    local method, path, body = line:match("^(%u+) (%S+) ?(.*)$")
    if method == "KEYED" then
      requests[#requests + 1] = keyed(path, body)
    elseif method == "POST" then
      requests[#requests + 1] = wrk.format(method, path, { ["content-type"] = "application/json" }, body)
    else
      requests[#requests + 1] = wrk.format(method, path)
    end
  end
end

function request()
  local found = requests[math.random(#requests)]
  return type(found) == "function" and found() or found
end

-- wrk counts what is above 399; redirects, which nothing here answers, would count as successes.
function done(summary, latency)
  local errors = summary.errors
  local failures = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format(
    '{"requests":%d,"micros":%d,"p50":%d,"p99":%d,"failures":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), failures
  ))
end
