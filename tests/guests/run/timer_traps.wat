;; Sets a timer whose handler traps; the message itself is answered.
(module
  @import reply set_timer
  @include agent
  @include answer
  (func (export "handle_message") (param i32 i32) (result i32)
    (call $reply_number (i64.extend_i32_s (call $set_timer (i64.const 5) (i64.const 1)))))
  (func (export "caxton_timer") (param i64) (result i32) (unreachable)))
