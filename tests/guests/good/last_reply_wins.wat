;; Replies twice; the second one counts.
(module
  @import reply
  @include agent
  @include answer
  (func (export "handle_message") (param i32 i32) (result i32)
    (drop (call $reply_number (i64.const 1)))
    (call $reply_number (i64.const 2))))
