;; Replies with JSON that is no message.
(module
  @import reply
  @include agent
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32) (drop (call $reply `{"content":"what is this"}`)) (i32.const 1)))
