-- Look at a few crawls, others each time, and put right what no other script comes by any more.
local CRAWLS = 10 -- of one call
local UNBEGUN_MS = 300 * 1000

-- A crawl whose worker was killed between opening it and pushing its first request would run for ever. One that is
-- taken for such, while its worker waits for room in Redis, runs again with the push.
local function end_unbegun(crawl)
  local found = call('HMGET', F .. ':crawl:' .. crawl, 'state', 'outstanding', 'started')
  if found[1] == 'running' and tonumber(found[2]) == 0 and now - found[3] > UNBEGUN_MS then
    end_crawl(crawl)
  end
end

-- What names a crawl must not outlive its record.
local function forget(crawl)
  call('ZREM', F .. ':crawls', crawl)
  call('SREM', F .. ':ended', crawl)
  call('DEL', F .. ':images:' .. crawl, F .. ':claimed:' .. crawl)
  call('DEL', F .. ':pages:' .. crawl, F .. ':bytes:' .. crawl)
end

local function tidy()
  local crawls = F .. ':crawls'
  local count = call('ZCARD', crawls)
  if count == 0 then
    return
  end
  call('ZREM', crawls, '') -- nothing, but a first write that a full Redis allows, and then the rest
  local first = math.max(0, math.min(count - CRAWLS, turn % (count + CRAWLS) - CRAWLS))
  for _, crawl in ipairs(call('ZRANGE', crawls, text(first), text(first + CRAWLS - 1))) do
    if call('EXISTS', F .. ':crawl:' .. crawl) == 0 then
      forget(crawl)
    else
      end_unbegun(crawl)
    end
  end
end
