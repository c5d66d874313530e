-- Write how a host may be asked, unless somebody else has written it meanwhile.
-- KEYS[1] frontier
-- ARGV host, version that the writer knows (0: none), keep (1; 0: as the settings say), delay ms, places, closed until
--      ms, down (1|0), state
-- Result: written (1|0), version and state as they are now ("0", "" for none)
-- include clock
-- include pace
local PACE_MS = 7 * 86400 * 1000
local MOST_CHANGES = 10000
local host, known, kept = ARGV[1], ARGV[2], ARGV[3] == '1'
local version, delay_before, _, _, _, state = read_pace(call('HGET', pace, host))
if version ~= known then
  local same = kept and state == ARGV[8] -- this very call, whose reply was lost
  return {same and 1 or 0, version, state or ''}
end
-- A version is the time of the change in microseconds, or one more than the last: none is given twice, should the keys expire.
local changes = F .. ':paces'
local last = tonumber(call('ZREVRANGE', changes, 0, 0, 'WITHSCORES')[2] or 0)
local number = text(math.max(last + 1, time[1] * 1000000 + time[2]))
call('HDEL', pace, '') -- nothing, but a first write that a full Redis allows, and then the rest
call('ZADD', changes, number, host)
call('ZREMRANGEBYRANK', changes, 0, -MOST_CHANGES - 1)
call('PEXPIRE', changes, PACE_MS)
if not kept then
  call('HDEL', pace, host)
  return {1, '0', ''}
end
-- What the host has just answered counts: when it is made slower, the next request comes a whole new delay later.
local delay = tonumber(ARGV[4])
local shown = call('ZSCORE', ready, host)
if ARGV[7] == '1' then
  if shown then
    call('ZADD', ready, now_text, host) -- its requests fail at once
  end
elseif delay > (delay_before or 0) and tonumber(shown or call('ZSCORE', clock, host) or 0) < now + delay then
  local due = string.format('%.1f', now + delay)
  if shown then
    call('ZADD', ready, due, host)
  else
    call('ZADD', clock, due, host)
  end
end
call('HSET', pace, host, table.concat({number, ARGV[4], ARGV[5], ARGV[6], ARGV[7], ARGV[8]}, ' '))
call('PEXPIRE', pace, PACE_MS)
return {1, number, ARGV[8]}
