;; Isolation: replies with the word it finds at 512 and then pokes 195948557 there. In memory of its own the
;; first answer is 0 and every later one 195948557.
(module
  @import reply
  @include agent
  @include answer
  (func (export "handle_message") (param i32 i32) (result i32)
    (local $seen i32)
    (local.set $seen (i32.load (i32.const 512)))
    (i32.store (i32.const 512) (i32.const 195948557))
    (call $reply_number (i64.extend_i32_u (local.get $seen)))))
