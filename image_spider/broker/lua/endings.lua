-- Count requests that are gone for good, and end a crawl with the last of them.
local RECORD_MS = 30 * 86400 * 1000
local MAX_DEAD = 10000
local ended = {}

-- Run a command such as PEXPIRE or PERSIST on all keys of a crawl's filter.
local function each_seen_key(crawl, verb, ...)
  local seen = F .. ':seen:' .. crawl
  local last = call('HGET', seen, 'layer')
  call(verb, seen, ...)
  call(verb, seen .. '/exact', ...)
  for layer = 0, tonumber(last or -1) do
    call(verb, seen .. '/' .. layer, ...)
  end
end

local function end_crawl(crawl)
  local record = F .. ':crawl:' .. crawl
  if call('HGET', record, 'state') ~= 'stopped' then
    call('HSET', record, 'state', 'finished')
  end
  call('HSET', record, 'ended', now)
  call('PEXPIRE', record, RECORD_MS)
  call('PEXPIRE', F .. ':images:' .. crawl, RECORD_MS)
  call('PEXPIRE', F .. ':claimed:' .. crawl, RECORD_MS)
  call('PEXPIRE', F .. ':pages:' .. crawl, RECORD_MS)
  call('PEXPIRE', F .. ':bytes:' .. crawl, RECORD_MS)
  call('SADD', F .. ':ended', crawl)
  local keep = tonumber(call('HGET', F .. ':seen:' .. crawl, 'keep') or -1)
  if keep >= 0 then
    each_seen_key(crawl, 'PEXPIRE', keep)
  end
  ended[#ended + 1] = crawl
end

-- Let a crawl that has finished or was stopped run again.
local function reopen_crawl(crawl)
  local record = F .. ':crawl:' .. crawl
  call('HSET', record, 'state', 'running')
  call('HDEL', record, 'ended')
  call('PERSIST', record)
  call('PERSIST', F .. ':images:' .. crawl)
  call('PERSIST', F .. ':claimed:' .. crawl)
  call('PERSIST', F .. ':pages:' .. crawl)
  call('PERSIST', F .. ':bytes:' .. crawl)
  call('SREM', F .. ':ended', crawl)
  each_seen_key(crawl, 'PERSIST')
end

-- Keep a request that was given up, for people to read; who calls it counts the request.
local function bury(id, crawl, host, attempts_made, cause, payload)
  local letter = {id, crawl, host, attempts_made, string.format('%.0f', now), (string.gsub(cause, '%s+', ' ')), payload}
  call('LPUSH', F .. ':dead', table.concat(letter, '\n'))
  call('LTRIM', F .. ':dead', 0, MAX_DEAD - 1)
  call('HINCRBY', F .. ':crawl:' .. crawl, 'dead', 1)
end

local function gone(crawl, count)
  if call('HINCRBY', F .. ':crawl:' .. crawl, 'outstanding', -count) <= 0 then
    end_crawl(crawl)
  end
end
