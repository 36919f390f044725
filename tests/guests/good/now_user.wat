;; Replies with the wall clock in milliseconds; traps when the monotonic clock runs backwards.
(module
  @import reply now_ms monotonic_ns
  @include agent
  @include answer
  (func (export "handle_message") (param i32 i32) (result i32)
    (local $before i64)
    (local.set $before (call $monotonic_ns))
    (if (i64.lt_s (call $monotonic_ns) (local.get $before)) (then (unreachable)))
    (call $reply_number (call $now_ms))))
