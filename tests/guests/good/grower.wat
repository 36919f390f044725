;; Grows its memory by one page for each message, writes to the new page, and replies with the number of
;; pages; when the host refuses it replies -1 and goes on living.
(module
  @import reply
  @include agent
  @include answer
  (func (export "handle_message") (param i32 i32) (result i32)
    (local $old i32)
    (local.set $old (memory.grow (i32.const 1)))
    (if (i32.eq (local.get $old) (i32.const -1))
      (then (return (call $reply_number (i64.const -1)))))
    (i32.store (i32.shl (local.get $old) (i32.const 16)) (i32.const 42))
    (call $reply_number (i64.extend_i32_u (memory.size)))))
