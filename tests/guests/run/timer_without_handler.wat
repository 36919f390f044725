;; Sets a timer although it exports no caxton_timer, and replies what the host said.
(module
  @import reply set_timer
  @include agent
  @include answer
  (func (export "handle_message") (param i32 i32) (result i32)
    (call $reply_number (i64.extend_i32_s (call $set_timer (i64.const 5) (i64.const 1))))))
