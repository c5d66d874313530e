-- Tell what a worker saw of proxies, and hear what has changed since the version that it knows.
-- A ban counts only where the record is still the one that the worker knew: else somebody was faster.
-- KEYS[1] frontier
-- ARGV version known, ms for which a ban is remembered, number of tallies;
--      per tally: proxy, host, ok, banned, failed, ms; then per ban: proxy, host, record known or "", record or ""
-- Result: version, now ms, version of the list, {proxy, totals ...}, {proxy and host, record or "" ...}
-- include clock
local HOSTS = 1000 -- of each proxy, the last used ones
local TIDIED = 100
local totals, bans, banned = F .. ':proxies:totals', F .. ':proxies:bans', F .. ':proxies:banned'
local changed, versions = F .. ':proxies:changed', F .. ':proxies:version'
local known, remembered, tallies = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
call('HDEL', totals, '') -- nothing, but a first write that a full Redis allows, and then the rest

local version
local function touch(what)
  version = version or text(call('INCRBY', versions, 1))
  call('ZADD', changed, version, what)
end

-- The sums of a record and of four arguments.
local function sum(record, first)
  local parts = {}
  for number in string.gmatch(record or '0 0 0 0', '%d+') do
    parts[#parts + 1] = text(number + ARGV[first + #parts])
  end
  return table.concat(parts, ' ')
end

for index = 4, 3 + 6 * tallies, 6 do
  local proxy, host = ARGV[index], ARGV[index + 1]
  local hosts, recent = F .. ':proxies:hosts:' .. proxy, F .. ':proxies:recent:' .. proxy
  call('HSET', totals, proxy, sum(call('HGET', totals, proxy), index + 2))
  call('HSET', hosts, host, sum(call('HGET', hosts, host), index + 2))
  call('ZADD', recent, now_text, host)
  if call('ZCARD', recent) > HOSTS then
    call('HDEL', hosts, call('ZPOPMIN', recent)[1])
  end
  touch(proxy)
end

for index = 4 + 6 * tallies, #ARGV, 4 do
  local pair, record = ARGV[index] .. ' ' .. ARGV[index + 1], ARGV[index + 3]
  if (call('HGET', bans, pair) or '') == ARGV[index + 2] then
    if record == '' then
      call('HDEL', bans, pair)
      call('ZREM', banned, pair)
    else
      call('HSET', bans, pair, record)
      call('ZADD', banned, text(string.match(record, '^%d+') + remembered), pair)
    end
    touch(pair)
  end
end

for _, pair in ipairs(call('ZRANGEBYSCORE', banned, '-inf', now_text, 'LIMIT', 0, TIDIED)) do
  call('HDEL', bans, pair)
  call('ZREM', banned, pair)
  call('ZREM', changed, pair)
end

local sums, records = {}, {}
for _, what in ipairs(call('ZRANGEBYSCORE', changed, '(' .. text(known), '+inf')) do
  local into, key = sums, totals
  if string.find(what, ' ', 1, true) then
    into, key = records, bans
  end
  into[#into + 1], into[#into + 2] = what, call('HGET', key, what) or ''
end
version = version or call('GET', versions) or '0'
return {tonumber(version), now, tonumber(call('GET', F .. ':proxies:listed') or '0'), sums, records}
