;; Sets a timer, cancels it, cancels it again, and replies first * 100 + second result of cancel_timer
;; (0 and -2: the value is -2). A timer that goes off all the same traps.
(module
  @import reply set_timer cancel_timer
  @include agent
  @include answer
  (func (export "handle_message") (param i32 i32) (result i32)
    (local $first i32)
    (drop (call $set_timer (i64.const 10) (i64.const 3)))
    (local.set $first (call $cancel_timer (i64.const 3)))
    (call $reply_number
      (i64.add
        (i64.mul (i64.extend_i32_s (local.get $first)) (i64.const 100))
        (i64.extend_i32_s (call $cancel_timer (i64.const 3))))))
  (func (export "caxton_timer") (param i64) (result i32) (unreachable)))
