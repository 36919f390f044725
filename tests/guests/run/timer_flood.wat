;; Sets a million timers, then replies how many the host refused.
(module
  @import reply set_timer
  @include agent
  @include answer
  (func (export "handle_message") (param i32 i32) (result i32)
    (local $id i64) (local $refused i64)
    (loop $again
      (if (i32.lt_s (call $set_timer (i64.const 3600000) (local.get $id)) (i32.const 0))
        (then (local.set $refused (i64.add (local.get $refused) (i64.const 1)))))
      (local.set $id (i64.add (local.get $id) (i64.const 1)))
      (br_if $again (i64.lt_u (local.get $id) (i64.const 1000000))))
    (call $reply_number (local.get $refused)))
  (func (export "caxton_timer") (param i64) (result i32) (i32.const 0)))
