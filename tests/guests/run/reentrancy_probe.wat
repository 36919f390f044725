;; Sends a message to itself (config key "me") from within the handler. The host must not enter the instance
;; before the handler has returned: the depth counter would then be above 1, and the agent traps. Each message is
;; answered with the number of messages handled so far; after 8 of them it neither sends nor answers any more.
(module
  @import reply send config_get fetch
  @include agent
  @include answer
  (func (export "handle_message") (param i32 i32) (result i32)
    (local $name_len i32)
    (i32.store (i32.const 512) (i32.add (i32.load (i32.const 512)) (i32.const 1)))
    (if (i32.ne (i32.load (i32.const 512)) (i32.const 1)) (then (unreachable)))
    (i64.store (i32.const 520) (i64.add (i64.load (i32.const 520)) (i64.const 1)))
    (if (i64.gt_u (i64.load (i32.const 520)) (i64.const 8))
      (then (i32.store (i32.const 512) (i32.const 0)) (return (i32.const 0))))
    (local.set $name_len (call $config_get `me`))
    (if (i32.lt_s (local.get $name_len) (i32.const 1)) (then (return (i32.const -4))))
    (if (i32.gt_s (local.get $name_len) (i32.const 255)) (then (return (i32.const -4))))
    (drop (call $fetch (i32.const 0) (i32.const 0) (local.get $name_len)))
    (call $start_text)
    (call $put `{"performative":"inform","receiver":"`)
    (call $put (i32.const 0) (local.get $name_len))
    (call $put `","content":"again"}`)
    (drop (call $send (i32.const 8192) (call $text_len)))
    (i32.store (i32.const 512) (i32.const 0))
    (call $reply_number (i64.load (i32.const 520)))))
