;; Isolation after a trap: replies with the word at 512; the second message of an instance pokes that word and
;; then traps. The next instance must answer 0 again.
(module
  @import reply
  @include agent
  @include answer
  (func (export "handle_message") (param i32 i32) (result i32)
    (local $count i32)
    (local.set $count (i32.load (i32.const 516)))
    (i32.store (i32.const 516) (i32.add (local.get $count) (i32.const 1)))
    (if (i32.eqz (local.get $count))
      (then (return (call $reply_number (i64.extend_i32_u (i32.load (i32.const 512)))))))
    (i32.store (i32.const 512) (i32.const 195948557))
    (unreachable)))
