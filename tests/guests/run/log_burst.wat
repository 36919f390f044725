;; Logs 10,000 lines, then replies.
(module
  @import reply log
  @include agent
  @include answer
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32) (local $left i32)
    (local.set $left (i32.const 10000))
    (loop $again
      (call $log (i32.const 2) `one of ten thousand lines`)
      (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (br_if $again (local.get $left)))
    (call $reply_number (i64.const 10000))))
