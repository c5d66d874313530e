-- Free the hosts' places of requests that their servers have answered; the leases stay.
-- KEYS[1] frontier
-- ARGV worker, then per request: id, token
-- Result: places freed
-- include clock
-- include queues
-- include endings
-- include leases
local mine = F .. ':leases:' .. ARGV[1]
local hosts, freed = {}, 0
for index = 2, #ARGV, 2 do
  local value = call('HGET', mine, ARGV[index])
  local token, _, host, _, answered = read_lease(value or '')
  if token == ARGV[index + 1] and answered == '' then
    call('HSET', mine, ARGV[index], value .. ' answered')
    hosts[host] = (hosts[host] or 0) + 1
    freed = freed + 1
  end
end
free_places(hosts)
return freed
