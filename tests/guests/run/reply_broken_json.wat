;; Replies with JSON that ends too early.
(module
  @import reply
  @include agent
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32) (drop (call $reply `{"performative":"inform","content":`)) (i32.const 1)))
