-- Read the records of the crawls that were created last.
-- KEYS[1] frontier
-- ARGV count
-- Result: per crawl: id, distinct images of one with max_images, {field, value ...}
-- include clock
local found = {}
for _, crawl in ipairs(call('ZREVRANGE', F .. ':crawls', 0, ARGV[1] - 1)) do
  local record = call('HGETALL', F .. ':crawl:' .. crawl)
  if #record > 0 then -- else it has expired
    found[#found + 1] = crawl
    found[#found + 1] = call('SCARD', F .. ':images:' .. crawl)
    found[#found + 1] = record
  end
end
return found
