-- Check and add fingerprints: a Bloom filter that grows in layers, or an exact set.
-- Bits of a fingerprint: (a, b) from its first 8 bytes; a += b, b += i for each bit, modulo the layer's size. This is
-- enhanced double hashing (Dillinger, Manolios 2004); plain double hashing misses the stated error in large layers.
local filters = {}

local function describe(text)
  local bits, hashes, capacity = string.match(text, '^(%d+) (%d+) (%d+)$')
  return {bits = tonumber(bits), hashes = tonumber(hashes), capacity = tonumber(capacity)}
end

-- layers: "bits hashes capacity;..." of layer 0, 1, 2 ...; the last one repeats. Empty: an exact set.
local function add_layer(filter, layers)
  local number, found, last = filter.layer + 1, nil, nil
  local index = 0
  for text in string.gmatch(layers, '[^;]+') do
    last = text
    if index == number then
      found = text
      break
    end
    index = index + 1
  end
  found = found or last
  filter.layer, filter.count = number, 0
  filter[number] = describe(found)
  filter[number].key = filter.key .. '/' .. number
  call('HSET', filter.key, 'layer', number, 'l' .. number, found, 'keep', filter.keep)
end

local function filter_of(crawl, layers, keep)
  local filter = filters[crawl]
  if filter then
    return filter
  end
  filter = {key = F .. ':seen:' .. crawl, layer = -1, count = 0, added = 0, keep = keep}
  filters[crawl] = filter
  local found = call('HGETALL', filter.key)
  local fields = {}
  for index = 1, #found, 2 do
    fields[found[index]] = found[index + 1]
  end
  if fields.exact or (layers == '' and not fields.layer) then
    filter.exact = filter.key .. '/exact'
    if not fields.exact then
      call('HSET', filter.key, 'exact', 1, 'keep', keep)
    end
    return filter
  end
  if not fields.layer then
    add_layer(filter, layers)
    return filter
  end
  filter.layer, filter.count = tonumber(fields.layer), tonumber(fields.count or 0)
  for number = 0, filter.layer do
    filter[number] = describe(fields['l' .. number])
    filter[number].key = filter.key .. '/' .. number
  end
  return filter
end

local function in_layer(layer, a, b)
  local bits, key = layer.bits, layer.key
  for index = 1, layer.hashes do
    a = (a + b) % bits
    b = (b + index) % bits
    if call('GETBIT', key, a) == 0 then
      return false
    end
  end
  return true
end

-- True when the fingerprint was not there before; it is now.
local function remember(filter, fingerprint, layers)
  if filter.exact then
    local new = call('SADD', filter.exact, fingerprint) == 1
    filter.added = filter.added + (new and 1 or 0)
    return new
  end
  local a, b = struct.unpack('<I4I4', fingerprint)
  for number = filter.layer - 1, 0, -1 do
    if in_layer(filter[number], a, b) then
      return false
    end
  end
  if filter.count >= filter[filter.layer].capacity then
    if in_layer(filter[filter.layer], a, b) then
      return false
    end
    add_layer(filter, layers)
  end
  local layer = filter[filter.layer]
  local bits, key, new = layer.bits, layer.key, false
  for index = 1, layer.hashes do
    a = (a + b) % bits
    b = (b + index) % bits
    if call('SETBIT', key, a, 1) == 0 then
      new = true
    end
  end
  if new then
    filter.count, filter.added = filter.count + 1, filter.added + 1
  end
  return new
end

local function save_filters()
  for _, filter in pairs(filters) do
    if filter.added > 0 then
      if not filter.exact then
        call('HSET', filter.key, 'count', filter.count)
      end
      call('HINCRBY', filter.key, 'total', filter.added)
    end
  end
end
