;; Keeps a count of handled messages in its memory and replies with it: {"value": N}.
(module
  @import reply
  @include agent
  @include answer
  (func (export "handle_message") (param i32 i32) (result i32)
    (i64.store (i32.const 0) (i64.add (i64.load (i32.const 0)) (i64.const 1)))
    (call $reply_number (i64.load (i32.const 0)))))
