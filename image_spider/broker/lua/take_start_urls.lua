-- Take start URLs as a batch, or take over a batch that was left behind.
-- KEYS[1] start URLs: a list, a set or a sorted set
-- ARGV name of the new batch, count, ms after which a batch counts as left behind
-- Result: name of the batch, then per entry: entry, score; nothing when there are none
-- include clock
local batch, count, left_ms = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local S = '{' .. F .. '}'
local taken, taken_at = S .. ':taken', S .. ':taken_at'
if call('ZSCORE', S .. ':settled', batch) then -- a late call: its batch is through already
  return {}
end

local function found(name)
  return {name, unpack(cmsgpack.unpack(call('HGET', taken, name)))}
end

if call('HEXISTS', taken, batch) == 1 then -- the reply was lost
  return found(batch)
end
local left = call('ZRANGEBYSCORE', taken_at, '-inf', now - left_ms, 'LIMIT', 0, 1)[1]
if left then
  call('ZADD', taken_at, now, left)
  return found(left)
end
local kind, entries = call('TYPE', F).ok, {}
if kind == 'none' then
  return {}
elseif kind ~= 'list' and kind ~= 'set' and kind ~= 'zset' then
  return redis.error_reply('WRONGTYPE ' .. F .. ' is a ' .. kind .. '; start URLs are a list, a set or a sorted set:'
    .. ' move it away, `redis-cli rename ' .. F .. ' ' .. S .. ':wrong`')
end
call('ZADD', taken_at, now, batch) -- a full Redis refuses this first write: nothing is changed
if kind == 'list' then
  for index, entry in ipairs(call('LRANGE', F, 0, count - 1)) do
    entries[2 * index - 1], entries[2 * index] = entry, '0'
  end
  call('LTRIM', F, count, -1)
elseif kind == 'set' then
  for index, entry in ipairs(call('SPOP', F, count)) do
    entries[2 * index - 1], entries[2 * index] = entry, '0'
  end
else
  entries = call('ZPOPMAX', F, count)
end
call('HSET', taken, batch, cmsgpack.pack(entries))
return found(batch)
