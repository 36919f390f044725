;; Sends an inform with the whole incoming message as its content to the agent that its config key "next" names.
;; Returns what send returned when that was an error (an agent error, then).
(module
  @import config_get fetch send
  @include agent
  @include text
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32)
    (local $name_len i32)
    (local.set $name_len (call $config_get `next`))
    (if (i32.lt_s (local.get $name_len) (i32.const 1)) (then (return (i32.const -4))))
    (if (i32.gt_s (local.get $name_len) (i32.const 255)) (then (return (i32.const -4))))
    (drop (call $fetch (i32.const 0) (i32.const 0) (local.get $name_len)))
    (call $start_text)
    (call $put `{"performative":"inform","receiver":"`)
    (call $put (i32.const 0) (local.get $name_len))
    (call $put `","content":`)
    (if (i32.gt_u (local.get $len) (i32.const 7000)) (then (return (i32.const -4))))
    (call $put (local.get $ptr) (local.get $len))
    (call $put `}`)
    (call $send (i32.const 8192) (call $text_len))))
