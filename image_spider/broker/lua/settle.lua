-- End a claim.
-- KEYS[1] frontier
-- ARGV worker, crawl, max images (0: no limit), digest of the URL, result ms, result, digest of the image or ""
-- Result: 1 when the claim was ours, 0 when another live worker has it now
-- include clock
local worker, crawl, limited, url = ARGV[1], ARGV[2], ARGV[3] ~= '0', ARGV[4]
local key, claimed = F .. ':claim:' .. url, F .. ':claimed:' .. crawl
local image = ARGV[7]
call('HDEL', claimed, '') -- nothing, but a first write that a full Redis allows, and then the rest
if call('HGET', claimed, url) == worker then
  call('HDEL', claimed, url)
end
if limited and image ~= '' then
  call('SADD', F .. ':images:' .. crawl, image)
end
local owner = string.match(call('GET', key) or '', '^w (.*)$')
if owner and owner ~= worker then
  local alive = call('ZSCORE', F .. ':workers', owner)
  if alive and tonumber(alive) > now then
    return 0
  end
end
if ARGV[6] == '' then
  if owner then
    call('DEL', key)
  end
else
  call('SET', key, 'd ' .. (image == '' and '-' or image) .. ' ' .. ARGV[6], 'PX', ARGV[5])
end
return 1
