-- Claim image URLs. The value of F:claim:<url> is "w <worker>" or "d <image or -> <result>".
-- KEYS[1] frontier
-- ARGV worker, crawl, max images (0: no limit), claim ms, digests of URLs ...
-- Result: per URL: answer, result
-- include clock
local worker, crawl, max, claim_ms = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local images, claimed = F .. ':images:' .. crawl, F .. ':claimed:' .. crawl

local function is_alive(name)
  local alive = call('ZSCORE', F .. ':workers', name)
  return alive and tonumber(alive) > now
end

-- Is there a place for another image? "" for yes.
local pruned = false
local function refusal()
  local stored = call('SCARD', images)
  if stored >= max then
    return 'full'
  end
  if stored + call('HLEN', claimed) >= max and not pruned then
    pruned = true
    local found = call('HGETALL', claimed)
    for index = 1, #found, 2 do
      if not is_alive(found[index + 1]) then
        call('HDEL', claimed, found[index])
      end
    end
  end
  return stored + call('HLEN', claimed) >= max and 'reserved' or ''
end

local function answer(url)
  local key = F .. ':claim:' .. url
  local value = call('GET', key)
  local image, result = string.match(value or '', '^d (%S+) (.*)$')
  if image then
    if max > 0 and image ~= '-' and call('SISMEMBER', images, image) == 0 then
      local refused = refusal()
      if refused ~= '' then
        return refused, ''
      end
      call('SADD', images, image)
    end
    return 'done', result
  end
  local owner = string.match(value or '', '^w (.*)$')
  if owner and owner ~= worker and is_alive(owner) then
    return 'busy', ''
  end
  if max > 0 and call('HEXISTS', claimed, url) == 0 then
    local refused = refusal()
    if refused ~= '' then
      return refused, ''
    end
  end
  call('SET', key, 'w ' .. worker, 'PX', claim_ms)
  if max > 0 then
    call('HSET', claimed, url, worker)
  end
  return 'yours', ''
end

local reply = {}
for index = 5, #ARGV do
  reply[#reply + 1], reply[#reply + 2] = answer(ARGV[index])
end
return reply
