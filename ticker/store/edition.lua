#!lua
-- Create an edition, or change its settings. Its `test` mark can't change while it is in use: when its log has an entry,
-- an item is held, or an editor is registered. (Editors get their rights by that mark, and the requests in an inbox were
-- meant for an edition with the present mark.)
--
-- KEYS: edition, log, held. ARGV: the settings as JSON, the nonce that the log of a new edition begins with, the key of
--   its editors (in the same slot; not in KEYS, which need write access: the desk may only read this key).
-- Returns 1, or 0 with nothing done if the mark may not change.

local edition, log, held = KEYS[1], KEYS[2], KEYS[3]
local editors = ARGV[3]

local function is_test(settings)
  local is_json, value = pcall(cjson.decode, settings)
  return is_json and type(value) == 'table' and value.test == true
end

local stored = redis.call('HGET', edition, 'settings')
if stored and is_test(stored) ~= is_test(ARGV[1]) then
  if redis.call('XLEN', log) + redis.call('HLEN', held) + redis.call('HLEN', editors) > 0 then
    return 0
  end
end
redis.call('HSET', edition, 'settings', ARGV[1])
redis.call('HSETNX', edition, 'nonce', ARGV[2])
return 1
