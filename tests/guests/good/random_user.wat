;; Replies with 63 random bits, new ones for each message; an error code if the host has no randomness.
(module
  @import reply random
  @include agent
  @include answer
  (func (export "handle_message") (param i32 i32) (result i32)
    (local $code i32)
    (local.set $code (call $random (i32.const 0) (i32.const 8)))
    (if (i32.lt_s (local.get $code) (i32.const 0))
      (then (return (call $reply_number (i64.extend_i32_s (local.get $code))))))
    (call $reply_number (i64.shr_u (i64.load (i32.const 0)) (i64.const 1)))))
