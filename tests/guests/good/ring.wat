;; One link of a load ring: builds one constant inform to the agent of its config key "next" at start, and
;; sends it for every message it handles. It never ends a cycle by itself.
(module
  @import config_get fetch send
  @include agent
  @include text
  (func (export "caxton_init") (result i32)
    (local $name_len i32)
    (local.set $name_len (call $config_get `next`))
    (if (i32.lt_s (local.get $name_len) (i32.const 1)) (then (return (i32.const -4))))
    (if (i32.gt_s (local.get $name_len) (i32.const 255)) (then (return (i32.const -4))))
    (drop (call $fetch (i32.const 0) (i32.const 0) (local.get $name_len)))
    (call $start_text)
    (call $put `{"performative":"inform","receiver":"`)
    (call $put (i32.const 0) (local.get $name_len))
    (call $put `","content":{"token":"pass it on"}}`)
    (i32.const 0))
  (func (export "handle_message") (param i32 i32) (result i32)
    (call $send (i32.const 8192) (call $text_len))))
