;; Replies with the value of its config key "greeting" ({"text": ...}; the value must need no JSON escapes),
;; or with {"value": code} when the host has none.
(module
  @import reply config_get fetch
  @include agent
  @include answer
  (func (export "handle_message") (param i32 i32) (result i32)
    (local $len i32)
    (local.set $len (call $config_get `greeting`))
    (if (i32.lt_s (local.get $len) (i32.const 0))
      (then (return (call $reply_number (i64.extend_i32_s (local.get $len))))))
    (if (i32.gt_s (local.get $len) (i32.const 512)) (then (return (i32.const -4))))
    (drop (call $fetch (i32.const 0) (i32.const 0) (local.get $len)))
    (call $start_text)
    (call $put `{"performative":"inform","content":{"text":"`)
    (call $put (i32.const 0) (local.get $len))
    (call $put `"}}`)
    (drop (call $reply (i32.const 8192) (call $text_len)))
    (i32.const 1)))
