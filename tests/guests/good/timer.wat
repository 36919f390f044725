;; Each message sets timer 7 to go off in 20 ms and replies how often timers have gone off so far. A timer
;; that goes off tells the agent of the config key "next", when there is one: {"timer": id}.
(module
  @import reply send set_timer config_get fetch
  @include agent
  @include answer
  (func (export "handle_message") (param i32 i32) (result i32)
    (if (i32.lt_s (call $set_timer (i64.const 20) (i64.const 7)) (i32.const 0)) (then (return (i32.const -4))))
    (call $reply_number (i64.load (i32.const 512))))
  (func (export "caxton_timer") (param $id i64) (result i32)
    (local $name_len i32)
    (i64.store (i32.const 512) (i64.add (i64.load (i32.const 512)) (i64.const 1)))
    (local.set $name_len (call $config_get `next`))
    (if (i32.lt_s (local.get $name_len) (i32.const 1)) (then (return (i32.const 0))))
    (if (i32.gt_s (local.get $name_len) (i32.const 255)) (then (return (i32.const -4))))
    (drop (call $fetch (i32.const 0) (i32.const 0) (local.get $name_len)))
    (call $start_text)
    (call $put `{"performative":"inform","receiver":"`)
    (call $put (i32.const 0) (local.get $name_len))
    (call $put `","content":{"timer":`)
    (call $put_number (local.get $id))
    (call $put `}}`)
    (call $send (i32.const 8192) (call $text_len))))
