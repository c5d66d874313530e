-- Remove proxies from the list of the fleet, with what is known of them; what is banned is tidied away later.
-- KEYS[1] frontier
-- ARGV names
-- Result: proxies that were there
-- include clock
local removed = 0
for _, proxy in ipairs(ARGV) do
  removed = removed + call('HDEL', F .. ':proxies', proxy)
  call('HDEL', F .. ':proxies:totals', proxy)
  call('ZREM', F .. ':proxies:changed', proxy)
  call('ZREM', F .. ':proxies:forgotten', proxy)
  call('DEL', F .. ':proxies:hosts:' .. proxy, F .. ':proxies:recent:' .. proxy)
end
call('INCRBY', F .. ':proxies:listed', 1)
return removed
