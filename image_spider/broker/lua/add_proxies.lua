-- Add proxies to the list of the fleet, or give them other credentials.
-- KEYS[1] frontier
-- ARGV per proxy: name, URL with credentials
-- Result: proxies that were not there
-- include clock
local added = 0
for index = 1, #ARGV, 2 do
  added = added + call('HSET', F .. ':proxies', ARGV[index], ARGV[index + 1])
end
call('INCRBY', F .. ':proxies:listed', 1)
return added
